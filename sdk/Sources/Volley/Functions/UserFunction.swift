import VolleyPlan

/// A function of the author's that stands in expressions: what `udf` makes. Call it with expressions.
///
///     let tax = udf("tax") { (price: Double, rate: Double) -> Double in price * rate }
///     orders.withColumn("tax", tax(col("price"), col("rate")))
public struct UserFunction<Arguments>: Sendable {
  let code: FunctionCode
  let parameters: [FunctionParameter]
  let result: FunctionParameter

  @usableFromInline
  init(
    _ name: String, parameters: [FunctionParameter], result: FunctionParameter,
    body: @escaping @Sendable (FunctionArguments) throws -> OutputColumn
  ) {
    self.parameters = parameters
    self.result = result
    code = FunctionCode(id: "udf:\(name)") { context in
      .scalarFunction(ScalarInstance(context, parameters: parameters, result: result, body: body))
    }
  }

  func call(_ arguments: [ColumnExpression]) -> ColumnExpression {
    ColumnExpression(
      .userFunction(
        .init(
          function: code.id, arguments: arguments.map(\.expression), parameterTypes: parameters.map(\.type),
          resultType: result.type, acceptsNulls: parameters.contains(where: \.isOptional))),
      functions: arguments.flatMap(\.functions) + [code])
  }
}

/// An argument's or a result's type.
public struct FunctionParameter: Sendable {
  let type: DataType
  let isOptional: Bool

  public init<Value: FunctionValue>(_: Value.Type) {
    type = Value.Base.dataType
    isOptional = Value.isOptional
  }
}

/// The argument columns of one call.
public struct FunctionArguments {
  public let rowCount: Int
  let columns: [InputColumn]
  /// Whether the function may see nulls of that argument.
  let acceptsNull: [Bool]

  @usableFromInline
  func column(_ index: Int) -> InputColumn { columns[index] }

  /// Whether some row is skipped because an argument that may not be null is.
  @usableFromInline var skips: Bool { zip(columns, acceptsNull).contains { $0.nullCount > 0 && !$1 } }
}

/// Reads an argument.
@frozen
public struct ArgumentCursor<Value: FunctionValue> {
  @usableFromInline let reader: Value.Base.Reader
  @usableFromInline let validity: Validity

  @inlinable
  init(_ arguments: FunctionArguments, _ index: Int) {
    let column = arguments.column(index)
    reader = Value.Base.Reader(column)
    validity = column.validity
  }

  @inlinable
  @inline(__always)
  public subscript(row: Int) -> Value { Value.read(reader, validity, row) }
}

/// Writes a result.
@frozen
public struct ResultCursor<Value: FunctionValue> {
  @usableFromInline let column: OutputColumn
  @usableFromInline var writer: Value.Base.Writer
  /// The rows to call the function for; nil: all.
  public let valid: UnsafeMutablePointer<UInt8>?
  /// Where nulls are marked; nil when there are none.
  @usableFromInline let validity: UnsafeMutablePointer<UInt8>?
  @usableFromInline var nullCount = 0

  @inlinable
  init(_ arguments: FunctionArguments) {
    column = OutputColumn(valuesOf: Value.Base.dataType, capacity: arguments.rowCount)
    writer = Value.Base.Writer(column)
    valid = arguments.skips ? column.unsafeValidity(of: arguments) : nil
    validity = Value.isOptional || valid != nil ? column.unsafeValidity() : nil
  }

  @inlinable
  @inline(__always)
  public mutating func put(_ value: Value, _ row: Int) {
    if !Value.write(value, &writer, row) {
      nullCount += 1
      if let validity { Bits.set(validity, row, false) }
    }
  }

  /// A row for which the function is not called.
  @inlinable
  @inline(__always)
  public mutating func skip(_ row: Int) {
    writer.putDefault(row)
    nullCount += 1
  }

  @inlinable
  func finish(_ rowCount: Int) -> OutputColumn {
    column.finish(count: rowCount, nullCount: nullCount)
    return column
  }
}

extension OutputColumn {
  /// The result's validity with the nulls of the arguments that may not be null.
  @usableFromInline
  func unsafeValidity(of arguments: FunctionArguments) -> UnsafeMutablePointer<UInt8> {
    let bits = unsafeValidity()
    for (column, acceptsNull) in zip(arguments.columns, arguments.acceptsNull) where !acceptsNull {
      if let source = column.validityBits { Bits.and(bits, source, offset: column.offset, count: column.length) }
    }
    return bits
  }
}
