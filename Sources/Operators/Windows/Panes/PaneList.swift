/// Panes in the order of their spans.
struct PaneList {
  private var list = SpanList<Pane>()
  /// Bytes that they hold; `update` keeps it.
  private(set) var byteCount = 0
  /// Keys in them; as `byteCount`.
  private(set) var keyCount = 0

  var first: Pane? { list.first }
  var isEmpty: Bool { list.isEmpty }

  subscript(span: WindowSpan) -> Pane? { list[span] }

  /// All panes that end after `time`, up to those that end after `end`.
  func panes(endingAfter time: Int64, upTo end: Int64) -> [Pane] {
    list.elements(from: .behindAll(endingBy: time), to: .behindAll(endingBy: end))
  }

  /// Adds a pane for a span that has none.
  mutating func insert(_ pane: Pane) {
    list.insert(pane, pane.span)
    byteCount += pane.byteCount
    keyCount += pane.keyCount
  }

  /// Changes a pane of the list, and notes what it holds then.
  mutating func update<E: Error>(_ pane: Pane, _ body: (Pane) throws(E) -> Void) throws(E) {
    let (bytes, keys) = (pane.byteCount, pane.keyCount)
    defer {
      byteCount += pane.byteCount - bytes
      keyCount += pane.keyCount - keys
    }
    try body(pane)
  }

  /// The first pane, which is taken out, when `condition` holds for it.
  mutating func popFirst(where condition: (Pane) -> Bool) -> Pane? {
    guard let first, condition(first), let pane = list.popFirst() else { return nil }
    byteCount -= pane.byteCount
    keyCount -= pane.keyCount
    return pane
  }
}
