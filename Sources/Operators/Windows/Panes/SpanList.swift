/// Values by stretch of time, in the order of the stretches. There are few as a rule, new ones come at the end, and the
/// first ones go.
struct SpanList<Element> {
  /// The first `gone` are no longer there.
  private var spans: [WindowSpan] = []
  /// As `spans`; nil where they are no longer there, so that nothing of them stays in memory.
  private var elements: [Element?] = []
  private var gone = 0

  var count: Int { spans.count - gone }
  var isEmpty: Bool { count == 0 }
  var firstSpan: WindowSpan? { isEmpty ? nil : spans[gone] }
  var first: Element? { isEmpty ? nil : elements[gone] }

  /// The index of the first one that is not before `span`.
  private func place(of span: WindowSpan) -> Int {
    if let last = spans.last, last < span { return spans.count }
    var (low, high) = (gone, spans.count)
    while low < high {
      let middle = (low + high) / 2
      if spans[middle] < span { low = middle + 1 } else { high = middle }
    }
    return low
  }

  subscript(span: WindowSpan) -> Element? {
    let place = place(of: span)
    return place < spans.count && spans[place] == span ? elements[place] : nil
  }

  /// The first span that is not before `span`.
  func firstSpan(from span: WindowSpan) -> WindowSpan? {
    let place = place(of: span)
    return place < spans.count ? spans[place] : nil
  }

  /// Adds a span that is not there.
  mutating func insert(_ element: Element, _ span: WindowSpan) {
    let place = place(of: span)
    spans.insert(span, at: place)
    elements.insert(element, at: place)
  }

  mutating func popFirst() -> Element? {
    guard let first else { return nil }
    elements[gone] = nil
    gone += 1
    // Each one that goes has paid for moving another one.
    if gone > count {
      spans.removeFirst(gone)
      elements.removeFirst(gone)
      gone = 0
    }
    return first
  }

  /// Those from one span on up to another one, which is not of them.
  func elements(from start: WindowSpan, to end: WindowSpan) -> [Element] {
    let (first, end) = (place(of: start), place(of: end))
    return first < end ? elements[first..<end].compactMap { $0 } : []
  }
}

extension WindowSpan {
  /// Comes behind all spans that end at or before a time, and before all others.
  static func behindAll(endingBy time: Int64) -> WindowSpan { WindowSpan(start: .max, end: time) }
}
