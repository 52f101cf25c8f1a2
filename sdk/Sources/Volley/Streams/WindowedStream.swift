import VolleyPlan

/// The rows of windows, of one key each after `keyBy`. It has no sink and no filter: aggregate it first.
public struct WindowedStream {
  let environment: StreamExecutionEnvironment
  let input: Plan.Input
  let scope: Plan.WindowScope
  let assigner: WindowAssigner
  let time: WindowTime
  /// For the operation that follows.
  var parallelism: Int?
  private var lateness = Duration.zero
  private var late: ((DataStream) -> Void)?
  private var emission = WindowEmission.final
  private var trigger: WindowTrigger?

  init(_ stream: KeyedStream, _ assigner: WindowAssigner, _ time: WindowTime) {
    environment = stream.environment
    input = stream.input
    scope = .key
    self.assigner = assigner
    self.time = time
    parallelism = stream.parallelism
  }

  init(_ stream: DataStream, _ assigner: WindowAssigner, _ time: WindowTime) {
    environment = stream.environment
    input = stream.input
    scope = .all
    self.assigner = assigner
    self.time = time
  }

  /// How long after its end, in event time, a window takes rows; by default not at all. Its results come so much later.
  public func allowedLateness(_ lateness: Duration) -> WindowedStream {
    var result = self
    result.lateness = lateness
    return result
  }

  /// What becomes of the rows all whose windows have closed, such as `{ $0.toSink(…) }`; by default they are counted
  /// and dropped.
  public func sideOutputLate(_ late: @escaping (DataStream) -> Void) -> WindowedStream {
    var result = self
    result.late = late
    return result
  }

  /// When results are told; by default once, when they are final.
  public func emission(_ emission: WindowEmission) -> WindowedStream {
    var result = self
    result.emission = emission
    return result
  }

  /// Results before the window's end as well, which are updated then.
  public func trigger(_ trigger: WindowTrigger) -> WindowedStream {
    var result = self
    result.trigger = trigger
    result.emission = .updating
    return result
  }

  /// Aggregates of each window: the key's columns, `window_start`, `window_end` (timestamps in the event time's zone),
  /// then one column an aggregate. The event time of the result is the last microsecond of its window.
  ///
  /// Of count windows there are no `window_start` and `window_end`. Results that are updated begin with `row_kind`:
  /// "+I" a result, "-U" and "+U" one before and after a correction, "-D" one that holds no more.
  ///
  /// - Parameter uid: the stable name in this pipeline, under which the state is kept.
  public func aggregate(_ aggregates: AggregateExpression..., uid: String) -> DataStream {
    let place = "window '\(uid)'"
    if lateness < .zero {
      environment.report("\(place): the allowed lateness is \(lateness.text); give at least zero")
    }
    let window = Plan.Window(
      assigner: assigner.plan(environment, place), scope: scope, time: time == .event ? .event : .processing,
      allowedLateness: environment.microseconds(lateness, place), late: late == nil ? .drop : .route,
      emission: emission == .updating ? .updating : .final, trigger: trigger?.plan(environment, place),
      aggregates: environment.calls(aggregates, place))
    let result = environment.add(.window(window), inputs: [input], uid: uid)
    if let parallelism { environment.setParallelism(parallelism, of: result.input.node) }
    late?(DataStream(environment: environment, input: Plan.Input(node: result.input.node, output: 1)))
    return result
  }
}

extension KeyedStream {
  /// Puts the rows of each key into windows: `.window(.tumbling(.seconds(60))).aggregate(count().as("n"), uid:
  /// "per-minute")`.
  ///
  /// - Parameter time: by default that of `eventTime`, which has to come before.
  public func window(_ assigner: WindowAssigner, time: WindowTime = .event) -> WindowedStream {
    WindowedStream(self, assigner, time)
  }
}

extension DataStream {
  /// Puts all rows into windows. What they have in common is computed in one subtask, behind sums that each subtask
  /// makes of its own rows.
  ///
  /// - Parameter time: by default that of `eventTime`, which has to come before.
  public func windowAll(_ assigner: WindowAssigner, time: WindowTime = .event) -> WindowedStream {
    WindowedStream(self, assigner, time)
  }
}
