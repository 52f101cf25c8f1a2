import VolleyPlan

/// The rows of windows, of one key each after `keyBy`. It has no sink and no filter: aggregate or process it first.
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
    var window = window(place)
    window.aggregates = environment.calls(aggregates, place)
    return add(window, uid: uid)
  }

  /// Code of the author's that sees all rows of each window when it has closed: see `ProcessWindowFunction`. All rows are kept until
  /// then; results are final ones.
  ///
  /// - Parameters:
  ///   - name: what `inspect` and reports call it.
  ///   - sideOutputs: more outputs, by name, and what the rows of each are; `sideOutput` of the result gives them. Every one has
  ///     to be read.
  ///   - uid: the stable name in this pipeline, under which the state is kept.
  ///   - make: makes one instance a subtask.
  public func process<Function: ProcessWindowFunction>(
    _ name: String, sideOutputs: KeyValuePairs<String, any Codable.Type> = [:], uid: String,
    _ make: @escaping @Sendable () throws -> Function
  ) -> DataStream {
    let id = environment.nextID
    let place = "\(name) '\(uid)'"
    let names = sideOutputs.map { $0.key }
    var key: [Field] = []
    let isForAll = Function.Key.self == NoKey.self
    if isForAll != (scope == .all) {
      environment.report(
        scope == .all
          ? "\(place): its Key is \(Function.Key.self), and the windows are of all rows: take NoKey"
          : "\(place): its Key is NoKey, and the windows are of one key each: take the key's type")
    } else if !isForAll {
      environment.checking(place) { () throws(VolleyError) in
        key = try environment.key(Function.Key.self, of: input.node)
      }
    }
    let code = FunctionCode(id: "\(name):\(id)") {
      .windowFunction(try WindowInstance($0, try make(), sideOutputs: names))
    }
    environment.register([code])
    environment.nameOutputs(of: id, [nil] + names)
    var window = window(place)
    window.function = Plan.WindowFunction(
      function: code.id, label: name, columns: environment.columns(Function.In.self, place), key: key,
      outputs: environment.schemas(Function.Out.self, sideOutputs: sideOutputs, place).map(\.fields))
    return add(window, uid: uid)
  }

  /// Of the rows of each window, and of each key in it, those whose value is the greatest, all of them when several are
  /// equal: their columns, then `window_start` and `window_end`, if the row has none that tell its window. Rows whose
  /// value is null are passed over.
  ///
  /// Of windows of time, and told when they are final. The event time of the result is the last microsecond of its window.
  ///
  /// - Parameters:
  ///   - value: a number, a time or the like, of at most 64 bits.
  ///   - uid: the stable name in this pipeline, under which the state is kept.
  public func rows(withGreatest value: ColumnExpression, uid: String) -> DataStream {
    chosen(.greatest, value, uid)
  }

  /// As `rows(withGreatest:uid:)`, those whose value is the least.
  public func rows(withLeast value: ColumnExpression, uid: String) -> DataStream { chosen(.least, value, uid) }

  private func chosen(_ takes: Plan.Extreme, _ value: ColumnExpression, _ uid: String) -> DataStream {
    let place = "window '\(uid)'"
    environment.register(value.functions)
    if emission == .updating {
      environment.report("\(place): chosen rows are told when they are final; leave the updates and the trigger out")
    }
    let window = window(place)
    let choice = Plan.WindowChoice(
      assigner: window.assigner, scope: scope, time: window.time, allowedLateness: window.allowedLateness,
      late: window.late, value: value.expression, takes: takes)
    return add(.windowChoice(choice), lateOutput: 1, uid: uid)
  }

  /// All but what is done with the rows.
  private func window(_ place: String) -> Plan.Window {
    if lateness < .zero {
      environment.report("\(place): the allowed lateness is \(lateness.text); give at least zero")
    }
    return Plan.Window(
      assigner: assigner.plan(environment, place), scope: scope, time: time == .event ? .event : .processing,
      allowedLateness: environment.microseconds(lateness, place), late: late == nil ? .drop : .route,
      emission: emission == .updating ? .updating : .final, trigger: trigger?.plan(environment, place), aggregates: [])
  }

  private func add(_ window: Plan.Window, uid: String) -> DataStream {
    add(.window(window), lateOutput: window.lateOutput, uid: uid)
  }

  private func add(_ step: Plan.Operator, lateOutput: Int, uid: String) -> DataStream {
    let result = environment.add(step, inputs: [input], uid: uid)
    if let parallelism { environment.setParallelism(parallelism, of: result.input.node) }
    late?(DataStream(environment: environment, input: Plan.Input(node: result.input.node, output: lateOutput)))
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
