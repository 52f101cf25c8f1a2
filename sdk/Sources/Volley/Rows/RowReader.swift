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

  /// Makes columns, in the order of the schema, those that `read` reads.
  func use(_ batch: [InputColumn]) {
    for (index, column) in columns.enumerated() { cursor.state.pointee.use(batch[column], for: index) }
  }

  /// A row of the columns in use.
  func read(_ row: Int) throws -> Row {
    cursor.state.pointee.row = row
    cursor.state.pointee.next = 0
    return try Row(from: cursor)
  }

  /// Calls `body` with each row, in order.
  func forEach(_ batch: Batch, _ body: (Row) throws -> Void) throws {
    let state = cursor.state
    for (index, column) in columns.enumerated() { state.pointee.use(batch.columns[column], for: index) }
    for row in 0..<batch.rowCount {
      state.pointee.row = row
      state.pointee.next = 0
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

/// The decoder of every row of a batch.
final class RowCursor: Decoder {
  /// Not a part of the class, so that the container can use it without reference counting: that was half of the time.
  let state: UnsafeMutablePointer<RowCursorState>
  /// The container of the last type of keys; a row type has one.
  private var container: (keys: ObjectIdentifier, box: AnyObject)?

  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  init(_ fields: [RowField], owner: String) {
    state = .allocate(capacity: 1)
    state.initialize(to: RowCursorState(fields, owner: owner))
  }

  deinit {
    state.pointee.free()
    state.deinitialize(count: 1)
    state.deallocate()
  }

  private final class ContainerBox<Key: CodingKey> {
    let container: KeyedDecodingContainer<Key>
    init(_ state: UnsafeMutablePointer<RowCursorState>) {
      container = KeyedDecodingContainer(RowContainer<Key>(cursor: state))
    }
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    if let container, container.keys == ObjectIdentifier(type) {
      return unsafeDowncast(container.box, to: ContainerBox<Key>.self).container
    }
    let box = ContainerBox<Key>(state)
    container = (ObjectIdentifier(type), box)
    return box.container
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw state.pointee.notAStruct }
  func singleValueContainer() throws -> any SingleValueDecodingContainer { throw state.pointee.notAStruct }
}

/// Where in a batch a row decodes from.
struct RowCursorState {
  /// A field and its column's memory, which lives as long as the batch.
  struct Slot {
    let name: String
    let kind: RowKind
    /// Nil until there is a batch.
    var values: UnsafeRawPointer?
    var text: UnsafeRawPointer?
    var offset = 0
    var validity = Validity(bits: nil, offset: 0)
  }

  let owner: String
  let count: Int
  /// In the order in which a row asks for them.
  let slots: UnsafeMutablePointer<Slot>
  var row = 0
  /// The field that is probably asked for next.
  var next = 0

  init(_ fields: [RowField], owner: String) {
    self.owner = owner
    count = fields.count
    slots = .allocate(capacity: count)
    for (index, field) in fields.enumerated() {
      (slots + index).initialize(to: Slot(name: field.field.name, kind: field.kind))
    }
  }

  func free() {
    slots.deinitialize(count: count)
    slots.deallocate()
  }

  func use(_ column: InputColumn, for index: Int) {
    slots[index].values = column.values
    slots[index].text = column.text
    slots[index].offset = column.offset
    slots[index].validity = column.validity
  }

  var notAStruct: VolleyError { VolleyError("row type \(owner) is not a struct with named fields") }

  /// The field's index, which is not null in this row.
  @inline(__always)
  mutating func find(_ name: String, _ kind: RowKind) throws -> Int {
    var index = next
    if index >= count || slots[index].name != name { index = try search(name) }
    next = index + 1
    guard slots[index].kind == kind else { throw changed(name) }
    guard slots[index].validity[row] else { throw null(name) }
    return index
  }

  @inline(__always)
  mutating func value<T: BitwiseCopyable>(_ name: String, _ kind: RowKind, _: T.Type) throws -> T {
    let index = try find(name, kind)
    guard let values = slots[index].values else { throw changed(name) }
    return values.load(fromByteOffset: (slots[index].offset + row) * MemoryLayout<T>.stride, as: T.self)
  }

  mutating func text(_ name: String) throws -> String { String(decoding: try bytes(name, .text), as: UTF8.self) }

  /// The bytes of a field of texts or bytes, valid as long as the batch.
  @inline(__always)  // A text is read for each row; a call beside the one of `text` would cost as much as the reading.
  mutating func bytes(_ name: String, _ kind: RowKind) throws -> UnsafeRawBufferPointer {
    let index = try find(name, kind)
    guard let values = slots[index].values else { throw changed(name) }
    let offsets = values.assumingMemoryBound(to: Int32.self) + slots[index].offset + row
    let start = Int(offsets[0])
    let end = Int(offsets[1])
    guard end > start, let text = slots[index].text else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: text + start, count: end - start)
  }

  mutating func bit(_ name: String) throws -> Bool {
    let index = try find(name, .bool)
    guard let values = slots[index].values else { throw changed(name) }
    return Bits.get(values.assumingMemoryBound(to: UInt8.self), slots[index].offset + row)
  }

  /// Whether a field is not null; the same field is asked for next.
  mutating func isPresent(_ name: String) throws -> Bool {
    var index = next
    if index >= count || slots[index].name != name { index = try search(name) }
    next = index
    return slots[index].validity[row]
  }

  @inline(never)
  private func search(_ name: String) throws -> Int {
    for index in 0..<count where slots[index].name == name { return index }
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
