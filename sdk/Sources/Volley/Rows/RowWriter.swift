import VolleyPlan

/// Appends `Encodable` structs to columns. One encoder and one container serve every row, as in `RowReader`.
final class RowWriter {
  let type: Any.Type
  private let target: RowTarget

  /// - Parameters:
  ///   - schema: the columns to write; the row's fields must be among them, with their types.
  ///   - columns: the columns in the order of the schema. Columns that the row does not have get nulls.
  init<Row: RowValue>(_ type: Row.Type, schema: Schema, columns: [OutputColumn]) throws(VolleyError) {
    self.type = type
    let fields = try RowFields.of(type)
    var order: [Int] = []
    for field in fields {
      guard let index = schema.fields.firstIndex(where: { $0.name == field.field.name }) else {
        let known = schema.fields.map(\.name).joined(separator: ", ")
        throw VolleyError("\(type) has the field '\(field.field.name)', which is no column: the columns are \(known)")
      }
      guard schema.fields[index].type == field.field.type else {
        throw VolleyError(
          "column '\(field.field.name)' is \(schema.fields[index].type) and the field of \(type) is \(field.field.type)"
        )
      }
      order.append(index)
    }
    let rest = columns.indices.filter { !order.contains($0) }
    target = RowTarget(
      names: fields.map(\.field.name), kinds: fields.map(\.kind), columns: (order + rest).map { columns[$0] },
      owner: "\(type)")
  }

  func append<Row: Encodable>(_ row: Row) throws {
    target.begin()
    try row.encode(to: target)
    target.end()
  }
}

/// The writer of a builder's last row type.
final class RowWriterCache {
  private var writer: RowWriter?

  func writer<Row: RowValue>(
    for type: Row.Type, schema: Schema, column: (Int) -> OutputColumn
  ) throws -> RowWriter {
    if let writer, writer.type == type { return writer }
    let writer = try RowWriter(type, schema: schema, columns: schema.fields.indices.map(column))
    self.writer = writer
    return writer
  }

  /// The columns were handed over.
  func forget() { writer = nil }
}

/// Where a row encodes to.
final class RowTarget: Encoder {
  let owner: String
  let names: [String]
  let kinds: [RowKind]
  /// The columns of the named fields, then the others.
  let columns: [OutputColumn]
  @exclusivity(unchecked) private var next = 0
  /// The row that is written.
  @exclusivity(unchecked) private var row = 0
  @exclusivity(unchecked) private var written = 0
  /// Rows that every column has memory for.
  @exclusivity(unchecked) private var room = 0
  private var container: (keys: ObjectIdentifier, box: AnyObject)?

  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  init(names: [String], kinds: [RowKind], columns: [OutputColumn], owner: String) {
    self.names = names
    self.kinds = kinds
    self.columns = columns
    self.owner = owner
  }

  func begin() {
    next = 0
    written = 0
    row = columns.first?.count ?? 0
    guard row >= room else { return }
    room = 2 * max(row, 512)
    for column in columns { column.reserve(room) }
  }

  /// Fields that the row did not write are null.
  func end() {
    if written == columns.count { return }
    for column in columns where column.count == row { putNull(column) }
  }

  private func putNull(_ column: OutputColumn) {
    switch RowKind(column.type) {
    case .text:
      var writer = TextWriter(column)
      writer.putDefault(row)
    case .bool:
      var writer = BitWriter(column)
      writer.putDefault(row)
    case .int32:
      var writer = FixedWriter<Int32>(column)
      writer.putDefault(row)
    case .int64, .double, .timestamp, nil:
      var writer = FixedWriter<Int64>(column)
      writer.putDefault(row)
    }
    Bits.set(column.unsafeValidity(), row, false)
    column.finish(count: row + 1, nullCount: column.nullCount + 1)
    written += 1
  }

  private final class ContainerBox<Key: CodingKey> {
    let container: KeyedEncodingContainer<Key>
    init(_ target: RowTarget) { container = KeyedEncodingContainer(RowEncodingContainer<Key>(target: target)) }
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    if let container, container.keys == ObjectIdentifier(type) {
      return unsafeDowncast(container.box, to: ContainerBox<Key>.self).container
    }
    let box = ContainerBox<Key>(self)
    container = (ObjectIdentifier(type), box)
    return box.container
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer { RefusingContainer(error: notAStruct) }
  func singleValueContainer() -> any SingleValueEncodingContainer { RefusingContainer(error: notAStruct) }
  var notAStruct: VolleyError { VolleyError("row type \(owner) is not a struct with named fields") }

