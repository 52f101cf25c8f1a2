/// A regular expression as its parser understood it.
indirect enum RegexNode: Sendable {
  /// Nothing: matches everywhere.
  case empty
  /// One character of the set; nothing at all when the set is empty.
  case set(ScalarSet)
  /// One byte of any value: `\C`.
  case anyByte
  /// A condition on the place.
  case look(RegexLook)
  /// A group whose place is wanted, from 1.
  case capture(Int, RegexNode)
  case sequence([RegexNode])
  /// One of several, the first that leads to a match.
  case choice([RegexNode])
  /// `max` nil: without end. A greedy one prefers more, another fewer.
  case repetition(RegexNode, min: Int, max: Int?, greedy: Bool)

  /// Whether it can match without taking a character, its conditions aside.
  var matchesEmpty: Bool {
    switch self {
    case .empty, .look: true
    case .set, .anyByte: false
    case .capture(_, let node): node.matchesEmpty
    case .sequence(let nodes): nodes.allSatisfy(\.matchesEmpty)
    case .choice(let nodes): nodes.contains(where: \.matchesEmpty)
    case .repetition(let node, let min, _, _): min == 0 || node.matchesEmpty
    }
  }

  /// What is left of a bound on repetitions within repetitions, 0 when it is exceeded.
  func repetitionsLeft(of bound: Int) -> Int {
    switch self {
    case .empty, .look, .set, .anyByte: bound
    case .capture(_, let node): node.repetitionsLeft(of: bound)
    case .sequence(let nodes), .choice(let nodes):
      nodes.reduce(bound) { min($0, $1.repetitionsLeft(of: bound)) }
    case .repetition(let node, let low, let high, _):
      // Stars and the like are not counted: they are not unrolled.
      node.repetitionsLeft(of: max(high ?? low, low) > 1 ? bound / max(high ?? low, low) : bound)
    }
  }
}

/// Conditions on a place between two bytes, as bits.
struct RegexLook: OptionSet, Sendable, Hashable {
  var rawValue: UInt8

  static let lineStart = RegexLook(rawValue: 1)
  static let lineEnd = RegexLook(rawValue: 2)
  static let textStart = RegexLook(rawValue: 4)
  static let textEnd = RegexLook(rawValue: 8)
  static let wordBoundary = RegexLook(rawValue: 16)
  /// Never within a character.
  static let noWordBoundary = RegexLook(rawValue: 32)

  /// The same condition for a text that is read from its end.
  var mirrored: RegexLook {
    var result = intersection([.wordBoundary, .noWordBoundary])
    if contains(.lineStart) { result.insert(.lineEnd) }
    if contains(.lineEnd) { result.insert(.lineStart) }
    if contains(.textStart) { result.insert(.textEnd) }
    if contains(.textEnd) { result.insert(.textStart) }
    return result
  }

  /// All conditions that hold at a byte of the text.
  static func at(_ place: Int, in text: TextBytes) -> RegexLook {
    var looks: RegexLook = []
    if place == 0 { looks.formUnion([.textStart, .lineStart]) }
    if place == text.count { looks.formUnion([.textEnd, .lineEnd]) }
    if place > 0, text[place &- 1] == UInt8(ascii: "\n") { looks.insert(.lineStart) }
    if place < text.count, text[place] == UInt8(ascii: "\n") { looks.insert(.lineEnd) }
    let before = place > 0 && isWordByte(text[place &- 1])
    let after = place < text.count && isWordByte(text[place])
    if before != after {
      looks.insert(.wordBoundary)
    } else if place == text.count || text[place] & 0xC0 != 0x80 {
      looks.insert(.noWordBoundary)
    }
    return looks
  }

  static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: false
    }
  }
}
