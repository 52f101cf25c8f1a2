import Arrow
import VolleyPlan

/// Fills a column of any type from text, value by value: for the types that the decoding loops have no fast path for, and for what is
/// nested in them.
final class ValueBuilder {
  let type: DataType
  let isNullable: Bool
  /// The column and the way to it, as messages show it: "order.lines[].price".
  let path: String
  let form: Form
  let rows: any RowBuilder
  let scratch = Scratch()

  enum Form {
    case null
    case bool(BoolBuilder)
    case int8(FixedBuilder<Int8>)
    case int16(FixedBuilder<Int16>)
    case int32(FixedBuilder<Int32>)
    case int64(FixedBuilder<Int64>)
    case uint8(FixedBuilder<UInt8>)
    case uint16(FixedBuilder<UInt16>)
    case uint32(FixedBuilder<UInt32>)
    case uint64(FixedBuilder<UInt64>)
    case float16(FixedBuilder<Float16>)
    case float32(FixedBuilder<Float>)
    case float64(FixedBuilder<Double>)
    case decimal(FixedBuilder<Int128>, precision: Int, scale: Int)
    case date32(FixedBuilder<Int32>)
    case date64(FixedBuilder<Int64>)
    case time32(FixedBuilder<Int32>, TimeUnit)
    case time64(FixedBuilder<Int64>, TimeUnit)
    case timestamp(FixedBuilder<Int64>, TimeUnit)
    case utf8(Utf8Builder)
    case large(LargeBytesBuilder)
    case view(ViewBuilder)
    case fixedBytes(FixedBytesBuilder)
    /// `size`: the items of each row, of a fixed-size list.
    case list(ListBuilder, item: ValueBuilder, size: Int?)
    case record(StructBuilder, [ValueBuilder], JSONNames)
    case map(ListBuilder, entries: StructBuilder, key: ValueBuilder, value: ValueBuilder)
  }

  /// Nil for a type that is not read from text.
  convenience init?(_ field: Field) {
    guard Self.refusal(field.type) == nil else { return nil }
    self.init(field.type, isNullable: field.nullable, path: field.name, ColumnBuilder(field.type))
  }

  private init(_ type: DataType, isNullable: Bool, path: String, _ builder: ColumnBuilder) {
    self.type = type
    self.isNullable = isNullable
    self.path = path
    rows = builder.rows
    form = Self.form(type, builder, path)
  }

  private static func form(_ type: DataType, _ builder: ColumnBuilder, _ path: String) -> Form {
    switch (type, builder) {
    case (.bool, .bool(let builder)): return .bool(builder)
    case (.int8, .int8(let builder)): return .int8(builder)
    case (.int16, .int16(let builder)): return .int16(builder)
    case (.int32, .int32(let builder)): return .int32(builder)
    case (.int64, .int64(let builder)), (.duration, .int64(let builder)): return .int64(builder)
    case (.uint8, .uint8(let builder)): return .uint8(builder)
    case (.uint16, .uint16(let builder)): return .uint16(builder)
    case (.uint32, .uint32(let builder)): return .uint32(builder)
    case (.uint64, .uint64(let builder)): return .uint64(builder)
    case (.float16, .float16(let builder)): return .float16(builder)
    case (.float32, .float32(let builder)): return .float32(builder)
    case (.float64, .float64(let builder)): return .float64(builder)
    case (.decimal128(let precision, let scale), .int128(let builder)):
      return .decimal(builder, precision: precision, scale: scale)
    case (.date32, .int32(let builder)): return .date32(builder)
    case (.date64, .int64(let builder)): return .date64(builder)
    case (.time32(let unit), .int32(let builder)): return .time32(builder, unit)
    case (.time64(let unit), .int64(let builder)): return .time64(builder, unit)
    case (.timestamp(let unit, _), .int64(let builder)): return .timestamp(builder, unit)
    case (_, .utf8(let builder)): return .utf8(builder)
    case (_, .other(let builder)): return nestedForm(type, builder, path)
    default: preconditionFailure("\(type) is refused before a column is made")
    }
  }

  private static func nestedForm(_ type: DataType, _ builder: any RowBuilder, _ path: String) -> Form {
    switch builder {
    case is NullBuilder: return .null
    case let builder as LargeBytesBuilder: return .large(builder)
    case let builder as ViewBuilder: return .view(builder)
    case let builder as FixedBytesBuilder: return .fixedBytes(builder)
    case let builder as StructBuilder:
      let fields = type.childFields
      let children = zip(fields, builder.fields).map { field, column in
        ValueBuilder(field.type, isNullable: field.nullable, path: "\(path).\(field.name)", column)
      }
      return .record(builder, children, JSONNames(fields))
    case let builder as ListBuilder:
      if case .map(let key, let value, _) = type, case .other(let items) = builder.items,
        let entries = items as? StructBuilder
      {
        return .map(
          builder, entries: entries,
          key: ValueBuilder(key.type, isNullable: false, path: "\(path) key", entries.fields[0]),
          value: ValueBuilder(value.type, isNullable: value.nullable, path: "\(path) value", entries.fields[1]))
      }
      let item = type.childFields[0]
      var size: Int?
      if case .fixedSizeList(_, let items) = type { size = items }
      return .list(
        builder, item: ValueBuilder(item.type, isNullable: item.nullable, path: "\(path)[]", builder.items), size: size)
    default: preconditionFailure("\(type) is refused before a column is made")
    }
  }

  func appendNull() { rows.appendNulls(1) }

  /// Drops the rows from `count` on.
  func truncate(to count: Int) { rows.truncate(to: count) }
}

extension ValueBuilder {
  /// Types may be nested this deep.
  static let depthLimit = 64

  /// Why a column of this type is not read from text; nil when it is.
  static func refusal(_ type: DataType) -> String? { refusal(type, depth: 0) }

  private static func refusal(_ type: DataType, depth: Int) -> String? {
    if depth == depthLimit { return "is nested more than \(depthLimit) deep" }
    switch type {
    case .interval: return "has no form as text; read a duration or an integer"
    case .dictionary(_, let value, _): return "is no form of text; read \(value) and cast it"
    case .map(let key, let value, _):
      guard isMapKey(key.type) else { return "has keys that no member's name can be; read them as utf8" }
      return refusal(value.type, depth: depth + 1)
    default:
      for field in type.childFields {
        if let reason = refusal(field.type, depth: depth + 1) { return reason }
      }
      return nil
    }
  }

  /// Whether a member's name can stand for a value of the type.
  static func isMapKey(_ type: DataType) -> Bool { !isNested(type) && type != .null && refusal(type) == nil }

  /// Whether it is made of others, which CSV has no form for.
  static func isNested(_ type: DataType) -> Bool {
    switch type {
    case .dictionary(_, let value, _): isNested(value)
    case .struct: true
    default: !type.childFields.isEmpty
    }
  }
}
