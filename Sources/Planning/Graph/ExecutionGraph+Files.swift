import Base
import Connectors
import Observability

extension ExecutionGraph {
  /// Looks at the files of all sources and sinks before the job runs, once.
  ///
  /// - Throws: as `JobFiles.prepare`: when one is written that is read, or by two.
  public func prepareFiles(log: EventLog? = nil) throws(Failure) {
    try JobFiles(nodes.compactMap { endpoints[$0.node.id]?.files }).prepare(log: log)
  }
}
