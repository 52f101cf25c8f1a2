/// The windows that have told results or may, until they take no more rows, in the order of their ends.
struct ToldWindows {
  private var list = SpanList<RevisedWindow>()
  /// Those that a trigger is to tell.
  private var changed: Set<WindowSpan> = []
  /// Keys and bytes of all of them; `update` keeps them.
  private(set) var keyCount = 0
  private(set) var byteCount = 0

  subscript(span: WindowSpan) -> RevisedWindow? { list[span] }

  /// All of them.
  var all: [RevisedWindow] { list.elements(from: .behindAll(endingBy: .min), to: .behindAll(endingBy: .max)) }

  /// Whether there may be something that a trigger is to tell.
  var hasChanges: Bool { !changed.isEmpty }

  /// The end of the first one.
  var firstEnd: Int64? { list.firstSpan?.end }

  /// The end of the first one that ends after `time`.
  func firstEnd(after time: Int64) -> Int64? { list.firstSpan(from: .behindAll(endingBy: time))?.end }

  /// Adds a window for a span that has none.
  mutating func insert(_ window: RevisedWindow) {
    list.insert(window, window.span)
    byteCount += window.byteCount
    keyCount += window.keyCount
  }

  /// Changes a window, and notes what it holds then.
  mutating func update<E: Error>(_ window: RevisedWindow, _ body: () throws(E) -> Void) throws(E) {
    let (bytes, keys) = (window.byteCount, window.keyCount)
    defer {
      byteCount += window.byteCount - bytes
      keyCount += window.keyCount - keys
    }
    try body()
  }

  /// A trigger is to tell what has changed in a window.
  mutating func noteChanges(_ window: RevisedWindow) {
    if window.hasChanges { changed.insert(window.span) }
  }

  /// Those that have changed; they are to be told at once.
  mutating func takeChanged() -> [RevisedWindow] {
    defer { changed.removeAll() }
    return changed.sorted().compactMap { list[$0] }
  }

  /// Those that have changed and end after a time, up to another one; they are to be told at once.
  mutating func takeChanged(endingAfter time: Int64, upTo end: Int64) -> [RevisedWindow] {
    let windows = list.elements(from: .behindAll(endingBy: time), to: .behindAll(endingBy: end))
    for window in windows { changed.remove(window.span) }
    return windows.filter(\.hasChanges)
  }

  /// Takes the first one out, when `condition` holds for its end.
  mutating func popFirst(where condition: (_ end: Int64) -> Bool) -> RevisedWindow? {
    guard let span = list.firstSpan, condition(span.end), let window = list.popFirst() else { return nil }
    changed.remove(span)
    byteCount -= window.byteCount
    keyCount -= window.keyCount
    return window
  }
}
