import Arrow
import Base
import VolleyPlan

extension Plan.Source: PlannedOperator {
  var kindName: String { "source" }
  var inputCounts: ClosedRange<Int> { 0...0 }
  var needsUID: String? { "a source" }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] { [TypedStream(try Schema.checked(schema))] }

  func summary(_ outputs: [TypedStream]) -> String {
    switch badRecords {
    case .stop: "schema (\(outputs[0].schema))"
    case .deadLetter(let path): "schema (\(outputs[0].schema)), bad records to \(path)"
    }
  }
}

extension Plan.Sink: PlannedOperator {
  var kindName: String { "sink" }
  var needsUID: String? { "a sink" }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] { [] }
}
