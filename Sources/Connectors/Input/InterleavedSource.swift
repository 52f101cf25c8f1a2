import Arrow
import Base
import Dataflow

/// Reads several files at once, a batch of each in turn, and tells from which one a batch is: each is a split, so that
/// one whose rows are earlier than those of the others holds event time back instead of giving late rows.
///
/// A file begins as a split before the one whose place it takes ends.
final class InterleavedSource: Source {
  let blocks = true
  let tellsSplits = true
  private let limit: Int
  private let next: Next
  private let watched: WatchedFiles?
  private let wake: WakePipe
  private var readers: [(split: SplitID, body: any Source)] = []
  /// Which of them is read next.
  private var turn = 0
  private var splitCount = 0
  private var changes: [SplitChange] = []

  /// The next file's reader, which has not been opened; nil when there is none, or none yet.
  typealias Next = () throws(Failure) -> (any Source)?

  /// While several are open, one that has nothing at present is waited for no longer than this.
  private static let longestWait = Duration.milliseconds(10)

  /// - Parameters:
  ///   - limit: files that are open at once.
  ///   - watched: where more may appear; nil: the first nil is the last.
  init(_ limit: Int, watched: WatchedFiles? = nil, next: @escaping Next) throws(Failure) {
    self.limit = limit
    self.watched = watched
    self.next = next
    wake = try WakePipe()
  }

  /// The own parts of a job's input, one a file: `parts` in their order, those of a file together.
  static func byFile<Part>(
    _ parts: [Part], path: (Part) -> String, _ make: @escaping ([Part]) throws(Failure) -> any Source
  ) -> Next {
    var files: [[Part]] = []
    for part in parts {
      if let last = files.last, path(last[0]) == path(part) {
        files[files.count - 1].append(part)
      } else {
        files.append([part])
      }
    }
    var rest = files[...]
    return { () throws(Failure) in
      guard let file = rest.popFirst() else { return nil }
      return try make(file)
    }
  }

  func open() throws(Failure) { try watched?.open() }

  func stop() { wake.wake() }

  func close() throws(Failure) {
    var first: Failure?
    for (_, body) in readers {
      do throws(Failure) { try body.close() } catch { first = first ?? error }
    }
    readers = []
    if let first { throw first }
  }

  func takeSplitChanges() -> [SplitChange] {
    defer { changes = [] }
    return changes
  }

  func read(maxRows: Int, timeout: Duration) throws(Failure) -> ReadOutcome {
    let deadline = ContinuousClock.now + timeout
    /// Files in a row that had nothing.
    var silent = 0
    while !wake.isWoken {
      try openMore()
      guard !readers.isEmpty else {
        guard let watched else { return .end }
        let wait = deadline - .now
        if wait <= .zero { return .idle }
        watched.wait(wait, wake: wake)
        continue
      }
      turn = turn < readers.count ? turn : 0
      // Only when no other one has anything there is time to wait.
      let wait = silent + 1 < readers.count ? .zero : min(max(.zero, deadline - .now), Self.longestWait)
      switch try readers[turn].body.read(maxRows: maxRows, timeout: wait) {
      case .batch(let batch):
        changes.append(.gives(readers[turn].split))
        turn += 1
        return .batch(batch)
      case .idle:
        turn += 1
        silent += 1
        if silent >= readers.count && deadline <= .now { return .idle }
      case .end:
        let (split, body) = readers.remove(at: turn)
        try body.close()
        try openMore()
        changes.append(.ends(split))
      }
    }
    return .end
  }

  private func openMore() throws(Failure) {
    while readers.count < limit, let body = try next() {
      try body.open()
      let split = SplitID(splitCount)
      splitCount += 1
      readers.append((split, body))
      changes.append(.begins(split))
    }
  }
}
