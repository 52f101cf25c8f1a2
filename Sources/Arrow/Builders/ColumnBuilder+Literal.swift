import VolleyPlan

extension ColumnBuilder {
  /// The value `count` times.
  ///
  /// - Precondition: the value's type is the column's (for a dictionary: that of its values); a null may be of any type.
  public func append(_ value: Literal, count: Int = 1) {
    switch (self, value) {
    case (_, .null): appendNulls(count)
    case (.bool(let builder), .bool(let value)): builder.append(value, count: count)
    case (.int32(let builder), .int32(let value)): builder.append(value, count: count)
    case (.int64(let builder), .int64(let value)): builder.append(value, count: count)
    case (.int64(let builder), .timestamp(let value, _, _)): builder.append(value, count: count)
    case (.float64(let builder), .float64(let value)): builder.append(value, count: count)
    case (.float32(let builder), .float(let value, _)): builder.append(Float(value), count: count)
    case (.float16(let builder), .float(let value, _)): builder.append(Float16(value), count: count)
    case (.utf8(let builder), .utf8(let value)): builder.append(value, count: count)
    case (.utf8(let builder), .binary(let value, _)):
      value.withUnsafeBufferPointer { value in for _ in 0..<count { builder.append(value) } }
    case (_, .integer(let value, _)): append(integer: value, count)
    case (_, .interval(let months, let days, let nanoseconds, let unit)):
      append(interval: months, days, nanoseconds, unit, count)
    case (.other(let builder), let value): for _ in 0..<count { Self.append(value, to: builder) }
    default: preconditionFailure("a \(value.type) does not go into a column of \(type)")
    }
  }

  private func append(integer value: Int128, _ count: Int) {
    switch self {
    case .int8(let builder): builder.append(Int8(value), count: count)
    case .int16(let builder): builder.append(Int16(value), count: count)
    case .int32(let builder): builder.append(Int32(value), count: count)
    case .int64(let builder): builder.append(Int64(value), count: count)
    case .uint8(let builder): builder.append(UInt8(value), count: count)
    case .uint16(let builder): builder.append(UInt16(value), count: count)
    case .uint32(let builder): builder.append(UInt32(value), count: count)
    case .uint64(let builder): builder.append(UInt64(value), count: count)
    case .int128(let builder): builder.append(value, count: count)
    case .other(let builder):
      for _ in 0..<count { Self.append(.integer(value, type), to: builder) }
    default: preconditionFailure("an integer does not go into a column of \(type)")
    }
  }

  /// The memory of an interval: fields in order, little endian.
  private func append(
    interval months: Int32, _ days: Int32, _ nanoseconds: Int64, _ unit: IntervalUnit, _ count: Int
  ) {
    let low = UInt64(UInt32(bitPattern: unit == .dayTime ? days : months))
    let second = unit == .dayTime ? Int32(truncatingIfNeeded: nanoseconds / 1_000_000) : days
    let first = Int64(bitPattern: low | UInt64(UInt32(bitPattern: second)) << 32)
    switch self {
    case .int32(let builder): builder.append(months, count: count)
    case .int64(let builder): builder.append(first, count: count)
    case .int128(let builder):
      let value = Int128(nanoseconds) << 64 | Int128(UInt64(bitPattern: first))
      builder.append(value, count: count)
    default: preconditionFailure("an interval does not go into a column of \(type)")
    }
  }

  private static func append(_ value: Literal, to builder: any RowBuilder) {
    switch (builder, value) {
    case (let builder as any BytesAppending, .utf8(var text)),
      (let builder as any BytesAppending, .string(var text, _)):
      text.withUTF8 { builder.append($0) }
    case (let builder as any BytesAppending, .binary(let bytes, _)):
      bytes.withUnsafeBufferPointer { builder.append($0) }
    case (let builder as ListBuilder, .nested(let items, _)):
      for item in items { builder.items.append(item) }
      builder.endRow()
    case (let builder as StructBuilder, .nested(let fields, _)):
      for (field, value) in zip(builder.fields, fields) { field.append(value) }
      builder.endRow()
    case (let builder as DictionaryBuilder, let value): builder.append(value)
    default: preconditionFailure("a \(value.type) does not go into a column of \(builder.type)")
    }
  }
}

/// A builder of bytes in a layout of its own.
protocol BytesAppending: AnyObject {
  func append(_ bytes: UnsafeBufferPointer<UInt8>)
}
