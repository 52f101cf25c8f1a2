import VolleyPlan

/// An aggregate of the author's: `udaf` makes it something that stands beside `sum` and `count`, in running aggregates and in
/// windows.
///
///     struct Vwap: AggregateFunction {
///       struct Trade: Codable { var price: Double; var volume: Int64 }
///       struct Sums: Codable { var value = 0.0; var volume: Int64 = 0 }
///
///       func makeAccumulator() -> Sums { Sums() }
///       func add(_ trade: Trade, to sums: inout Sums) {
///         sums.value += trade.price * Double(trade.volume)
///         sums.volume += trade.volume
///       }
///       func merge(_ other: Sums, into sums: inout Sums) {
///         sums.value += other.value
///         sums.volume += other.volume
///       }
///       func result(of sums: Sums) -> Double? { sums.volume == 0 ? nil : sums.value / Double(sums.volume) }
///     }
///
///     let vwap = udaf("vwap") { Vwap() }
///     trades.keyBy("symbol").window(.tumbling(.seconds(60))).aggregate(vwap(), count(), uid: "vwap")
///
/// Rows may be added in several accumulators that are merged later, in the order of their rows: merging one of no rows must change
/// nothing. One instance a place of use, used by one thread at a time.
public protocol AggregateFunction: SendableMetatype {
  /// A struct whose fields are columns, or the type of the argument. Rows whose argument is null are passed over where this is
  /// not optional.
  associatedtype In: RowValue
  /// What is kept: a struct of fields that a row can have, or one such value.
  associatedtype Accumulator: RowValue
  /// A `ColumnValue`, optional if the result may be null.
  associatedtype Out: FunctionValue

  /// Before the first row.
  func open(_ context: TaskContext) throws
  /// The accumulator of no rows.
  func makeAccumulator() -> Accumulator
  func add(_ row: In, to accumulator: inout Accumulator) throws
  func merge(_ other: Accumulator, into accumulator: inout Accumulator) throws
  func result(of accumulator: Accumulator) throws -> Out
  func close() throws
}

extension AggregateFunction {
  public func open(_ context: TaskContext) throws {}
  public func close() throws {}
}

/// An aggregate of the author's for `aggregate(…)`: what `udaf` makes. Call it once for each column that it shall make.
public struct UserAggregate<Function: AggregateFunction>: Sendable {
  let name: String
  let code: FunctionCode

  init(_ name: String, _ make: @escaping @Sendable () throws -> Function) {
    self.name = name
    code = FunctionCode(id: "udaf:\(name)") { .aggregate(try AggregateInstance($0, try make())) }
  }

  /// Over the columns that the fields of `In` name.
  public func callAsFunction() -> AggregateExpression { AggregateExpression(self, argument: nil) }
}

extension UserAggregate where Function.In: FunctionValue {
  /// Over the values of an expression.
  public func callAsFunction(_ argument: ColumnExpression) -> AggregateExpression {
    AggregateExpression(self, argument: argument)
  }
}

/// Makes an aggregate of the author's code.
///
/// - Parameters:
///   - name: its name in plans and messages, unique in the pipeline.
///   - make: makes one instance a subtask and place of use.
public func udaf<Function: AggregateFunction>(
  _ name: String, _ make: @escaping @Sendable () throws -> Function
) -> UserAggregate<Function> {
  UserAggregate(name, make)
}

extension AggregateExpression {
  /// An aggregate of the author's, as a plan knows it.
  struct User: Sendable {
    var code: FunctionCode
    var aggregate: Plan.UserAggregate
    /// Why it cannot be used.
    var problem: String?
  }

  init<Function>(_ aggregate: UserAggregate<Function>, argument: ColumnExpression?) {
    self.init(aggregate.name, argument)
    name = aggregate.name
    var plan = Plan.UserAggregate(
      function: aggregate.code.id, arguments: [], accumulator: [],
      result: Field("result", Function.Out.Base.dataType, nullable: Function.Out.isOptional))
    var problem: String?
    do throws(VolleyError) {
      let fields = try StateCodec<Function.In>.make("argument").fields
      if argument == nil && Function.In.self is any FunctionValue.Type {
        throw VolleyError("it takes an argument: call it with an expression")
      }
      plan.arguments = fields.map { field in
        // A null in a field that is not optional is an error of that row, not of the plan: most columns may be null.
        .init(
          name: field.name, type: field.type, expression: argument?.expression ?? .column(field.name))
      }
      plan.accumulator = try StateCodec<Function.Accumulator>.make("accumulator").fields
    } catch {
      problem = error.message
    }
    user = User(code: aggregate.code, aggregate: plan, problem: problem)
  }
}
