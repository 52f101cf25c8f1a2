import VolleyPlan

/// Makes the rows of a batch values of a `Decodable` struct.
///
/// One decoder and one container serve every row: the container is made once a type of keys, columns are found by the order
/// in which a row asks for its fields, and the field's name is compared only to be sure.
final class RowReader<Row: RowValue> {
  private let cursor: RowCursor
  let fields: [RowField]
  /// The batch's column of each field.
  private let columns: [Int]

  /// - Parameter schema: the batches' columns; the row's fields are found by name and must have their types.
  init(schema: Schema) throws(VolleyError) {
    fields = try RowFields.of(Row.self)
    var columns: [Int] = []
    for field in fields {
      guard let index = schema.fields.firstIndex(where: { $0.name == field.field.name }) else {
        let known = schema.fields.map(\.name).joined(separator: ", ")
        throw VolleyError(
          "\(Row.self) has the field '\(field.field.name)', which is no column: the columns are \(known)")
      }
      guard schema.fields[index].type == field.field.type else {
        throw VolleyError(
          "column '\(field.field.name)' is \(schema.fields[index].type) and the field of \(Row.self) is \(field.field.type)"
        )
      }
      columns.append(index)
    }
    self.columns = columns
    cursor = RowCursor(fields, owner: "\(Row.self)")
  }

  /// Calls `body` with each row, in order.
  func forEach(_ batch: Batch, _ body: (Row) throws -> Void) throws {
    for (index, column) in columns.enumerated() { cursor.columns[index] = RowCursor.Column(batch.columns[column]) }
    for row in 0..<batch.rowCount {
      cursor.row = row
      cursor.next = 0
      try body(try Row(from: cursor))
    }
    withExtendedLifetime(batch) {}
  }
}

extension Batch {
  /// The rows as values of a struct, whose fields are found by name.
  public func rows<Row: RowValue>(as type: Row.Type = Row.self) throws -> [Row] {
    var rows: [Row] = []
    rows.reserveCapacity(rowCount)
    try RowReader<Row>(schema: schema).forEach(self) { rows.append($0) }
    return rows
  }
}

/// Where in a batch a row decodes from.
final class RowCursor: Decoder {
  /// A column's memory; lives as long as the batch.
  struct Column {
    var validity: Validity
    var values: UnsafeRawPointer?
    var text: UnsafeRawPointer?
    var offset: Int

    init(_ column: InputColumn) {
      validity = column.validity
      values = column.values
      text = column.text
      offset = column.offset
    }
  }

  let owner: String
  let count: Int
  /// `count` names, kinds and columns, in the order of the row's fields.
  let names: UnsafeMutablePointer<String>
  let kinds: UnsafeMutablePointer<RowKind>
  let columns: UnsafeMutablePointer<Column?>
  @exclusivity(unchecked) var row = 0
  /// The field that is probably asked for next.
  @exclusivity(unchecked) var next = 0
  /// The container of the last type of keys; a row type has one.
  private var container: (keys: ObjectIdentifier, box: AnyObject)?

  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  init(_ fields: [RowField], owner: String) {
    self.owner = owner
    count = fields.count
    names = .allocate(capacity: count)
    kinds = .allocate(capacity: count)
    columns = .allocate(capacity: count)
    for (index, field) in fields.enumerated() {
      (names + index).initialize(to: field.field.name)
      (kinds + index).initialize(to: field.kind)
    }
    columns.initialize(repeating: nil, count: count)
  }

  deinit {
    names.deinitialize(count: count)
    names.deallocate()
    kinds.deallocate()
    columns.deallocate()
  }

  private final class ContainerBox<Key: CodingKey> {
    let container: KeyedDecodingContainer<Key>
    /// The container must not hold the cursor that holds it.
    init(_ cursor: RowCursor) { container = KeyedDecodingContainer(RowContainer<Key>(cursor: cursor)) }
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    if let container, container.keys == ObjectIdentifier(type) {
      return unsafeDowncast(container.box, to: ContainerBox<Key>.self).container
    }
    let box = ContainerBox<Key>(self)
    container = (ObjectIdentifier(type), box)
    return box.container
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw notAStruct }
  func singleValueContainer() throws -> any SingleValueDecodingContainer { throw notAStruct }
  var notAStruct: VolleyError { VolleyError("row type \(owner) is not a struct with named fields") }

  /// The column of a field, and whether this row of it is not null.
  @inline(__always)
  func find(_ name: String, _ kind: RowKind) throws -> (Column, valid: Bool) {
    var index = next
    if index >= count || names[index] != name { index = try search(name) }
    next = index + 1
    guard kinds[index] == kind, let column = columns[index] else { throw changed(name) }
    return (column, column.validity[row])
  }

  @inline(__always)
  func value<T: BitwiseCopyable>(_ name: String, _ kind: RowKind, _: T.Type) throws -> T {
    let (column, valid) = try find(name, kind)
    guard valid, let values = column.values else { throw null(name) }
    return values.load(fromByteOffset: (column.offset + row) * MemoryLayout<T>.stride, as: T.self)
  }

  func text(_ name: String) throws -> String {
    let (column, valid) = try find(name, .text)
    guard valid, let values = column.values else { throw null(name) }
    let offsets = values.assumingMemoryBound(to: Int32.self) + column.offset + row
    let start = Int(offsets[0])
    let end = Int(offsets[1])
    guard end > start, let text = column.text else { return "" }
    return String(decoding: UnsafeRawBufferPointer(start: text + start, count: end - start), as: UTF8.self)
  }

