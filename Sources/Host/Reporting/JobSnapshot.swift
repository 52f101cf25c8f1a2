import Observability

/// A job's stages at one moment.
struct JobSnapshot: Sendable {
  /// Since the job's start.
  var elapsed: Duration
  var stages: [StageReport]
  /// The uids of sources and sinks.
  var sources: Set<String>
  var sinks: Set<String>

  /// Rows that the sources gave.
  var rowsIn: Int { total(sources, \.rowsOut) }
  /// Rows that the sinks took.
  var rowsOut: Int { total(sinks, \.rowsIn) }
  var bytesIn: Int { total(sources, \.bytesOut) }
  var bytesOut: Int { total(sinks, \.bytesIn) }
  var deadLetters: Int { stages.reduce(0) { $0 + $1.counts.deadLetters } }
  var lateRowsDropped: Int { stages.reduce(0) { $0 + $1.counts.lateRowsDropped } }
  var lateRowsRouted: Int { stages.reduce(0) { $0 + $1.counts.lateRowsRouted } }

  private func total(_ uids: Set<String>, _ count: KeyPath<StageCounts, Int>) -> Int {
    stages.reduce(0) { sum, stage in
      stage.uid.map(uids.contains) == true ? sum + stage.counts[keyPath: count] : sum
    }
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
