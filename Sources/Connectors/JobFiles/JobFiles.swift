import Base
import Observability

/// The files that a whole job reads and writes, looked at before it runs.
///
/// No file is written that is read, or would be the next time, and none by two: a sink replaces what it writes, and bad records are
/// added to what they are written to. What connectors of plugins read and write is not known.
public struct JobFiles {
  private let reads: [ReadFiles]
  private let writes: [WrittenFiles]

  public init(_ uses: [FileUse]) {
    reads = uses.compactMap(\.reads)
    writes = uses.compactMap(\.writes)
  }

  /// Refuses what would lose or repeat rows, removes what killed jobs left, and tells what earlier ones did.
  ///
  /// - Throws: `usage`, naming both places and the path; `io` when a dead-letter file cannot be written.
  public func prepare(log: EventLog? = nil) throws(Failure) {
    for (index, written) in writes.enumerated() {
      for former in writes[..<index] where former.meets(written) {
        throw former.refusal("which \(written.place) writes too", as: written.path)
      }
    }
    try refuseWrittenInputs()
    for written in writes { try written.prepare(log) }
  }

  private func refuseWrittenInputs() throws(Failure) {
    guard !reads.isEmpty else { return }
    var writers: [FileIdentity: Int] = [:]
    for (index, written) in writes.enumerated() { for file in written.files { writers[file.identity] = index } }
    for read in reads {
      if !writers.isEmpty {
        for file in read.files {
          guard let writer = writers[file.identity] else { continue }
          throw writes[writer].refusal("which \(read.place) reads", as: file.path)
        }
      }
      for pattern in read.patterns {
        guard let written = writes.first(where: { $0.isReached(by: pattern, hidesTemporaries: read.isWatched) }) else {
          continue
        }
        let time = read.isWatched ? "as soon as it is there" : "in the next run"
        throw written.refusal("which \(read.place) would read \(time)", as: pattern)
      }
    }
  }
}
