import Arrow
import Base

@testable import Dataflow

/// What sinks have written, as it outlives them.
final class TestFiles: Sendable {
  private struct State {
    var hidden: [String: [Int64]] = [:]
    var shown: [String: [Int64]] = [:]
    var openSinks = 0
  }

  private let state = Monitor(State())

  /// Another process takes over.
  func restart() { state.withLock { $0.openSinks = 0 } }

  func opened() { state.withLock { $0.openSinks += 1 } }
  var hasOpenSinks: Bool { state.withLock { $0.openSinks > 0 } }

  func write(_ ids: [Int64], hidden name: String) {
    state.withLock { state in
      precondition(state.hidden[name] == nil && state.shown[name] == nil, "\(name) is written once")
      state.hidden[name] = ids
    }
  }

  /// Nothing happens when it is shown already.
  func show(_ name: String) {
    state.withLock { state in
      guard let ids = state.hidden.removeValue(forKey: name) else {
        precondition(state.shown[name] != nil, "\(name) is there")
        return
      }
      state.shown[name] = ids
    }
  }

  func removeHidden(of sink: String, but spared: Set<String>) {
    state.withLock { state in
      state.hidden = state.hidden.filter { !$0.key.hasPrefix("\(sink)/") || spared.contains($0.key) }
    }
  }

  /// How often each row shows.
  func counts(_ sink: String) -> [Int64: Int] {
    state.withLock { state in
      var counts: [Int64: Int] = [:]
      for (name, ids) in state.shown where name.hasPrefix("\(sink)/") {
        for id in ids { counts[id, default: 0] += 1 }
      }
      return counts
    }
  }

  var hidden: [String] { state.withLock { $0.hidden.keys.sorted() } }
  var shown: [String] { state.withLock { $0.shown.keys.sorted() } }
}

/// Writes to `TestFiles`, a file an epoch, and checks the order of its calls.
final class FileSink: TransactionalSink {
  let blocks: Bool
  private let sink: String
  private let subtask: Int
  private let files: TestFiles
  private var rows: [Int64] = []
  private var usesEpochs = false
  private var hasRecovered = false
  private var isOpen = false
  private var last: Epoch?

  init(_ sink: String, _ place: SubtaskContext, _ files: TestFiles, blocks: Bool = false) {
    self.sink = sink
    subtask = place.id.index
    self.files = files
    self.blocks = blocks
  }

  func useEpochs() throws(Failure) {
    precondition(!hasRecovered && !isOpen, "\(sink) hears of epochs first")
    usesEpochs = true
  }

  func recover(own: [SinkTransaction], all: [SinkTransaction]) throws(Failure) {
    precondition(usesEpochs && !hasRecovered && !files.hasOpenSinks, "\(sink) recovers before any is opened")
    hasRecovered = true
    for transaction in own { files.show(transaction.content) }
    if subtask == 0 { files.removeHidden(of: sink, but: Set(all.map(\.content))) }
  }

  func open() throws(Failure) {
    precondition(!isOpen && hasRecovered == usesEpochs, "\(sink) is opened once, after it has recovered")
    isOpen = true
    files.opened()
  }

  func write(_ batch: RecordBatch) throws(Failure) {
    precondition(isOpen && batch.length > 0 && batch.selection == nil, "\(sink) gets rows without a selection")
    rows += Rows.ids(batch)
  }

  func prepare(_ epoch: Epoch) throws(Failure) -> [SinkTransaction] {
    precondition(isOpen && usesEpochs && epoch > last ?? Epoch(0), "\(sink) prepares one epoch after the other")
    last = epoch
    if rows.isEmpty { return [] }
    let name = "\(sink)/\(subtask)/\(epoch.number)"
    files.write(rows, hidden: name)
    rows = []
    return [SinkTransaction(name)]
  }

  func commit(_ transactions: [SinkTransaction]) throws(Failure) {
    precondition(isOpen && !transactions.isEmpty, "\(sink) commits what there is")
    for transaction in transactions { files.show(transaction.content) }
  }

  func close(complete: Bool) throws(Failure) {
    precondition(isOpen, "\(sink) is closed once")
    isOpen = false
    if !complete { return }
    precondition(!usesEpochs || rows.isEmpty, "\(sink) has shown all when it is complete")
    if usesEpochs || rows.isEmpty { return }
    let name = "\(sink)/\(subtask)/all"
    files.write(rows, hidden: name)
    files.show(name)
  }
}
