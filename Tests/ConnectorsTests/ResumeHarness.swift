import Arrow
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// A job of one source that is killed now and then and goes on from its last epoch, each time with another parallelism.
struct KilledSource {
  /// What epochs count, in any order.
  private(set) var kept: [RecordBatch] = []
  private(set) var positions: [SplitPosition]?
  /// Every epoch, with how many of `kept` are of it and those before it.
  private(set) var epochs: [(positions: [SplitPosition], parallelism: Int, kept: Int)] = []
  /// Whether the first epoch comes before the first row: before that a job begins anew.
  private let beginsWithEpoch: Bool
  private let make: () throws -> SourceFactory

  init(beginsWithEpoch: Bool = false, make: @escaping () throws -> SourceFactory) {
    self.beginsWithEpoch = beginsWithEpoch
    self.make = make
  }

  /// Reads at random and takes epochs now and then, and dies.
  ///
  /// - Parameter reads: how often an instance reads at most; nil: until all have ended.
  mutating func run(
    _ generator: inout SeededGenerator, parallelism: Int, reads: Int?, maxRows: ClosedRange<Int>
  ) throws {
    let factory = try make()
    let sources = try (0..<parallelism).map {
      try #require(try factory.make(subtask($0, of: parallelism)) as? any ReplayableSource)
    }
    if let positions { for source in sources { try source.resume(at: positions) } }
    for source in sources { try source.open() }
    var ended: Set<Int> = []
    var given: [RecordBatch] = []
    if beginsWithEpoch, positions == nil { try takeEpoch(sources, &given) }
    var left = reads ?? .max
    while ended.count < sources.count, left > 0 {
      left -= 1
      let index = Int.random(in: sources.indices, using: &generator)
      guard !ended.contains(index) else { continue }
      switch try sources[index].read(maxRows: .random(in: maxRows, using: &generator), timeout: .zero) {
      case .batch(let batch): given.append(batch)
      case .idle: break
      case .end: ended.insert(index)
      }
      if Int.random(in: 0..<6, using: &generator) == 0 { try takeEpoch(sources, &given) }
    }
    if reads == nil { try takeEpoch(sources, &given) }
    // What was given since is lost, and the instances are not closed in order.
    for source in sources { source.stop() }
  }

  private mutating func takeEpoch(_ sources: [any ReplayableSource], _ given: inout [RecordBatch]) throws {
    positions = try sources.flatMap { try $0.positions() }
    let names = positions?.map(\.split) ?? []
    #expect(Set(names).count == names.count, "names of splits are unique: \(names)")
    kept += given
    given = []
    epochs.append((positions ?? [], sources.count, kept.count))
  }

  /// The rows that count, in an order of their own.
  var rows: [String] {
    canonical(kept).split(separator: "\n", omittingEmptySubsequences: true).map { String($0) }.sorted()
  }
}

/// Rows that a Python program prints, in the same order.
func pythonRows(_ program: String, _ arguments: [String]) -> [String] {
  let peer = TestProcess.python(canonicalPython + program, arguments: arguments)
  #expect(peer.status == 0, "\(peer.errors)")
  return peer.output.split(separator: "\n").map { String($0) }.sorted()
}
