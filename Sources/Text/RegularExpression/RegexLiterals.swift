/// The plain text in a regular expression, by which most texts are told apart before the automaton runs.
struct RegexLiterals {
  /// What every match begins with.
  var prefix: [UInt8]
  /// Whether `prefix` is all that it matches.
  var isWhole: Bool
  /// The longest text that is in every match.
  var required: [UInt8] = []
  /// Whether a match can begin at the start of the text only.
  let startsText: Bool

  init(_ node: RegexNode) {
    (prefix, isWhole) = Self.prefix(of: node)
    startsText = Self.startsText(node)
    var run: [UInt8] = []
    collect(node, &run)
    end(&run)
  }

  private static func bytes(_ set: ScalarSet) -> [UInt8]? {
    set.single.flatMap { Unicode.Scalar($0) }.flatMap { UTF8.encode($0) }.map { Array($0) }
  }

  private static func prefix(of node: RegexNode) -> ([UInt8], whole: Bool) {
    switch node {
    case .empty: return ([], true)
    case .set(let set): return bytes(set).map { ($0, true) } ?? ([], false)
    case .anyByte, .look, .choice: return ([], false)
    case .capture(_, let node): return prefix(of: node)
    case .sequence(let nodes):
      var result: [UInt8] = []
      for node in nodes {
        let (part, whole) = prefix(of: node)
        result += part
        if !whole { return (result, false) }
      }
      return (result, true)
    case .repetition(let node, let min, _, _): return min > 0 ? (prefix(of: node).0, false) : ([], false)
    }
  }

  private static func startsText(_ node: RegexNode) -> Bool {
    switch node {
    case .look(let look): look == .textStart
    case .capture(_, let node): startsText(node)
    case .sequence(let nodes): nodes.first.map(startsText) ?? false
    case .choice(let nodes): nodes.allSatisfy(startsText)
    case .repetition(let node, let min, _, _): min > 0 && startsText(node)
    case .empty, .set, .anyByte: false
    }
  }

  private mutating func collect(_ node: RegexNode, _ run: inout [UInt8]) {
    switch node {
    case .empty: break
    case .set(let set):
      if let bytes = Self.bytes(set) { run += bytes } else { end(&run) }
    case .capture(_, let node): collect(node, &run)
    case .sequence(let nodes): for node in nodes { collect(node, &run) }
    case .repetition(let node, let min, _, _):
      end(&run)
      if min > 0 { collect(node, &run) }
      end(&run)
    case .anyByte, .choice, .look: end(&run)
    }
  }

  private mutating func end(_ run: inout [UInt8]) {
    if run.count > required.count { required = run }
    run.removeAll()
  }
}