  /// The column of a field, which has not been written in this row.
  @inline(__always)
  private func find(_ name: String, _ kind: RowKind) throws -> OutputColumn {
    var index = next
    if index >= names.count || names[index] != name { index = try search(name) }
    next = index + 1
    let column = columns[index]
    guard kinds[index] == kind, column.count == row else { throw changed(name) }
    return column
  }

  @inline(__always)
  func put<Value: ColumnValue>(_ name: String, _ kind: RowKind, _ value: Value) throws {
    let column = try find(name, kind)
    var writer = Value.Writer(column)
    writer.put(value, row)
    column.finish(count: row + 1, nullCount: column.nullCount)
    written += 1
  }

  func putNull(_ name: String) throws {
    var index = next
    if index >= names.count || names[index] != name { index = try search(name) }
    next = index + 1
    guard columns[index].count == row else { throw changed(name) }
    putNull(columns[index])
  }

  @inline(never)
  private func search(_ name: String) throws -> Int {
    guard let index = names.firstIndex(of: name) else { throw changed(name) }
    return index
  }

  @inline(never)
  private func changed(_ name: String) -> VolleyError {
    VolleyError("row type \(owner) writes field '\(name)' in another way than it reads it: let encode and decode agree")
  }
}

/// Serves every row of a target, which outlives it.
private struct RowEncodingContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
  unowned(unsafe) let target: RowTarget
  var codingPath: [any CodingKey] { [] }

  func encodeNil(forKey key: Key) throws { try target.putNull(key.stringValue) }
  func encode(_ value: Bool, forKey key: Key) throws { try target.put(key.stringValue, .bool, value) }
  func encode(_ value: String, forKey key: Key) throws { try target.put(key.stringValue, .text, value) }
  func encode(_ value: Double, forKey key: Key) throws { try target.put(key.stringValue, .double, value) }
  func encode(_ value: Int, forKey key: Key) throws { try target.put(key.stringValue, .int64, value) }
  func encode(_ value: Int32, forKey key: Key) throws { try target.put(key.stringValue, .int32, value) }
  func encode(_ value: Int64, forKey key: Key) throws { try target.put(key.stringValue, .int64, value) }

  func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    if let value = value as? Timestamp {
      try target.put(key.stringValue, .timestamp, value)
    } else if let value = value as? any OptionalRowEncodable {
      try value.encodeField(in: self, key)
    } else {
      throw VolleyError("field '\(key.stringValue)' of row type \(target.owner) is a \(T.self), which no column holds")
    }
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> { KeyedEncodingContainer(RefusingKeyed(error: target.notAStruct)) }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    RefusingContainer(error: target.notAStruct)
  }
  func superEncoder() -> any Encoder { target }
  func superEncoder(forKey key: Key) -> any Encoder { target }
}

private protocol OptionalRowEncodable {
  func encodeField<Key: CodingKey>(in container: RowEncodingContainer<Key>, _ key: Key) throws
}

extension Optional: OptionalRowEncodable where Wrapped: Encodable {
  fileprivate func encodeField<Key: CodingKey>(in container: RowEncodingContainer<Key>, _ key: Key) throws {
    if let self { try container.encodeAny(self, key) } else { try container.encodeNil(forKey: key) }
  }
}

extension RowEncodingContainer {
  /// Chooses the overload by the value's type.
  fileprivate func encodeAny(_ value: some Encodable, _ key: Key) throws {
    switch value {
    case let value as Bool: try encode(value, forKey: key)
    case let value as String: try encode(value, forKey: key)
    case let value as Double: try encode(value, forKey: key)
    case let value as Int: try encode(value, forKey: key)
    case let value as Int32: try encode(value, forKey: key)
    case let value as Int64: try encode(value, forKey: key)
    default: try encode(value, forKey: key)
    }
  }
}
