import Base
import Dataflow
import Expressions
import Operators
import VolleyPlan

extension Plan.Filter: PlannedStep {
  var kindName: String { "filter" }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    let (type, _) = try condition.resolvedType(in: inputs[0].schema)
    guard type == .bool else {
      throw Failure(.usage, "the condition is \(type), and must be bool; compare it with something")
    }
    return inputs
  }

  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    [needed[0].union(condition.columnNames)]
  }

  func carried(_ column: String, ofInput index: Int, _ inputs: [TypedStream]) throws(Failure) -> String? { column }

  func summary(_ outputs: [TypedStream]) -> String { condition.text }

  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    let isChangelog = place.inputs[0].isChangelog
    let name = condition.nameAsCondition
    return { context throws(Failure) in
      if isChangelog {
        return place.guarded(
          try ChangelogFilterOperator(
            condition: condition, called: name, input: place.inputs[0].schema, functions: place.functions(in: context)),
          in: context)
      }
      return place.guarded(
        try FilterOperator(
          condition: condition, called: name, input: place.inputs[0].schema, functions: place.functions(in: context)),
        in: context)
    }
  }
}
