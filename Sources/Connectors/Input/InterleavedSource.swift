import Arrow
import Base
import Dataflow

/// Reads several files at once, a batch of each in turn, and tells from which one a batch is: each is a split, so that
/// one whose rows are earlier than those of the others holds event time back instead of giving late rows.
///
/// A file begins as a split before the one whose place it takes ends.
final class InterleavedSource: BoundedSource {
  let blocks = true
  let tellsSplits = true
  private let limit: Int
  private let inputs: FileInputs
  private let make: Make
  private let wake: WakePipe
  private var readers: [Reader] = []
  /// Of a source that gives an epoch's rows alone: those that were read on behind it, and hold event time back for ever.
  private var held: [Reader] = []
  /// Which of them is read next.
  private var turn = 0
  private var nextNumber: Int?
  private var changes: [SplitChange] = []

  /// A reader of parts of a file, which has not been opened.
  typealias Make = (FileInputs) throws(Failure) -> any FileReadingSource

  private struct Reader {
    let split: SplitID
    /// It is read on behind the epoch.
    let goesOn: Bool
    let body: any FileReadingSource
    /// What it reads first.
    let first: FileInputs.Part

    /// Also of one that has not been read yet: the split has begun, and event time waits for it.
    var positions: [FilePosition] {
      var positions = body.filePositions()
      if positions.isEmpty, let unread { positions = [unread] }
      for index in positions.indices { positions[index].number = split.number }
      return positions
    }

    private var unread: FilePosition? {
      first.position ?? first.found.map { FilePosition(first.split, file: $0) }
    }
  }

  /// While several are open, one that has nothing at present is waited for no longer than this.
  private static let longestWait = Duration.milliseconds(10)

  /// - Parameters:
  ///   - limit: files that are open at once.
  init(_ limit: Int, _ inputs: FileInputs, _ make: @escaping Make) throws(Failure) {
    self.limit = limit
    self.inputs = inputs
    self.make = make
    wake = try WakePipe()
  }

  func open() throws(Failure) { try inputs.open() }

  func stop() { wake.wake() }

  func close() throws(Failure) {
    var first: Failure?
    for reader in readers + held {
      do throws(Failure) { try reader.body.close() } catch { first = first ?? error }
    }
    (readers, held) = ([], [])
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
        guard let watched = inputs.watched else { return .end }
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
        let reader = readers.remove(at: turn)
        if reader.goesOn {
          held.append(reader)
          continue
        }
        inputs.finish(reader.positions)
        try reader.body.close()
        try openMore()
        changes.append(.ends(reader.split))
      }
    }
    return .end
  }

  private func openMore() throws(Failure) {
    // An epoch whose rows come again may have had more files open than this subtask may: those that wait behind its end are not
    // read any more, and give way.
    while readers.isEmpty || readers.count + held.count < limit, let parts = try inputs.nextFile() {
      let body = try make(FileInputs(parts: parts, place: ""))
      try body.open()
      let number: Int
      if let former = inputs.formerNumber(of: parts) {
        number = former
      } else {
        number = nextNumber ?? inputs.firstNumber
        nextNumber = number + 1
      }
      let split = SplitID(number)
      readers.append(Reader(split: split, goesOn: parts.contains(where: \.goesOn), body: body, first: parts[0]))
      changes.append(.begins(split))
    }
  }
}

extension InterleavedSource {
  func positions() throws(Failure) -> [SplitPosition] { try inputs.positions((readers + held).flatMap(\.positions)) }

  func missing(of positions: [SplitPosition]) -> [String] { inputs.missing(of: positions) }

  func resume(at positions: [SplitPosition]) throws(Failure) { try inputs.resume(at: positions) }

  func end(at positions: [SplitPosition]) throws(Failure) { try inputs.end(at: positions) }
}

/// A source of files whose positions another source may tell with its own.
protocol FileReadingSource: BoundedSource {
  func filePositions() -> [FilePosition]
}
