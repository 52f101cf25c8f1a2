import Base

/// Makes a program of a parsed expression, from its end to its beginning: each part is told where to go on.
struct RegexCompiler {
  typealias Instruction = RegexProgram.Instruction

  /// Instructions of a program. A bound for memory: repetitions of large classes come to it first.
  static let maximumInstructions = 100_000

  private var instructions: [Instruction] = []
  private var tooLarge = false
  /// Whether the program reads the text from its end.
  private let reversed: Bool
  /// Whether places of groups are noted.
  private let notes: Bool
  /// Bytes instructions of the set that is compiled, so that sequences share their ends.
  private var shared: [SharedByte: UInt32] = [:]

  private struct SharedByte: Hashable {
    var bytes: UTF8Ranges.Bytes
    var next: UInt32
  }

  /// - Parameters:
  ///   - reversed: whether it reads from a match's end to its start.
  ///   - notes: whether it notes the places of groups, in slots 2 * group and the one after.
  /// - Returns: nil when it came to more than `maximumInstructions`.
  static func compile(_ node: RegexNode, reversed: Bool = false, notes: Bool = false) -> RegexProgram? {
    var compiler = RegexCompiler(reversed: reversed, notes: notes)
    let match = compiler.add(Instruction(kind: .match))
    let anchored = compiler.compile(node, next: match)
    // Any bytes before the match, as few as possible.
    let loop = compiler.add(Instruction(kind: .split, next: anchored))
    compiler.instructions[Int(loop)].other = compiler.add(Instruction(kind: .byte, low: 0, high: 0xFF, next: loop))
    return compiler.tooLarge ? nil : RegexProgram(compiler.instructions, anchored: anchored, unanchored: loop)
  }

  private init(reversed: Bool, notes: Bool) {
    self.reversed = reversed
    self.notes = notes
  }

  private mutating func add(_ instruction: Instruction) -> UInt32 {
    if instructions.count >= Self.maximumInstructions {
      tooLarge = true
      return 0
    }
    instructions.append(instruction)
    return UInt32(instructions.count - 1)
  }

  private mutating func compile(_ node: RegexNode, next: UInt32) -> UInt32 {
    if tooLarge { return 0 }
    switch node {
    case .empty: return next
    case .set(let set): return compile(set, next: next)
    case .anyByte: return add(Instruction(kind: .byte, low: 0, high: 0xFF, next: next))
    case .look(let look):
      return add(Instruction(kind: .look, low: (reversed ? look.mirrored : look).rawValue, next: next))
    case .capture(let group, let node):
      guard notes else { return compile(node, next: next) }
      let end = add(Instruction(kind: .note, next: next, other: UInt32(group * 2 + 1)))
      let body = compile(node, next: end)
      return add(Instruction(kind: .note, next: body, other: UInt32(group * 2)))
    case .sequence(let nodes):
      var place = next
      if reversed {
        for node in nodes { place = compile(node, next: place) }
      } else {
        for node in nodes.reversed() { place = compile(node, next: place) }
      }
      return place
    case .choice(let nodes): return alternatives(nodes.map { compile($0, next: next) })
    case .repetition(let node, let min, let max, let greedy):
      return repetition(node, min, max, greedy, next: next)
    }
  }

  /// One of the places, the first before the others.
  private mutating func alternatives(_ places: [UInt32]) -> UInt32 {
    guard var place = places.last else { return add(Instruction(kind: .fail)) }
    for other in places.dropLast().reversed() {
      place = add(Instruction(kind: .split, next: other, other: place))
    }
    return place
  }

  private mutating func split(_ body: UInt32, _ next: UInt32, _ greedy: Bool) -> UInt32 {
    add(Instruction(kind: .split, next: greedy ? body : next, other: greedy ? next : body))
  }

  private mutating func repetition(
    _ node: RegexNode, _ min: Int, _ max: Int?, _ greedy: Bool, next: UInt32
  ) -> UInt32 {
    var place = next
    if let max {
      // x{2,4} is xx(x(x)?)?
      for _ in min..<Swift.max(max, min) where !tooLarge { place = split(compile(node, next: place), next, greedy) }
    } else {
      let loop = add(Instruction(kind: .split))
      let body = compile(node, next: loop)
      if tooLarge { return 0 }
      instructions[Int(loop)].next = greedy ? body : next
      instructions[Int(loop)].other = greedy ? next : body
      // A star over what matches nothing goes through it once, so that it takes the alternative that comes first.
      place = min > 0 ? body : node.matchesEmpty ? split(body, next, greedy) : loop
      if min > 0 {
        for _ in 1..<min where !tooLarge { place = compile(node, next: place) }
        return place
      }
      return place
    }
    for _ in 0..<min where !tooLarge { place = compile(node, next: place) }
    return place
  }

  private mutating func compile(_ set: ScalarSet, next: UInt32) -> UInt32 {
    shared.removeAll(keepingCapacity: true)
    let sequences = UTF8Ranges.sequences(of: set).map { reversed ? Array($0.reversed()) : $0 }
    guard !sequences.isEmpty else { return add(Instruction(kind: .fail)) }
    return compile(sequences[...], from: 0, next: next)
  }

  /// The sequences from their byte `depth` on, those with the same first byte as one.
  private mutating func compile(_ sequences: ArraySlice<[UTF8Ranges.Bytes]>, from depth: Int, next: UInt32) -> UInt32 {
    var places: [UInt32] = []
    var rest = sequences
    while let first = rest.first, !tooLarge {
      let bytes = first[depth]
      // Reversed sequences are not sorted by their first byte; those that stand together are enough to gain.
      let group = rest.prefix { $0[depth] == bytes && $0.count > depth + 1 && first.count > depth + 1 }
      let taken = Swift.max(group.count, 1)
      let after = group.isEmpty ? next : compile(group, from: depth + 1, next: next)
      places.append(byte(bytes, next: after))
      rest = rest.dropFirst(taken)
    }
    return alternatives(places)
  }

  private mutating func byte(_ bytes: UTF8Ranges.Bytes, next: UInt32) -> UInt32 {
    let key = SharedByte(bytes: bytes, next: next)
    if let known = shared[key] { return known }
    let place = add(Instruction(kind: .byte, low: bytes.lowerBound, high: bytes.upperBound, next: next))
    shared[key] = place
    return place
  }
}
