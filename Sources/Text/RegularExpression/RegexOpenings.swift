/// What each instruction of a program can begin with, its conditions aside.
struct RegexOpenings {
  /// The instructions that can be reached from the program's anchored start.
  private(set) var reachable: [Int] = []
  private let stride: Int
  private var open: [Bool]

  init(_ program: RegexProgram) {
    stride = program.classCount + 1
    open = Array(repeating: false, count: program.count * stride)
    reach(program)
    // What an instruction can begin with is told to those before it, until nothing changes.
    var before = [[Int]](repeating: [], count: program.count)
    var changed: [Int] = []
    for index in reachable {
      let instruction = program.instructions[index]
      switch instruction.kind {
      case .byte:
        for byte in instruction.low...instruction.high { open[index * stride + Int(program.classes[Int(byte)])] = true }
        changed.append(index)
      case .match:
        open[index * stride + stride - 1] = true
        changed.append(index)
      case .look, .note: before[Int(instruction.next)].append(index)
      case .split:
        before[Int(instruction.next)].append(index)
        before[Int(instruction.other)].append(index)
      case .fail: break
      }
    }
    while let index = changed.popLast() {
      for earlier in before[index] {
        var grown = false
        for column in 0..<stride where open[index * stride + column] && !open[earlier * stride + column] {
          open[earlier * stride + column] = true
          grown = true
        }
        if grown { changed.append(earlier) }
      }
    }
  }

  /// Whether the instruction can go on at a byte of the class, or, in the last column, at the end.
  func isOpen(_ instruction: UInt32, _ column: Int) -> Bool { open[Int(instruction) * stride + column] }

  private mutating func reach(_ program: RegexProgram) {
    var found = [Bool](repeating: false, count: program.count)
    var stack = [Int(program.anchored)]
    while let index = stack.popLast() {
      guard !found[index] else { continue }
      found[index] = true
      reachable.append(index)
      let instruction = program.instructions[index]
      switch instruction.kind {
      case .byte, .look, .note: stack.append(Int(instruction.next))
      case .split: stack += [Int(instruction.next), Int(instruction.other)]
      case .match, .fail: break
      }
    }
  }
}
