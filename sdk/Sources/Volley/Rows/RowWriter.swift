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
    target = RowTarget(fields, columns: (order + rest).map { columns[$0] }, owner: "\(type)")
  }

  func append<Row: Encodable>(_ row: Row) throws {
    target.state.pointee.begin()
    try row.encode(to: target)
    target.state.pointee.end()
  }

  /// Rows in the columns.
  var rowCount: Int { target.state.pointee.row }

  /// Begins again with columns that were emptied.
  func restart() { target.state.pointee.restart() }

  /// Tells the columns how many rows they have now.
  func finish() { target.state.pointee.finish() }
}

/// The encoder of every row.
final class RowTarget: Encoder {
  /// As in `RowCursor`.
  let state: UnsafeMutablePointer<RowTargetState>
  private var container: (keys: ObjectIdentifier, box: AnyObject)?

  var codingPath: [any CodingKey] { [] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  /// - Parameter columns: one a field, then those that the row does not have.
  init(_ fields: [RowField], columns: [OutputColumn], owner: String) {
    state = .allocate(capacity: 1)
    state.initialize(to: RowTargetState(fields, columns: columns, owner: owner))
  }

  deinit {
    state.pointee.free()
    state.deinitialize(count: 1)
    state.deallocate()
  }

  private final class ContainerBox<Key: CodingKey> {
    let container: KeyedEncodingContainer<Key>
    init(_ state: UnsafeMutablePointer<RowTargetState>) {
      container = KeyedEncodingContainer(RowEncodingContainer<Key>(target: state))
    }
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    if let container, container.keys == ObjectIdentifier(type) {
      return unsafeDowncast(container.box, to: ContainerBox<Key>.self).container
    }
    let box = ContainerBox<Key>(state)
    container = (ObjectIdentifier(type), box)
    return box.container
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer { RefusingContainer(error: state.pointee.notAStruct) }
  func singleValueContainer() -> any SingleValueEncodingContainer { RefusingContainer(error: state.pointee.notAStruct) }
}

/// The columns that a row encodes to.
struct RowTargetState {
  struct Slot {
    /// Empty for a column that the row does not have.
    let name: String
    let kind: RowKind?
    /// Kept alive by `columns`.
    let column: Unmanaged<OutputColumn>
    /// The column's memory, until it grows.
    var values: UnsafeMutableRawPointer
    /// Rows that were written.
    var count: Int
    var nullCount: Int
  }

  let owner: String
  let columns: [OutputColumn]
  let fieldCount: Int
  let slots: UnsafeMutablePointer<Slot>
  /// The row that is written.
  private(set) var row: Int
  private var next = 0
  private var written = 0
  /// Rows that every column has memory for.
  private var room = 0

  init(_ fields: [RowField], columns: [OutputColumn], owner: String) {
    self.owner = owner
    self.columns = columns
    fieldCount = fields.count
    row = columns.first?.count ?? 0
    slots = .allocate(capacity: columns.count)
    for (index, column) in columns.enumerated() {
      (slots + index).initialize(
        to: Slot(
          name: index < fields.count ? fields[index].field.name : "",
          kind: index < fields.count ? fields[index].kind : RowKind(column.type),
          column: .passUnretained(column), values: column.unsafeValues, count: column.count,
          nullCount: column.nullCount))
    }
  }

  func free() {
    slots.deinitialize(count: columns.count)
    slots.deallocate()
  }

  func finish() {
    for (index, column) in columns.enumerated() {
      column.finish(count: slots[index].count, nullCount: slots[index].nullCount)
    }
  }

  mutating func restart() {
    (row, room) = (0, 0)
    for index in columns.indices { (slots[index].count, slots[index].nullCount) = (0, 0) }
  }

  var notAStruct: VolleyError { VolleyError("row type \(owner) is not a struct with named fields") }

  @inline(__always)
  mutating func begin() {
    next = 0
    written = 0
    if row >= room { makeRoom() }
  }

  @inline(never)
  private mutating func makeRoom() {
    finish()
    room = 2 * max(row, 512)
    for (index, column) in columns.enumerated() {
      column.reserve(room)
      slots[index].values = column.unsafeValues
    }
  }

  /// Fields that the row did not write are null.
  @inline(__always)
  mutating func end() {
    if written != columns.count {
      for index in columns.indices where slots[index].count == row { putNull(index) }
    }
    row += 1
  }

  private mutating func putNull(_ index: Int) {
    let column = columns[index]
    column.putDefault(row)
    Bits.set(column.unsafeValidity(), row, false)
    slots[index].nullCount += 1
    slots[index].count = row + 1
    written += 1
  }

  /// The index of a field that has not been written in this row, and is from now on.
  @inline(__always)
  private mutating func find(_ name: String, _ kind: RowKind) throws -> Int {
    var index = next
    if index >= fieldCount || slots[index].name != name { index = try search(name) }
    next = index + 1
    guard slots[index].kind == kind, slots[index].count == row else { throw changed(name) }
    slots[index].count = row + 1
    written += 1
    return index
  }

  @inline(__always)
  mutating func put<Value: BitwiseCopyable>(_ name: String, _ kind: RowKind, _ value: Value) throws {
    let index = try find(name, kind)
    slots[index].values.storeBytes(of: value, toByteOffset: row * MemoryLayout<Value>.stride, as: Value.self)
  }

  mutating func put(_ name: String, _ value: Bool) throws {
    let index = try find(name, .bool)
    Bits.set(slots[index].values.assumingMemoryBound(to: UInt8.self), row, value)
  }

  mutating func put(_ name: String, _ value: String) throws {
    let index = try find(name, .text)
    var value = value
    value.withUTF8 { bytes in
      slots[index].column._withUnsafeGuaranteedRef { $0.putBytes(UnsafeRawBufferPointer(bytes), row) }
    }
  }

  mutating func put(_ name: String, _ value: [UInt8]) throws {
    let index = try find(name, .bytes)
    value.withUnsafeBytes { bytes in
      slots[index].column._withUnsafeGuaranteedRef { $0.putBytes(bytes, row) }
    }
  }

  mutating func put(_ name: String, _ value: Duration) throws {
    let index = try find(name, .duration)
    let microseconds = slots[index].column._withUnsafeGuaranteedRef { value.microseconds(for: $0) }
    slots[index].values.storeBytes(of: microseconds, toByteOffset: 8 * row, as: Int64.self)
  }

  mutating func putNull(_ name: String) throws {
    var index = next
    if index >= fieldCount || slots[index].name != name { index = try search(name) }
    next = index + 1
    guard slots[index].count == row else { throw changed(name) }
    putNull(index)
  }

  @inline(never)
  private func search(_ name: String) throws -> Int {
    for index in 0..<fieldCount where slots[index].name == name { return index }
    throw changed(name)
  }

  @inline(never)
  private func changed(_ name: String) -> VolleyError {
    VolleyError("row type \(owner) writes field '\(name)' in another way than it reads it: let encode and decode agree")
  }
}