  func bit(_ name: String) throws -> Bool {
    let (column, valid) = try find(name, .bool)
    guard valid, let values = column.values else { throw null(name) }
    return Bits.get(values.assumingMemoryBound(to: UInt8.self), column.offset + row)
  }

  /// Whether a field is there and not null; the same field is asked for next.
  func isPresent(_ name: String) throws -> Bool {
    var index = next
    if index >= count || names[index] != name { index = try search(name) }
    next = index
    guard let column = columns[index] else { return false }
    return column.validity[row]
  }

  @inline(never)
  private func search(_ name: String) throws -> Int {
    for index in 0..<count where names[index] == name { return index }
    throw changed(name)
  }

  @inline(never)
  private func changed(_ name: String) -> VolleyError {
    VolleyError(
      "row type \(owner) asks for field '\(name)' in another way than when the plan was made: let it ask always")
  }

  @inline(never)
  private func null(_ name: String) -> VolleyError {
    VolleyError("column '\(name)' is null in a row, and field '\(name)' of \(owner) is not optional: make it optional")
  }
}

/// Serves every row of a cursor, which outlives it.
private struct RowContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  unowned(unsafe) let cursor: RowCursor
  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] { (0..<cursor.count).compactMap { Key(stringValue: cursor.names[$0]) } }

  func contains(_ key: Key) -> Bool { (0..<cursor.count).contains { cursor.names[$0] == key.stringValue } }
  func decodeNil(forKey key: Key) throws -> Bool { try !cursor.isPresent(key.stringValue) }

  func decode(_: Bool.Type, forKey key: Key) throws -> Bool { try cursor.bit(key.stringValue) }
  func decode(_: String.Type, forKey key: Key) throws -> String { try cursor.text(key.stringValue) }
  func decode(_: Double.Type, forKey key: Key) throws -> Double {
    try cursor.value(key.stringValue, .double, Double.self)
  }
  func decode(_: Int.Type, forKey key: Key) throws -> Int { try cursor.value(key.stringValue, .int64, Int.self) }
  func decode(_: Int32.Type, forKey key: Key) throws -> Int32 { try cursor.value(key.stringValue, .int32, Int32.self) }
  func decode(_: Int64.Type, forKey key: Key) throws -> Int64 { try cursor.value(key.stringValue, .int64, Int64.self) }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    if type == Timestamp.self, let value = try cursor.value(key.stringValue, .timestamp, Timestamp.self) as? T {
      return value
    }
    // An optional field that a row type decodes by hand.
    if let optional = type as? any OptionalRowValue.Type {
      let present = try cursor.isPresent(key.stringValue)
      if let value = (present ? try optional.present(in: self, key) : optional.absent) as? T { return value }
    }
    throw VolleyError("field '\(key.stringValue)' of row type \(cursor.owner) is a \(type), which no column holds")
  }

  func decodeIfPresent(_: Bool.Type, forKey key: Key) throws -> Bool? {
    try skipNull(key) ? nil : cursor.bit(key.stringValue)
  }
  func decodeIfPresent(_: String.Type, forKey key: Key) throws -> String? {
    try skipNull(key) ? nil : cursor.text(key.stringValue)
  }
  func decodeIfPresent(_: Double.Type, forKey key: Key) throws -> Double? {
    try skipNull(key) ? nil : cursor.value(key.stringValue, .double, Double.self)
  }
  func decodeIfPresent(_: Int.Type, forKey key: Key) throws -> Int? {
    try skipNull(key) ? nil : cursor.value(key.stringValue, .int64, Int.self)
  }
  func decodeIfPresent(_: Int32.Type, forKey key: Key) throws -> Int32? {
    try skipNull(key) ? nil : cursor.value(key.stringValue, .int32, Int32.self)
  }
  func decodeIfPresent(_: Int64.Type, forKey key: Key) throws -> Int64? {
    try skipNull(key) ? nil : cursor.value(key.stringValue, .int64, Int64.self)
  }
  func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
    try skipNull(key) ? nil : decode(type, forKey: key)
  }

  /// Whether the field is null; then the next one is asked for next.
  private func skipNull(_ key: Key) throws -> Bool {
    if try cursor.isPresent(key.stringValue) { return false }
    cursor.next += 1
    return true
  }

  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
    -> KeyedDecodingContainer<Nested>
  { throw cursor.notAStruct }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw cursor.notAStruct }
  func superDecoder() throws -> any Decoder { throw cursor.notAStruct }
  func superDecoder(forKey key: Key) throws -> any Decoder { throw cursor.notAStruct }
}

private protocol OptionalRowValue {
  static var absent: Any { get }
  static func present<Key: CodingKey>(in container: RowContainer<Key>, _ key: Key) throws -> Any
}

extension Optional: OptionalRowValue where Wrapped: Decodable {
  fileprivate static var absent: Any { Wrapped?.none as Any }
  fileprivate static func present<Key: CodingKey>(in container: RowContainer<Key>, _ key: Key) throws -> Any {
    try container.decode(Wrapped.self, forKey: key) as Wrapped? as Any
  }
}
