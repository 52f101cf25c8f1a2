import Base

/// A table of a FlatBuffer. Fields are asked for by their slot, the number of the field in its schema; one that is not
/// there has its default.
struct FlatTable {
  let bytes: FlatBytes
  private let position: Int
  private let fields: Int
  /// Slots that the table's maker knew.
  private let slotCount: Int
  private let byteCount: Int

  init(_ bytes: FlatBytes, at position: Int) throws(Failure) {
    let fields = position - Int(try bytes.load(Int32.self, at: position))
    let fieldBytes = Int(try bytes.load(UInt16.self, at: fields))
    byteCount = Int(try bytes.load(UInt16.self, at: fields + 2))
    guard fieldBytes >= 4, fieldBytes % 2 == 0, fields + fieldBytes <= bytes.count, byteCount >= 4,
      position + byteCount <= bytes.count
    else { throw bytes.damage("the table at byte \(position) does not lie within its \(bytes.count) bytes") }
    try bytes.spend(8)
    self.bytes = bytes
    self.position = position
    self.fields = fields + 4
    slotCount = (fieldBytes - 4) / 2
  }

  /// Where the value of a slot lies, nil when the slot is empty.
  private func place(_ slot: Int, size: Int) throws(Failure) -> Int? {
    guard slot < slotCount else { return nil }
    let offset = Int(try bytes.load(UInt16.self, at: fields + 2 * slot))
    guard offset != 0 else { return nil }
    guard offset >= 4, offset <= byteCount - size else {
      throw bytes.damage("field \(slot) lies at byte \(offset) of a table of \(byteCount)")
    }
    return position + offset
  }

  func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ slot: Int, default value: Value) throws(Failure) -> Value {
    guard let place = try place(slot, size: MemoryLayout<Value>.size) else { return value }
    return try bytes.load(Value.self, at: place)
  }

  func bool(_ slot: Int) throws(Failure) -> Bool { try integer(slot, default: UInt8(0)) != 0 }

  func table(_ slot: Int) throws(Failure) -> FlatTable? {
    guard let place = try place(slot, size: 4) else { return nil }
    return try FlatTable(bytes, at: try bytes.target(at: place))
  }

  /// A table that must be there.
  func table(_ slot: Int, _ name: String) throws(Failure) -> FlatTable {
    guard let table = try table(slot) else { throw bytes.damage("it has no \(name)") }
    return table
  }

  /// Text, whose bytes must be UTF-8; nil when there is none.
  func string(_ slot: Int) throws(Failure) -> String? {
    guard let vector = try vector(slot, stride: 1) else { return nil }
    let text = try bytes.bytes(at: vector.start, count: vector.count)
    guard Utf8.isValid(text) else { throw bytes.damage("the text at byte \(vector.start) is not UTF-8") }
    return String(decoding: text, as: UTF8.self)
  }

  /// The tables of a vector of offsets; none when there is no vector.
  func tables(_ slot: Int) throws(Failure) -> [FlatTable] {
    guard let vector = try vector(slot, stride: 4) else { return [] }
    try bytes.spend(4 * vector.count)
    var tables: [FlatTable] = []
    tables.reserveCapacity(vector.count)
    for index in 0..<vector.count {
      tables.append(try FlatTable(bytes, at: try bytes.target(at: vector.start + 4 * index)))
    }
    return tables
  }

  /// The structs of a vector, each of `stride` bytes; none when there is no vector.
  func structs(_ slot: Int, stride: Int) throws(Failure) -> FlatStructs {
    guard let vector = try vector(slot, stride: stride) else {
      return FlatStructs(bytes: UnsafeRawBufferPointer(start: nil, count: 0), stride: stride, owner: bytes)
    }
    let structs = try bytes.bytes(at: vector.start, count: vector.count * stride)
    return FlatStructs(bytes: structs, stride: stride, owner: bytes)
  }

  /// Where the elements of a vector begin, and how many there are: all of them within the bytes.
  private func vector(_ slot: Int, stride: Int) throws(Failure) -> (start: Int, count: Int)? {
    guard let place = try place(slot, size: 4) else { return nil }
    let vector = try bytes.target(at: place)
    let count = Int(try bytes.load(UInt32.self, at: vector))
    // A UInt32 times a struct's size does not overflow.
    guard count * stride <= bytes.count - (vector + 4) else {
      throw bytes.damage(
        "the vector at byte \(vector) has \(count) elements, and \(bytes.count - vector - 4) bytes are left")
    }
    return (vector + 4, count)
  }
}

/// A vector of structs of integers, checked to lie within the buffer.
struct FlatStructs {
  fileprivate let bytes: UnsafeRawBufferPointer
  fileprivate let stride: Int
  fileprivate let owner: FlatBytes

  var count: Int { bytes.count / stride }

  /// The integer at byte `offset` of struct `index`.
  func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ index: Int, _ offset: Int, _: Value.Type = Value.self)
    -> Value
  {
    precondition(index < count && offset + MemoryLayout<Value>.size <= stride, "an integer lies within its struct")
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: index * stride + offset, as: Value.self))
  }
}
