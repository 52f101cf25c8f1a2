import VolleyPlan

/// A column in the making: memory that grows and goes to the host without a copy.
public final class OutputColumn {
  public let type: DataType
  let storage: ColumnStorage
  /// Rows that are written.
  @exclusivity(unchecked) public internal(set) var count = 0
  /// Rows that there is memory for.
  @exclusivity(unchecked) private(set) var capacity: Int
  @exclusivity(unchecked) public internal(set) var nullCount = 0
  /// Values, bits, or Int32 offsets of text.
  @exclusivity(unchecked) private var values: Block
  @exclusivity(unchecked) private var text: Block?
  @exclusivity(unchecked) private var textCount = 0
  /// Nil while no row is null.
  @exclusivity(unchecked) private var validityBits: Block?
  /// Why the column cannot be used: a value came that it cannot hold.
  @exclusivity(unchecked) private var problem: String?

  /// - Parameters:
  ///   - type: what its values' Swift type has as `dataType`.
  ///   - capacity: rows to have memory for at once.
  @usableFromInline
  convenience init(valuesOf type: DataType, capacity: Int) {
    guard let storage = ColumnStorage(type) else {
      preconditionFailure("a ColumnValue has the type \(type), whose columns are not built value by value")
    }
    self.init(type, storage, capacity: capacity)
  }

  /// - Parameter textCapacity: bytes of text to have memory for at once.
  init(_ type: DataType, _ storage: ColumnStorage, capacity: Int, textCapacity: Int? = nil) {
    self.type = type
    self.storage = storage
    self.capacity = max(capacity, 1)
    values = Block(byteCount: storage.byteCount(self.capacity))
    switch storage {
    case .bytes:
      text = Block(byteCount: textCapacity ?? 16 * self.capacity)
      offsets[0] = 0
    case .bits: values.address.initializeMemory(as: UInt8.self, repeating: 0, count: values.capacity)
    case .fixed: break
    }
  }

  deinit {
    values.free()
    text?.free()
    validityBits?.free()
  }

  /// The first value; bits for bool, offsets for utf8 and binary.
  public var unsafeValues: UnsafeMutableRawPointer { values.address }

  private var offsets: UnsafeMutablePointer<Int32> { values.address.assumingMemoryBound(to: Int32.self) }

  /// Makes memory for at least `rows` rows. Writers that were made before must not be used after.
  public func reserve(_ rows: Int) {
    guard rows > capacity else { return }
    let capacity = max(rows, 2 * self.capacity)
    let used = storage.byteCount(count)
    let old = values.capacity
    values.grow(to: storage.byteCount(capacity), keeping: storage == .bits ? old : used)
    if storage == .bits && values.capacity > old {
      (values.address + old).initializeMemory(as: UInt8.self, repeating: 0, count: values.capacity - old)
    }
    if let bits = validityBits {
      let old = bits.capacity
      validityBits?.grow(to: Bits.byteCount(capacity), keeping: old)
      if let bits = validityBits, bits.capacity > old {
        (bits.address + old).initializeMemory(as: UInt8.self, repeating: 0xFF, count: bits.capacity - old)
      }
    }
    self.capacity = capacity
  }

  /// Writes row `row` of a column of texts or bytes, whose earlier rows are written.
  @inline(never)
  public func putBytes(_ bytes: UnsafeRawBufferPointer, _ row: Int) {
    let end = textCount + bytes.count
    if end > Int(Int32.max) {
      refuse("a column of \(type) of one batch is larger than 2 GiB: make smaller batches")
    } else if let source = bytes.baseAddress {
      text?.grow(to: max(end, end > (text?.capacity ?? 0) ? 2 * textCount : 0), keeping: textCount)
      if let text { (text.address + textCount).copyMemory(from: source, byteCount: bytes.count) }
      textCount = end
    }
    offsets[row + 1] = Int32(textCount)
  }

  /// Bytes of the texts that are written.
  var textByteCount: Int { textCount }

  /// Writes the default value at every row from the last one on until there are so many.
  @usableFromInline
  func appendDefaults(upTo rows: Int) {
    guard rows > count else { return }
    reserve(rows)
    switch storage {
    // Bits that were not written are 0.
    case .bits: break
    case .fixed(let width):
      (values.address + count * width).initializeMemory(as: UInt8.self, repeating: 0, count: (rows - count) * width)
    case .bytes: (offsets + count + 1).update(repeating: Int32(textCount), count: rows - count)
    }
    count = rows
  }

  /// Writes the default value at a row, whose earlier rows are written.
  func putDefault(_ row: Int) {
    switch storage {
    case .bits: Bits.set(values.address.assumingMemoryBound(to: UInt8.self), row, false)
    case .fixed(let width):
      (values.address + row * width).initializeMemory(as: UInt8.self, repeating: 0, count: width)
    case .bytes: putBytes(UnsafeRawBufferPointer(start: nil, count: 0), row)
    }
  }

  /// A value came that the column cannot hold: what reads the column gets this error. The first one counts.
  @inline(never)
  public func refuse(_ problem: String) {
    if self.problem == nil { self.problem = problem }
  }

  /// The bits of the rows that are not null, all set, there being memory for `capacity` rows.
  public func unsafeValidity() -> UnsafeMutablePointer<UInt8> {
    if let bits = validityBits { return bits.address.assumingMemoryBound(to: UInt8.self) }
    let bits = Block(byteCount: Bits.byteCount(capacity))
    validityBits = bits
    return bits.address.initializeMemory(as: UInt8.self, repeating: 0xFF, count: bits.capacity)
  }

  /// Says how many rows are written, and how many of them are null.
  public func finish(count: Int, nullCount: Int) {
    self.count = count
    self.nullCount = nullCount
  }

  /// The validity as it goes to the host: nil while no row is null.
  var exportedValidity: UnsafeRawPointer? {
    nullCount == 0 ? nil : validityBits.map { UnsafeRawPointer($0.address) }
  }

  /// Forgets all rows, and keeps the memory for others.
  func restart() {
    (count, nullCount, textCount, problem) = (0, 0, 0, nil)
    if let bits = validityBits {
      bits.free()
      validityBits = nil
    }
    if storage == .bytes { offsets[0] = 0 }
  }

  /// The memory of the rows that are written, for the host to look at.
  func lent() throws(VolleyError) -> (validity: UnsafeRawPointer?, values: UnsafeRawPointer, text: UnsafeRawPointer?) {
    if let problem { throw VolleyError(problem) }
    return (exportedValidity, UnsafeRawPointer(values.address), text.map { UnsafeRawPointer($0.address) })
  }

  /// What goes to the host.
  func exported() throws(VolleyError) -> ExportedColumn {
    if let problem { throw VolleyError(problem) }
    return ExportedColumn(
      length: count, offset: 0, nullCount: nullCount,
      buffers: [exportedValidity, UnsafeRawPointer(values.address)]
        + (text.map { [UnsafeRawPointer($0.address)] } ?? []),
      owner: self)
  }
}
