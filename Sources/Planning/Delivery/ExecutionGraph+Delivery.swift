import Base
import Dataflow
import VolleyPlan

extension ExecutionGraph {
  /// What becomes of the rows of a job with checkpoints. What a plugin's sources and sinks can do is known of an
  /// instance: of each one is made, and not opened.
  ///
  /// - Throws: what the making of an instance throws, led by its place.
  public func delivery() throws(Failure) -> DeliveryReport {
    var report = DeliveryReport(ends: [])
    /// By node id: what its rows have by what was read.
    var read: [Int: DeliveryGuarantee] = [:]
    for typed in nodes {
      let node = typed.node
      var passed = node.inputs.reduce(DeliveryGuarantee.exactlyOnce) { $0.with(read[$1.node] ?? .exactlyOnce) }
      if let endpoint = endpoints[node.id] {
        let own: DeliveryGuarantee
        do throws(Failure) { own = try endpoint.guarantee() } catch {
          throw error.message.hasPrefix(node.placeName) ? error : error.within(node.placeName)
        }
        passed = passed.with(own)
        let isSource = if case .source = node.operator { true } else { false }
        report.ends.append(
          DeliveryReport.End(
            place: node.placeName, uid: node.uid, isSource: isSource, label: endpoint.label, guarantee: own,
            endToEnd: passed, remedy: own == .exactlyOnce ? nil : endpoint.remedy))
      }
      read[node.id] = passed
    }
    return report
  }
}
