/// Runs a program with all its alternatives side by side, each with the places of its groups (Pike's machine; Cox, "Regular
/// expression matching: the virtual machine approach", 2009). Time: the text's length times the program's. One thread at a
/// time.
final class PikeMachine {
  /// Bytes that the places of all alternatives may take.
  static let maximumBytes = 16 << 20

  static func bytes(_ program: RegexProgram, slots: Int) -> Int { program.count * slots * 4 * 2 }

  private enum Frame {
    case visit(UInt32)
    /// Gives a slot its former value, once all that came after it was changed is visited.
    case restore(slot: Int, value: Int32)
  }

  private let program: RegexProgram
  private let slotCount: Int
  private var current: SparseSet
  private var following: SparseSet
  /// The places of the alternative at each instruction, for both sets.
  private var places: UnsafeMutablePointer<Int32>
  private var followingPlaces: UnsafeMutablePointer<Int32>
  /// Those of the alternative that is followed.
  private let work: UnsafeMutablePointer<Int32>
  private var stack: [Frame] = []

  /// - Parameter slotCount: two for each group and the whole match.
  init(_ program: RegexProgram, slotCount: Int) {
    self.program = program
    self.slotCount = slotCount
    current = SparseSet(capacity: program.count)
    following = SparseSet(capacity: program.count)
    places = .allocate(capacity: program.count * slotCount)
    followingPlaces = .allocate(capacity: program.count * slotCount)
    work = .allocate(capacity: slotCount)
  }

  deinit {
    places.deallocate()
    followingPlaces.deallocate()
    work.deallocate()
  }

  /// Finds the groups of the match that is known to be at `match`, into `slots`.
  func findGroups(in text: TextBytes, of match: Range<Int>, into slots: UnsafeMutablePointer<Int32>) {
    slots.update(repeating: -1, count: slotCount)
    work.update(repeating: -1, count: slotCount)
    current.removeAll()
    follow(program.anchored, at: match.lowerBound, in: text, into: &current, places)
    var place = match.lowerBound
    while current.count > 0 {
      following.removeAll()
      loop: for index in 0..<current.count {
        let at = current[index]
        let instruction = program.instructions[Int(at)]
        switch instruction.kind {
        case .byte:
          guard place < match.upperBound, text[place] >= instruction.low, text[place] <= instruction.high else {
            continue
          }
          work.update(from: places + Int(at) * slotCount, count: slotCount)
          follow(instruction.next, at: place &+ 1, in: text, into: &following, followingPlaces)
        case .match:
          slots.update(from: places + Int(at) * slotCount, count: slotCount)
          break loop  // What comes after it is preferred less.
        case .split, .look, .note, .fail: continue
        }
      }
      swap(&current, &following)
      swap(&places, &followingPlaces)
      place &+= 1
    }
    slots[0] = Int32(truncatingIfNeeded: match.lowerBound)
    slots[1] = Int32(truncatingIfNeeded: match.upperBound)
  }

  /// Adds what can be reached from the instruction without a byte, with the places in `work`.
  private func follow(
    _ instruction: UInt32, at place: Int, in text: TextBytes, into set: inout SparseSet,
    _ places: UnsafeMutablePointer<Int32>
  ) {
    let held = program.looks.isEmpty ? RegexLook() : RegexLook.at(place, in: text)
    stack.append(.visit(instruction))
    while let frame = stack.popLast() {
      switch frame {
      case .restore(let slot, let value): work[slot] = value
      case .visit(let at):
        guard set.insert(at) else { continue }
        let instruction = program.instructions[Int(at)]
        switch instruction.kind {
        case .byte, .match: (places + Int(at) * slotCount).update(from: work, count: slotCount)
        case .fail: break
        case .split:
          stack.append(.visit(instruction.other))
          stack.append(.visit(instruction.next))
        case .look:
          if RegexLook(rawValue: instruction.low).isSubset(of: held) { stack.append(.visit(instruction.next)) }
        case .note:
          let slot = Int(instruction.other)
          stack.append(.restore(slot: slot, value: work[slot]))
          work[slot] = Int32(truncatingIfNeeded: place)
          stack.append(.visit(instruction.next))
        }
      }
    }
  }
}
