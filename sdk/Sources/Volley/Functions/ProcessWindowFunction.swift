import VolleyPlan

/// Code of the author's that sees all rows of a window at once, when it has closed: `.window(…).process("name", uid: …) { … }`.
/// Where the rows can be added up as they come, an `AggregateFunction` keeps less.
///
///     struct Spread: ProcessWindowFunction {
///       struct Trade: Codable { var price: Double }
///       struct Result: Codable { var symbol: String; var end: Timestamp?; var spread: Double }
///
///       func process(_ trades: [Trade], context: WindowContext<String, Result>) throws {
///         let prices = trades.map(\.price).sorted()
///         try context.emit(
///           Result(symbol: context.key, end: context.end, spread: prices[prices.count - 1] - prices[0]))
///       }
///     }
///
/// One instance a subtask, used by one thread at a time.
public protocol ProcessWindowFunction: SendableMetatype {
  /// The key's type: that of its one column, optional if it may be null, or a struct with a field for each of its columns. Of
  /// `windowAll` it is `NoKey`.
  associatedtype Key: RowValue
  /// A struct whose fields are the columns that the function takes.
  associatedtype In: RowValue
  /// A struct whose fields are the columns of what it emits.
  associatedtype Out: RowValue

  /// Before the first window.
  func open(_ context: TaskContext) throws
  /// - Parameter rows: at least one, in the order in which they came.
  func process(_ rows: [In], context: WindowContext<Key, Out>) throws
  func close() throws
}

extension ProcessWindowFunction {
  public func open(_ context: TaskContext) throws {}
  public func close() throws {}
}

/// The key of windows of all rows.
public struct NoKey: Codable, Sendable, Hashable {
  public init() {}
}

/// What a window function knows of the window in hand, and where its results go. Not to be kept beyond the call.
public final class WindowContext<Key, Out: RowValue> {
  /// The key of the window.
  public internal(set) var key: Key
  /// The window's start; nil for windows of a number of rows.
  public internal(set) var start: Timestamp?
  /// The window's end, which is not in it; nil for windows of a number of rows.
  public internal(set) var end: Timestamp?
  /// No row before this follows, but for late ones; nil before the first watermark.
  public internal(set) var watermark: Timestamp?
  /// The instance: for the log and for counters.
  public let task: TaskContext
  private let rows: RowOutput

  init(_ task: TaskContext, key: Key, _ rows: RowOutput) {
    self.task = task
    self.key = key
    self.rows = rows
  }

  /// Gives a row of the function's output.
  public func emit(_ row: Out) throws { try rows.emit(row, output: 0) }

  /// Gives a row of the side output of that name.
  public func output<Row: RowValue>(_ name: String, _ row: Row) throws {
    try rows.emit(row, output: try rows.index(ofSideOutput: name))
  }
}

/// Rows on their way to a function's outputs, some at a time.
final class RowOutput {
  /// Rows that are emitted together, so that one call does not make a batch without bound.
  private static let rowsPerBatch = 65_536

  private let output: Output
  private let sideOutputs: [String]
  private var builders: [BatchBuilder?]

  init(_ context: TaskContext, sideOutputs: [String]) {
    output = Output(context)
    self.sideOutputs = sideOutputs
    builders = context.outputs.map { _ in nil }
  }

  func index(ofSideOutput name: String) throws(VolleyError) -> Int {
    if let index = sideOutputs.firstIndex(of: name) { return 1 + index }
    let known = sideOutputs.map { "'\($0)'" }.joined(separator: ", ")
    throw VolleyError(
      "there is no side output '\(name)' (known are \(known.isEmpty ? "none" : known)): name it in sideOutputs of process"
    )
  }

  func emit<Row: RowValue>(_ row: Row, output index: Int) throws {
    let builder: BatchBuilder
    if let known = builders[index] {
      builder = known
    } else {
      builder = output.builder(index)
      builders[index] = builder
    }
    let writer = try builder.writer(for: Row.self)
    try writer.append(row)
    if writer.rowCount >= Self.rowsPerBatch { try output.emit(builder, output: index) }
  }

  /// Gives the host what is left.
  func flush() throws {
    for index in builders.indices { if let builder = builders[index] { try output.emit(builder, output: index) } }
  }

  /// Drops what is left.
  func forget() { for index in builders.indices { builders[index] = nil } }
}
