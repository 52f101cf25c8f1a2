/// What a field of a table that is to be written holds.
indirect enum FlatValue {
  case int8(Int8)
  case bool(Bool)
  case int16(Int16)
  case int32(Int32)
  case int64(Int64)
  case string(String)
  case table(FlatFields)
  case tables([FlatFields])
  /// Structs as integers of eight bytes each, one struct after the other.
  case structs([Int64], integersEach: Int)

  /// Bytes in the table itself: the value, or an offset to it.
  fileprivate var inlineSize: Int {
    switch self {
    case .int8, .bool: 1
    case .int16: 2
    case .int32, .string, .table, .tables, .structs: 4
    case .int64: 8
    }
  }
}

/// The fields of a table that is to be written, by slot.
typealias FlatFields = [(slot: Int, value: FlatValue)]

/// Writes a FlatBuffer: each table before what it points to, aligned as verifiers of other languages demand.
/// Source of the format: https://flatbuffers.dev/internals/
struct FlatWriter {
  private var bytes: [UInt8] = []

  /// The buffer of a root table; a multiple of 8 bytes.
  static func buffer(root: FlatFields) -> [UInt8] {
    var writer = FlatWriter()
    writer.append(UInt32(0))
    writer.write(root, from: 0)
    writer.align(8)
    return writer.bytes
  }

  private mutating func append<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  private mutating func align(_ alignment: Int, before following: Int = 0) {
    while (bytes.count + following) % alignment != 0 { bytes.append(0) }
  }

  private mutating func store<Value: FixedWidthInteger>(_ value: Value, at position: Int) {
    withUnsafeBytes(of: value.littleEndian) { source in
      for index in source.indices { bytes[position + index] = source[index] }
    }
  }

  /// Makes the offset at `position` point to what is written next.
  private mutating func point(from position: Int) { store(UInt32(bytes.count - position), at: position) }

  private mutating func write(_ fields: FlatFields, from reference: Int) {
    // Wide values first, so that the offset of four bytes and then each value lie aligned without gaps but one.
    let ordered = fields.sorted { $0.value.inlineSize > $1.value.inlineSize }
    var places = [UInt16](repeating: 0, count: (fields.map(\.slot).max() ?? -1) + 1)
    var size = 4
    for field in ordered {
      let inline = field.value.inlineSize
      size = (size + inline - 1) / inline * inline
      places[field.slot] = UInt16(size)
      size += inline
    }
    align(8, before: 4 + 2 * places.count)
    let slots = bytes.count
    append(UInt16(4 + 2 * places.count))
    append(UInt16(size))
    for place in places { append(place) }
    let table = bytes.count
    point(from: reference)
    append(Int32(table - slots))
    bytes.append(contentsOf: repeatElement(0, count: size - 4))
    for field in ordered { write(field.value, at: table + Int(places[field.slot])) }
  }

  private mutating func write(_ value: FlatValue, at place: Int) {
    switch value {
    case .int8(let value): store(value, at: place)
    case .bool(let value): store(UInt8(value ? 1 : 0), at: place)
    case .int16(let value): store(value, at: place)
    case .int32(let value): store(value, at: place)
    case .int64(let value): store(value, at: place)
    case .string(let text):
      align(4)
      point(from: place)
      append(UInt32(text.utf8.count))
      bytes.append(contentsOf: text.utf8)
      bytes.append(0)
    case .table(let fields): write(fields, from: place)
    case .tables(let tables):
      align(4)
      point(from: place)
      append(UInt32(tables.count))
      let first = bytes.count
      bytes.append(contentsOf: repeatElement(0, count: 4 * tables.count))
      for (index, fields) in tables.enumerated() { write(fields, from: first + 4 * index) }
    case .structs(let integers, let each):
      align(8, before: 4)
      point(from: place)
      append(UInt32(integers.count / each))
      for integer in integers { append(integer) }
    }
  }
}
