/// Follows one alternative of a program after the other, in the order of preference, and never one twice from the same place
/// (the bit-state search of RE2; Cox, "Regular expression matching: the virtual machine approach", 2009). For short texts,
/// where it is many times as fast as `PikeMachine` and finds the same. One thread at a time.
///
/// Alternatives that the next byte rules out are never begun, so that an expression in which each byte tells the way goes
/// straight through.
final class Backtracker {
  /// Steps that may wait to be taken, and as many bits for places that were seen.
  private static let maximumSteps = 1 << 15
  private static let maximumInstructions = 1_000
  private static let maximumWays = 1 << 17

  /// Which ways of a split a class of bytes leaves open, as bits.
  private static let first: UInt8 = 1
  private static let second: UInt8 = 2

  /// What to do when all else has failed.
  private struct Step {
    /// The instruction to go on at; or, with the high bit set, the slot that gets `value` back.
    var target: UInt32
    /// A place in the text, or a slot's former value.
    var value: Int32
  }

  private static let restores: UInt32 = 0x8000_0000

  private let program: RegexProgram
  private let slotCount: Int
  /// The ways of each split for each class of bytes and for the end of the match.
  private let ways: UnsafeMutablePointer<UInt8>
  private let stride: Int
  /// The number of an instruction that several lead to; -1 for others, which are met as often as the one before them.
  private let joints: UnsafeMutablePointer<Int32>
  private let jointCount: Int
  /// How many instructions leave steps behind.
  private let branchCount: Int
  /// Bits, one for each joint and place; all are used up to `maximumSteps`.
  private let seen: UnsafeMutablePointer<UInt64>
  private let steps: UnsafeMutablePointer<Step>

  /// - Returns: nil when the program is too large for this.
  init?(_ program: RegexProgram, slotCount: Int) {
    stride = program.classCount + 1
    guard program.count <= Self.maximumInstructions, program.count * stride <= Self.maximumWays else { return nil }
    self.program = program
    self.slotCount = slotCount
    let openings = RegexOpenings(program)
    ways = .allocate(capacity: program.count * stride)
    ways.initialize(repeating: 0, count: program.count * stride)
    joints = .allocate(capacity: program.count)
    joints.initialize(repeating: -1, count: program.count)
    seen = .allocate(capacity: Self.maximumSteps / 64)
    steps = .allocate(capacity: Self.maximumSteps)
    var arrivals = [Int](repeating: 0, count: program.count)
    arrivals[Int(program.anchored)] = 1
    var branches = 0
    for index in openings.reachable {
      let instruction = program.instructions[index]
      switch instruction.kind {
      case .byte, .look: arrivals[Int(instruction.next)] += 1
      case .note:
        arrivals[Int(instruction.next)] += 1
        branches += 1
      case .split:
        arrivals[Int(instruction.next)] += 1
        arrivals[Int(instruction.other)] += 1
        branches += 1
        for column in 0..<stride {
          ways[index * stride + column] =
            (openings.isOpen(instruction.next, column) ? Self.first : 0)
            | (openings.isOpen(instruction.other, column) ? Self.second : 0)
        }
      case .match, .fail: break
      }
    }
    var joints = 0
    for index in openings.reachable where arrivals[index] > 1 {
      self.joints[index] = Int32(joints)
      joints += 1
    }
    jointCount = joints
    branchCount = branches
  }

  deinit {
    ways.deallocate()
    joints.deallocate()
    seen.deallocate()
    steps.deallocate()
  }

  /// Finds the groups of the match that is known to be at `match`, into `slots`.
  ///
  /// - Returns: false when the text is too long for this; then nothing is done.
  func findGroups(in text: TextBytes, of match: Range<Int>, into slots: UnsafeMutablePointer<Int32>) -> Bool {
    let width = match.count &+ 1
    // Each is left at most once a place.
    let needed = (max(branchCount, jointCount) + 1).multipliedReportingOverflow(by: width)
    guard !needed.overflow, needed.partialValue <= Self.maximumSteps else { return false }
    slots.update(repeating: -1, count: slotCount)
    seen.update(repeating: 0, count: (jointCount &* width &+ 63) >> 6)
    let found = run(text, match, slots)
    precondition(found, "a match that was found forward has no way through its program")
    slots[0] = Int32(truncatingIfNeeded: match.lowerBound)
    slots[1] = Int32(truncatingIfNeeded: match.upperBound)
    return true
  }

  private func run(_ text: TextBytes, _ match: Range<Int>, _ slots: UnsafeMutablePointer<Int32>) -> Bool {
    let (ways, joints, seen, steps, stride) = (ways, joints, seen, steps, stride)
    let (instructions, classes) = (program.instructions, program.classes)
    let width = match.count &+ 1
    var waiting = 0
    var at = Int(program.anchored)
    var place = match.lowerBound
    while true {
      var goesOn = true
      let joint = Int(joints[at])
      if joint >= 0 {
        let bit = joint &* width &+ (place &- match.lowerBound)
        let mask: UInt64 = 1 &<< UInt64(truncatingIfNeeded: bit & 63)
        goesOn = seen[bit &>> 6] & mask == 0
        seen[bit &>> 6] |= mask
      }
      if goesOn {
        let instruction = instructions[at]
        let split = at &* stride
        at = Int(instruction.next)
        switch instruction.kind {
        case .byte:
          goesOn =
            place < match.upperBound && text[place] >= instruction.low && text[place] <= instruction.high
          place &+= 1
        case .split:
          let column = place < match.upperBound ? Int(classes[Int(text[place])]) : stride &- 1
          let open = ways[split &+ column]
          if open & Self.second != 0 {
            if open & Self.first != 0 {
              steps[waiting] = Step(target: instruction.other, value: Int32(truncatingIfNeeded: place))
              waiting &+= 1
            } else {
              at = Int(instruction.other)
            }
          } else {
            goesOn = open != 0
          }
        case .look: goesOn = RegexLook(rawValue: instruction.low).isSubset(of: .at(place, in: text))
        case .note:
          let slot = Int(instruction.other)
          steps[waiting] = Step(target: instruction.other | Self.restores, value: slots[slot])
          waiting &+= 1
          slots[slot] = Int32(truncatingIfNeeded: place)
        case .match:
          if place == match.upperBound { return true }
          goesOn = false
        case .fail: goesOn = false
        }
      }
      while !goesOn {
        guard waiting > 0 else { return false }
        waiting &-= 1
        let step = steps[waiting]
        if step.target & Self.restores != 0 {
          slots[Int(step.target & ~Self.restores)] = step.value
        } else {
          at = Int(step.target)
          place = Int(step.value)
          goesOn = true
        }
      }
    }
  }
}
