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
  /// Whether a match can end at the end of the text only.
  let endsText: Bool
  /// Whether there is a bound on how many bytes a match takes.
  let isBounded: Bool

  init(_ node: RegexNode) {
    (prefix, isWhole) = Self.prefix(of: node)
    startsText = Self.holdsOutermost(.textStart, node, { $0.first })
    endsText = Self.holdsOutermost(.textEnd, node, { $0.last })
    isBounded = Self.isBounded(node)
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

  /// Whether every match has the condition at one of its edges.
  ///
  /// - Parameter outermost: the part of a sequence that stands at that edge.
  private static func holdsOutermost(
    _ condition: RegexLook, _ node: RegexNode, _ outermost: ([RegexNode]) -> RegexNode?
  ) -> Bool {
    switch node {
    case .look(let look): look == condition
    case .capture(_, let node): holdsOutermost(condition, node, outermost)
    case .sequence(let nodes): outermost(nodes).map { holdsOutermost(condition, $0, outermost) } ?? false
    case .choice(let nodes): nodes.allSatisfy { holdsOutermost(condition, $0, outermost) }
    case .repetition(let node, let min, _, _): min > 0 && holdsOutermost(condition, node, outermost)
    case .empty, .set, .anyByte: false
    }
  }

  private static func isBounded(_ node: RegexNode) -> Bool {
    switch node {
    case .empty, .set, .anyByte, .look: true
    case .capture(_, let node): isBounded(node)
    case .sequence(let nodes), .choice(let nodes): nodes.allSatisfy(isBounded)
    case .repetition(let node, _, let max, _): max != nil && isBounded(node)
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
