import VolleyPlan

extension DataStream {
  /// Says which column is a row's event time. What comes in order of that time, such as windows, needs it.
  ///
  /// The stream's watermark is the latest time so far less `outOfOrderness`: rows that are older than it are late. A row whose
  /// time is null stops the job.
  ///
  /// - Parameters:
  ///   - column: a timestamp.
  ///   - outOfOrderness: how much older than the latest row before it a row may be, at least zero; finer parts than
  ///     microseconds are dropped.
  ///   - idleTimeout: so long after its last row the stream holds others, which it is joined or united with, back no longer;
  ///     nil: never.
  ///   - alignment: the streams that are read in step with this one.
  public func eventTime(
    _ column: String, outOfOrderness: Duration, idleTimeout: Duration? = nil, alignment: Alignment? = nil
  ) -> DataStream {
    environment.add(
      .eventTime(spec(column, outOfOrderness, idleTimeout, .stop, alignment)), inputs: [input])
  }

  /// The same, with a stream of the rows whose time is null.
  ///
  /// - Parameter undated: what becomes of those rows, such as `{ $0.toSink(…) }`.
  public func eventTime(
    _ column: String, outOfOrderness: Duration, idleTimeout: Duration? = nil, alignment: Alignment? = nil,
    undated: (DataStream) -> Void
  ) -> DataStream {
    let dated = environment.add(
      .eventTime(spec(column, outOfOrderness, idleTimeout, .route, alignment)), inputs: [input])
    undated(DataStream(environment: environment, input: Plan.Input(node: dated.input.node, output: 1)))
    return dated
  }

  /// Has code of the author's say when a row was, and how far the stream is: see `WatermarkAssigner`.
  ///
  /// - Parameters:
  ///   - column: the column of the times; a new one, or in the place of one of that name.
  ///   - name: what `inspect` and reports call it.
  ///   - period: how often, on the job's clock, `watermark(now:)` is asked; nil: never.
  ///   - undated: what becomes of the rows that have no time, such as `{ $0.toSink(…) }`; nil: one stops the job.
  ///   - make: makes one instance a split of the source.
  public func eventTime<Function: WatermarkAssigner>(
    as column: String, _ name: String = "eventTime", period: Duration? = nil, idleTimeout: Duration? = nil,
    alignment: Alignment? = nil, undated: ((DataStream) -> Void)? = nil,
    assigner make: @escaping @Sendable () throws -> Function
  ) -> DataStream {
    let place = "\(name) \(environment.nextID)"
    if let period, period < .microseconds(1) {
      environment.report("\(place): the period is \(period.text); give at least a microsecond")
    }
    let code = FunctionCode(id: "\(name):\(environment.nextID)") {
      .watermarkAssigner(try WatermarkInstance($0, make))
    }
    environment.register([code])
    var spec = spec(column, .zero, idleTimeout, undated == nil ? .stop : .route, alignment)
    spec.assigner = Plan.WatermarkAssigner(
      function: code.id, label: name, columns: environment.columns(Function.In.self, place),
      period: period.map { environment.microseconds($0, place) })
    let dated = environment.add(.eventTime(spec), inputs: [input])
    undated?(DataStream(environment: environment, input: Plan.Input(node: dated.input.node, output: 1)))
    return dated
  }

  private func spec(
    _ column: String, _ outOfOrderness: Duration, _ idleTimeout: Duration?, _ undated: Plan.UndatedRows,
    _ alignment: Alignment?
  ) -> Plan.EventTime {
    let place = "eventTime \(environment.nextID)"
    if outOfOrderness < .zero {
      environment.report("\(place): rows are \(outOfOrderness.text) out of order at most; give at least zero")
    }
    if let idleTimeout, idleTimeout < .microseconds(1) {
      environment.report("\(place): the idle timeout is \(idleTimeout.text); give at least a microsecond")
    }
    return Plan.EventTime(
      column: column, outOfOrderness: environment.microseconds(outOfOrderness, place),
      idleTimeout: idleTimeout.map { environment.microseconds($0, place) }, undated: undated,
      alignment: alignment.map { .init(group: $0.group, maxDrift: environment.microseconds($0.maxDrift, place)) })
  }
}

/// Sources that are read in step: the rows of one that is far ahead would only be kept in memory until the others have caught up.
public struct Alignment: Sendable, Hashable {
  /// The same for all that are kept in step.
  public var group: String
  /// How far ahead of the last one's watermark a source may be; the same in the whole group.
  public var maxDrift: Duration

  public init(group: String, maxDrift: Duration) {
    self.group = group
    self.maxDrift = maxDrift
  }
}

extension StreamExecutionEnvironment {
  /// A length of time for the plan; one that 64 bits cannot hold is reported.
  func microseconds(_ duration: Duration, _ place: String) -> Int64 {
    if let whole = duration.wholeMicroseconds { return whole }
    report("\(place): \(duration) is longer than the 292,471 years that 64 bits of microseconds hold")
    return 0
  }
}
