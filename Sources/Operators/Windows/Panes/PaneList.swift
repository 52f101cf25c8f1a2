/// Panes in the order of their spans. There are few as a rule, and new ones come at the end.
struct PaneList {
  /// A slice, whose first pane is taken out for nothing.
  private(set) var panes: ArraySlice<Pane> = []
  /// Bytes that they hold; `update` keeps it.
  private(set) var byteCount = 0
  /// Keys in them; as `byteCount`.
  private(set) var keyCount = 0

  var first: Pane? { panes.first }
  var isEmpty: Bool { panes.isEmpty }

  /// The index of the first one that is not before `span`.
  private func place(of span: WindowSpan) -> Int {
    if let last = panes.last, last.span < span { return panes.endIndex }
    var (low, high) = (panes.startIndex, panes.endIndex)
    while low < high {
      let middle = (low + high) / 2
      if panes[middle].span < span { low = middle + 1 } else { high = middle }
    }
    return low
  }

  subscript(span: WindowSpan) -> Pane? {
    let place = place(of: span)
    return place < panes.endIndex && panes[place].span == span ? panes[place] : nil
  }

  /// Adds a pane for a span that has none.
  mutating func insert(_ pane: Pane) {
    panes.insert(pane, at: place(of: pane.span))
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
    guard let pane = panes.first, condition(pane) else { return nil }
    panes.removeFirst()
    byteCount -= pane.byteCount
    keyCount -= pane.keyCount
    return pane
  }
}
