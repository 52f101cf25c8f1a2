import Arrow
import Base
import VolleyPlan

/// The columns of the batch that a source is filling: decoders write into `slots`, which point into pooled buffers, and
/// `finish` makes a batch of them without copying.
final class ColumnTable {
  /// Bytes behind a column's text that may be written, so that text is copied in whole words.
  static let slack = 32
  /// A batch ends when its records took this many bytes, however few they are.
  static let byteLimit = 16 << 20

  let schema: Schema
  /// One a column; stays where it is.
  let slots: UnsafeMutablePointer<ColumnSlot>
  /// Complete rows.
  private(set) var rows = 0
  /// Bytes of input that they took.
  private(set) var consumed = 0
  /// Rows that there is room for.
  private(set) var capacity = 0

  private var values: [Buffer]
  /// What fills the columns of kind `other`.
  private let others: [ValueBuilder?]
  private var validities: [Buffer]
  private var texts: [Buffer]
  /// What the last batch took, which the next one is likely to need.
  private var expectedRows = 256
  private var expectedText: [Int]

  init(schema: Schema) {
    self.schema = schema
    let count = schema.fields.count
    let nothing = Buffer(byteCount: 0)
    values = Array(repeating: nothing, count: count)
    validities = values
    texts = values
    others = schema.fields.map { ColumnSlot.Kind($0.type) == .other ? ValueBuilder($0) : nil }
    expectedText = Array(repeating: 1024, count: count)
    slots = .allocate(capacity: max(1, count))
    for (index, field) in schema.fields.enumerated() {
      var unit = TimeUnit.second
      if case .timestamp(let own, _) = field.type { unit = own }
      (slots + index).initialize(
        to: ColumnSlot(
          kind: ColumnSlot.Kind(field.type), isNullable: field.nullable, unit: unit,
          values: nothing.unsafeMutableAddress, validity: nothing.unsafeMutableAddress,
          bytes: nothing.unsafeMutableValues(UInt8.self), other: others[index].map { .passUnretained($0) }))
    }
  }

  /// How a column lies in memory, if it is filled here.
  private func layout(_ index: Int) -> Layout {
    slots[index].kind == .other ? .none : schema.fields[index].type.layout
  }

  deinit { slots.deallocate() }

  /// Makes room for at least one row more.
  @inline(__always)
  func reserveRow(limit: Int) {
    if rows == capacity { grow(limit: limit) }
  }

  /// The row that was being written is complete; its record had that many bytes.
  @inline(__always)
  func endRow(bytes: Int) {
    rows &+= 1
    consumed &+= bytes
  }

  /// Takes back what was written of the row that is not complete.
  func abandonRow() {
    guard rows < capacity else { return }
    for index in schema.fields.indices { slots[index].clear(rows) }
  }

  @inline(never)
  private func grow(limit: Int) {
    let isFirst = capacity == 0
    let newCapacity = isFirst ? min(limit, expectedRows) : min(limit, capacity * 2)
    precondition(newCapacity > capacity, "a batch does not grow beyond its limit")
    for index in schema.fields.indices {
      let layout = layout(index)
      let grown = Buffer(byteCount: Self.valueBytes(layout, newCapacity))
      let used = isFirst ? 0 : Self.valueBytes(layout, rows)
      grown.unsafeMutableAddress.copyMemory(from: slots[index].values, byteCount: used)
      let validity = Buffer(byteCount: Bitmap.paddedByteCount(newCapacity))
      let usedBits = Bitmap.byteCount(rows)
      validity.unsafeMutableAddress.copyMemory(from: slots[index].validity, byteCount: isFirst ? 0 : usedBits)
      let kept = isFirst ? 0 : usedBits
      (validity.unsafeMutableAddress + kept).initializeMemory(
        as: UInt8.self, repeating: 0xFF, count: validity.capacity - kept)
      if isFirst, case .variable32 = layout {
        grown.unsafeMutableAddress.storeBytes(of: 0, as: Int32.self)
        texts[index] = Buffer(byteCount: expectedText[index] + Self.slack)
        slots[index].bytes = texts[index].unsafeMutableValues(UInt8.self)
        slots[index].bytesCapacity = texts[index].capacity - Self.slack
        slots[index].bytesUsed = 0
      }
      slots[index].values = grown.unsafeMutableAddress
      slots[index].validity = validity.unsafeMutableAddress
      values[index] = grown
      validities[index] = validity
    }
    capacity = newCapacity
  }

  private static func valueBytes(_ layout: Layout, _ rows: Int) -> Int {
    switch layout {
    case .bits: Bitmap.paddedByteCount(rows)
    case .fixed(let width): rows * width
    case .variable32: (rows + 1) * 4
    // Filled elsewhere.
    default: 0
    }
  }

  /// Makes room for `count` more bytes of text in a column. Records are bounded far below what would overflow the offsets.
  @inline(never)
  func growText(_ index: Int, by count: Int) {
    let used = slots[index].bytesUsed
    let grown = Buffer(byteCount: max(used + count, slots[index].bytesCapacity * 2) + Self.slack)
    grown.unsafeMutableAddress.copyMemory(from: slots[index].bytes, byteCount: used)
    texts[index] = grown
    slots[index].bytes = grown.unsafeMutableValues(UInt8.self)
    slots[index].bytesCapacity = grown.capacity - Self.slack
  }

  /// The complete rows as a batch; the table is empty afterwards.
  func finish() -> RecordBatch {
    let count = rows
    var columns: [Column] = []
    columns.reserveCapacity(schema.fields.count)
    for index in schema.fields.indices {
      let type = schema.fields[index].type
      if let other = others[index] {
        let column = other.rows.finish()
        precondition(column.length == count, "each column has a value in each row")
        columns.append(column)
        continue
      }
      let hasNulls = slots[index].nullCount > 0
      values[index].setByteCount(Self.valueBytes(type.layout, count))
      var buffers = [values[index]]
      if case .variable32 = type.layout {
        texts[index].setByteCount(slots[index].bytesUsed)
        buffers.append(texts[index])
        expectedText[index] = max(1024, min(Self.byteLimit, slots[index].bytesUsed + slots[index].bytesUsed / 8))
      }
      if hasNulls { validities[index].setByteCount(Bitmap.byteCount(count)) }
      columns.append(
        Column(type: type, length: count, validity: hasNulls ? validities[index] : nil, buffers: buffers))
    }
    expectedRows = max(256, count)
    reset()
    return RecordBatch(schema: schema, columns: columns, length: count)
  }

  private func reset() {
    let nothing = Buffer(byteCount: 0)
    for index in schema.fields.indices {
      values[index] = nothing
      validities[index] = nothing
      texts[index] = nothing
      slots[index].values = nothing.unsafeMutableAddress
      slots[index].validity = nothing.unsafeMutableAddress
      slots[index].bytes = nothing.unsafeMutableValues(UInt8.self)
      slots[index].bytesUsed = 0
      slots[index].bytesCapacity = 0
      slots[index].nullCount = 0
      slots[index].filledRow = -1
    }
    rows = 0
    consumed = 0
    capacity = 0
  }
}
