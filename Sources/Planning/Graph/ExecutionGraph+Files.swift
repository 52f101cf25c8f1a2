import Base
import Connectors
import Observability

extension ExecutionGraph {
  /// Looks at the files of all sources and sinks before the job runs, once.
  ///
  /// - Throws: as `JobFiles.prepare`: when one is written that is read, or by two.
  public func prepareFiles(log: EventLog? = nil) throws(Failure) {
    var files = nodes.compactMap { endpoints[$0.node.id]?.files }
    for typed in nodes {
      guard let place = quarantine(of: typed) else { continue }
      files.append(try quarantineSink(place, input: typed.inputs[0].schema).files)
    }
    try JobFiles(files).prepare(log: log)
  }
}
