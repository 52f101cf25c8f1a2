import Arrow
import Base
import VolleyPlan

/// Rows of one batch, and what has been computed for them: one call of `evaluate` long.
///
/// The root frame holds the batch's rows that count. A narrowed frame holds some of them: the rows that a branch of a
/// case takes, or that the left side of `and` leaves undecided. It takes what the root has computed already, or must
/// compute for all rows anyway, from there.
final class Frame {
  let graph: ExpressionGraph
  let rowCount: Int
  /// The batch's columns, and which of their rows count.
  let columns: [Column]
  private let batchRows: Selection?
  /// In a narrowed frame: the root, and this frame's rows in it.
  private let root: Frame?
  private let rootRows: Selection?
  /// This frame's rows in the batch, if not all; made when a column is first read.
  private(set) lazy var columnRows: Selection? = {
    guard let rootRows else { return batchRows }
    return batchRows?.selecting(rootRows) ?? rootRows
  }()
  /// By node: its values, kept when more than one place uses them.
  private var computed: [Column?]
  /// By struct: which of this frame's rows are not null there, for its fields; see `read(_:_:)`.
  var structValidity: [StructPlace: Buffer?] = [:]

  init(graph: ExpressionGraph, batch: RecordBatch) {
    self.graph = graph
    columns = batch.columns
    batchRows = batch.selection
    rowCount = batch.rowCount
    root = nil
    rootRows = nil
    computed = [Column?](repeating: nil, count: graph.nodes.count)
  }

  /// Rows of a batch without a selection.
  init(graph: ExpressionGraph, columns: [Column], rowCount: Int) {
    self.graph = graph
    self.columns = columns
    self.rowCount = rowCount
    batchRows = nil
    root = nil
    rootRows = nil
    computed = [Column?](repeating: nil, count: graph.nodes.count)
  }

  private init(narrowing parent: Frame, to rows: Selection) {
    graph = parent.graph
    columns = parent.columns
    batchRows = parent.batchRows
    rowCount = rows.count
    root = parent.root ?? parent
    rootRows = parent.rootRows?.selecting(rows) ?? rows
    computed = [Column?](repeating: nil, count: parent.graph.nodes.count)
  }

  /// A frame of some of these rows.
  func narrowed(to rows: Selection) -> Frame { Frame(narrowing: self, to: rows) }

  /// These rows' indices in the root frame; nil for all of them.
  var rowsInRoot: Selection? { rootRows }

  /// The node's values for these rows.
  func column(of node: Int) throws(Failure) -> Column {
    if let column = computed[node] { return column }
    let column: Column
    if let shared = try taken(node) { column = shared } else { column = try compute(node) }
    if graph.nodes[node].uses > 1 { computed[node] = column }
    return column
  }

  /// What the root has computed or must compute anyway, if that is shared with other places.
  private func taken(_ node: Int) throws(Failure) -> Column? {
    guard let root, let rootRows, graph.nodes[node].uses > 1, graph.constant(node) == nil else { return nil }
    // A plain column is as quickly gathered from the batch.
    switch graph.nodes[node].operation {
    case .column, .field: if batchRows == nil { return nil }
    default: break
    }
    if let column = root.computed[node] { return column.gather(rootRows) }
    guard graph.nodes[node].unconditional else { return nil }
    return try root.column(of: node).gather(rootRows)
  }

  /// A column as it lies in the batch.
  func read(_ index: Int) -> Column {
    guard let rows = columnRows else { return columns[index] }
    return columns[index].gather(rows)
  }

  /// The values if they are there without computing or gathering anything.
  func available(_ node: Int) -> Column? {
    if let column = computed[node] { return column }
    if case .column(let index) = graph.nodes[node].operation, columnRows == nil { return columns[index] }
    return nil
  }

  // The calls of `compute` are not inlined: evaluation recurses through it, and with all of them in its frame a level
  // would take several times the stack.
  private func compute(_ node: Int) throws(Failure) -> Column {
    let type = graph.nodes[node].type
    switch graph.nodes[node].operation {
    case .column(let index): return read(index)
    case .field(let index, let path): return read(index, path)
    case .constant(let constant): return try Column.repeating(constant.literal, count: rowCount)
    case .arithmetic(let operation, let left, let right): return try arithmetic(operation, left, right, type)
    case .compare(let comparison, let left, let right): return try compared(comparison, left, right)
    case .and(let left, let right): return try logic(left, right, decisive: false)
    case .or(let left, let right): return try logic(left, right, decisive: true)
    case .negate(let operand), .not(let operand), .isNull(let operand), .isNotNull(let operand), .cast(let operand),
      .tryCast(let operand):
      return try unary(node, operand)
    case .function(let function, let arguments): return try called(function, arguments)
    case .caseWhen(let branches, let otherwise): return try caseWhen(branches, otherwise, type)
    case .userFunction(let index, let arguments): return try called(index, arguments)
    }
  }

  @inline(never)
  private func unary(_ node: Int, _ operand: Int) throws(Failure) -> Column {
    let column = try column(of: operand)
    switch graph.nodes[node].operation {
    case .negate: return try ArithmeticKernels.negated(column)
    case .not: return LogicKernels.not(column)
    case .isNull: return LogicKernels.isNull(column)
    case .isNotNull: return LogicKernels.isNotNull(column)
    case .cast: return try CastKernels.cast(column, to: graph.nodes[node].type)
    case .tryCast: return try CastKernels.cast(column, to: graph.nodes[node].type, onFailure: .null)
    default: preconditionFailure("an operation of one operand")
    }
  }

  @inline(never)
  private func arithmetic(
    _ operation: ArithmeticOperation, _ left: Int, _ right: Int, _ type: DataType
  ) throws(Failure) -> Column {
    let (left, right) = try operands(left, right)
    return try ArithmeticKernels.column(operation, left, right, type: type, count: rowCount)
  }

  @inline(never)
  private func compared(_ comparison: Comparison, _ left: Int, _ right: Int) throws(Failure) -> Column {
    let type = graph.nodes[left].type
    let (left, right) = try operands(left, right)
    return ComparisonKernels.column(comparison, left, right, of: type, count: rowCount)
  }

  @inline(never)
  private func called(_ function: Int, _ arguments: [Int]) throws(Failure) -> Column {
    var columns: [Column] = []
    for argument in arguments { columns.append(try column(of: argument)) }
    return try graph.functions[function].call(columns, rowCount: rowCount)
  }

  @inline(never)
  private func called(_ function: BoundFunction, _ arguments: [Int]) throws(Failure) -> Column {
    var operands: [Operand] = []
    operands.reserveCapacity(arguments.count)
    for argument in arguments {
      if let value = value(argument) {
        operands.append(.constant(value))
      } else {
        operands.append(.column(try column(of: argument)))
      }
    }
    let result = try function.kernel(operands, rowCount)
    precondition(
      result.type == function.resultType && result.length == rowCount,
      "\(function.name) gives a value of its type for each row")
    return result
  }

  /// Both sides of a strict operation, at least one a column. A constant null is one too: kernels take values.
  private func operands(_ left: Int, _ right: Int) throws(Failure) -> (Operand, Operand) {
    let (leftValue, rightValue) = (value(left), value(right))
    if let leftValue, rightValue == nil { return (.constant(leftValue), .column(try column(of: right))) }
    let leftColumn = try column(of: left)
    if let rightValue { return (.column(leftColumn), .constant(rightValue)) }
    return (.column(leftColumn), .column(try column(of: right)))
  }

  /// The constant that a node is, if it is one and not null.
  private func value(_ node: Int) -> Literal? { graph.isNull(node) ? nil : graph.constant(node) }
}
