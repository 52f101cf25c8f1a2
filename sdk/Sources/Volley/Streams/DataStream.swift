import VolleyPlan

/// A stream of rows. Each operation gives a new stream; a stream that is used twice gives its rows to both uses.
public struct DataStream {
  let environment: StreamExecutionEnvironment
  let input: Plan.Input

  /// How many subtasks the last operation has; by default the job's `--parallelism`.
  public func withParallelism(_ parallelism: Int) -> DataStream {
    environment.setParallelism(parallelism, of: input.node)
    return self
  }

  /// The rows for which the condition is true (not false, not null).
  public func filter(_ condition: ColumnExpression) -> DataStream {
    environment.register(condition.functions)
    return environment.add(.filter(.init(condition: condition.expression)), inputs: [input])
  }

  /// One column for each item, a column's name or an expression with a name: `select("user_id", (col("a") + 1).as("b"))`.
  public func select(_ columns: any Selectable...) -> DataStream {
    if columns.isEmpty { environment.report("select \(environment.nextID) has no columns: name at least one") }
    return environment.add(.select(.init(columns: named(columns, "select"))), inputs: [input])
  }

  /// All columns, and one for each expression; a name that exists replaces that column in its place.
  public func extend(_ columns: ColumnExpression...) -> DataStream {
    if columns.isEmpty { environment.report("extend \(environment.nextID) has no columns: name at least one") }
    return environment.add(.extend(.init(columns: named(columns, "extend"))), inputs: [input])
  }

  /// All columns, and one more; a name that exists replaces that column in its place.
  public func withColumn(_ name: String, _ expression: ColumnExpression) -> DataStream { extend(expression.as(name)) }

  /// Brings equal keys to one subtask, for `aggregate`. A key is a column's name or an expression with a name.
  public func keyBy(_ keys: any Selectable...) -> KeyedStream {
    if keys.isEmpty { environment.report("keyBy \(environment.nextID) has no keys: name at least one column") }
    let keyed = environment.add(.keyBy(.init(keys: named(keys, "keyBy"))), inputs: [input])
    return KeyedStream(environment: environment, input: keyed.input)
  }

  /// All rows of this stream and of the others, whose columns must be the same.
  public func union(_ others: DataStream...) -> DataStream {
    for other in others where other.environment !== environment {
      environment.report(
        "union \(environment.nextID) takes a stream of another environment: use streams of one `build`")
    }
    return environment.add(.union(.init()), inputs: [input] + others.map(\.input))
  }

  /// Gives every row to `branch` as well: `stream.tee { $0.filter(…).toSink(…) }.keyBy(…)…`.
  public func tee(_ branch: (DataStream) -> Void) -> DataStream {
    branch(self)
    return self
  }

  /// Where the rows go.
  ///
  /// - Parameters:
  ///   - uid: the sink's stable name in this pipeline.
  ///   - parallelism: how many subtasks write; by default the job's `--parallelism`.
  public func toSink(_ sink: Sink, uid: String, parallelism: Int? = nil) {
    let implementation: Plan.Implementation
    switch sink.implementation {
    case .connector(let connector): implementation = .connector(connector)
    case .code(let make):
      let code = FunctionCode(id: "sink:\(environment.nextID)") { .sink(SinkInstance($0, try make($0))) }
      environment.register([code])
      implementation = .function(code.id)
    }
    let end = environment.add(.sink(.init(implementation: implementation)), inputs: [input], uid: uid)
    if let parallelism { environment.setParallelism(parallelism, of: end.input.node) }
  }

  private func named(_ columns: [any Selectable], _ step: String) -> [NamedExpression] {
    let step = "\(step) \(environment.nextID)"
    return columns.compactMap { column in
      let column = column.selected
      environment.register(column.functions)
      return environment.checking(step) { () throws(VolleyError) in try column.named() }
    }
  }
}
