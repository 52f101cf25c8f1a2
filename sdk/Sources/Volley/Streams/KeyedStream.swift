import VolleyPlan

/// Rows whose equal keys are together. It has no sink and no filter: aggregate it first.
public struct KeyedStream {
  let environment: StreamExecutionEnvironment
  let input: Plan.Input
  /// For the operation that follows.
  var parallelism: Int?

  /// How many subtasks the keys are spread over; by default the job's `--parallelism`.
  public func withParallelism(_ parallelism: Int) -> KeyedStream {
    var result = self
    result.parallelism = parallelism
    return result
  }

  /// Running aggregates of each key: the key's columns, then one column an aggregate.
  ///
  /// - Parameters:
  ///   - uid: the stable name in this pipeline, under which the state is kept.
  ///   - emission: by default each touched key's new values once a batch.
  public func aggregate(
    _ aggregates: AggregateExpression..., uid: String, emission: Emission = .perBatch
  ) -> DataStream {
    let calls = environment.calls(aggregates, "aggregate '\(uid)'")
    let result = environment.add(
      .aggregate(.init(aggregates: calls, emission: emission.plan)), inputs: [input], uid: uid)
    return parallelism.map { result.withParallelism($0) } ?? result
  }
}

extension StreamExecutionEnvironment {
  /// Aggregates for the plan; what is wrong with them is reported.
  func calls(_ aggregates: [AggregateExpression], _ place: String) -> [Plan.AggregateCall] {
    if aggregates.isEmpty { report("\(place) has no aggregates: give it at least one, such as count()") }
    return aggregates.compactMap { aggregate in
      register(aggregate.functions)
      if let problem = aggregate.user?.problem { report("\(place): aggregate '\(aggregate.function)': \(problem)") }
      guard let name = aggregate.name else {
        report("\(place): \(aggregate.function) of a computed value has no name: give it one with .as(\"…\")")
        return nil
      }
      return aggregate.call(named: name)
    }
  }
}

/// When a running aggregate tells its new values.
public enum Emission: Sendable {
  /// Each touched key once a batch.
  case perBatch
  /// Once an input record, in order.
  case perRecord
  /// Each touched key whose values have changed once a batch, as changelog rows: `row_kind` ("+I" the values of a new key, "-U" and "+U" those
  /// before and after a change, "-D" those of a key that has no row any more), the key's columns, the aggregates. Streams that are
  /// changelogs themselves are aggregated so: `count`, `sum`, `avg`, `min`, `max` and `countDistinct` take rows back.
  case changelog

  var plan: Plan.Emission {
    switch self {
    case .perBatch: .perBatch
    case .perRecord: .perRecord
    case .changelog: .changelog
    }
  }
}
