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
  public func eventTime(
    _ column: String, outOfOrderness: Duration, idleTimeout: Duration? = nil
  ) -> DataStream {
    environment.add(
      .eventTime(spec(column, outOfOrderness, idleTimeout, .stop)), inputs: [input])
  }

  /// The same, with a stream of the rows whose time is null.
  ///
  /// - Parameter undated: what becomes of those rows, such as `{ $0.toSink(…) }`.
  public func eventTime(
    _ column: String, outOfOrderness: Duration, idleTimeout: Duration? = nil, undated: (DataStream) -> Void
  ) -> DataStream {
    let dated = environment.add(
      .eventTime(spec(column, outOfOrderness, idleTimeout, .route)), inputs: [input])
    undated(DataStream(environment: environment, input: Plan.Input(node: dated.input.node, output: 1)))
    return dated
  }

  private func spec(
    _ column: String, _ outOfOrderness: Duration, _ idleTimeout: Duration?, _ undated: Plan.UndatedRows
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
      idleTimeout: idleTimeout.map { environment.microseconds($0, place) }, undated: undated)
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
