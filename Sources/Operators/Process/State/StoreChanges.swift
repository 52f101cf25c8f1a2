import Arrow
import Base
import State
import VolleyPlan

/// What has changed of one state of a process function, as entries of its table.
final class StoreChanges {
  let table: StateTable
  /// Of slots, or of what else the store numbers.
  let slots = SlotChanges()
  /// Addresses of entries that are gone, as far as their keys were read.
  private var gone: GoneEntries
  /// Those whose keys were not read: their slots, and what the namespace says of each.
  private var goneSlots: [UInt32] = []
  private var namespaces: [Column] = []

  init(_ table: StateTable) {
    self.table = table
    gone = GoneEntries(table)
  }

  var byteCount: Int {
    namespaces.reduce(slots.byteCount + gone.byteCount + goneSlots.capacity * 4) { $0 + $1.byteCount }
  }

  func mark(_ changed: [UInt32], slotCount: Int) {
    if !changed.isEmpty { slots.mark(changed, count: changed.count, slotCount: slotCount) }
  }

  /// Those of slots that were taken or restored, which have no entry any more. Each comes once.
  func forget(_ emptied: [UInt32]) -> Selection? {
    emptied.isEmpty ? nil : slots.forget(emptied, count: emptied.count)
  }

  /// Entries of slots are gone.
  ///
  /// - Parameter namespace: of each entry; nil where a key has one.
  func lose(_ slots: UnsafePointer<UInt32>, count: Int, namespace: Column? = nil) {
    if count == 0 { return }
    goneSlots.append(contentsOf: UnsafeBufferPointer(start: slots, count: count))
    if let namespace { namespaces.append(namespace) }
  }

  /// Reads the keys of what is gone: before a key is.
  func settle(_ keys: any KeyTable) throws(Failure) {
    if goneSlots.isEmpty { return }
    let (slots, parts) = (goneSlots, namespaces)
    (goneSlots, namespaces) = ([], [])
    if table.namespace.isEmpty {
      for first in stride(from: 0, to: slots.count, by: StateStore.blockRows) {
        let part = Array(slots[first..<min(slots.count, first + StateStore.blockRows)])
        gone.add(try keys.keys(of: part, count: part.count), count: part.count)
      }
      return
    }
    var first = 0
    for namespace in parts {
      let part = Array(slots[first..<first + namespace.length])
      gone.add(try keys.keys(of: part, count: part.count) + [namespace], count: part.count)
      first += part.count
    }
  }

  func takeGone(_ keys: any KeyTable, into changes: inout StateChanges, table index: Int) throws(Failure) {
    try settle(keys)
    try gone.take(into: &changes, table: index)
  }
}

extension StateStore {
  /// Entries that are read together.
  static let blockRows = 1 << 14
  /// Bytes of their texts.
  private static let blockBytes = 4 << 20

  /// How a state's values are entries.
  static func table(_ state: Plan.State, keys: [Field]) -> StateTable {
    let namespace: [Field]
    var value = state.schema
    switch state.kind {
    case .value, .accumulator: namespace = []
    case .list: namespace = [Field("$item", .uint32, nullable: false)]
    case .map:
      namespace = state.mapKey.map { [Field($0.name, $0.type, nullable: false)] } ?? []
      value.append(Field("$order", .uint64, nullable: false))
    }
    if state.timeToLive != nil { value.append(TimeToLive.written) }
    return StateTable(state.name, key: keys, namespace: namespace, value: value)
  }

  /// Calls `body` with records in blocks that fit a batch.
  ///
  /// - Parameters:
  ///   - next: the record of each entry, one after the other; nil: none follows.
  func forEachBlock(
    _ record: StateRecord, _ next: () -> UnsafeMutableRawPointer?,
    _ body: (UnsafePointer<UnsafeMutableRawPointer?>, Int) throws(Failure) -> Void
  ) throws(Failure) {
    let records = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: Self.blockRows)
    defer { records.deallocate() }
    var (count, bytes) = (0, 0)
    while let place = next() {
      let size = record.textByteCount(place)
      if count == Self.blockRows || count > 0 && bytes + size > Self.blockBytes {
        try body(records, count)
        (count, bytes) = (0, 0)
      }
      records[count] = place
      count += 1
      bytes += size
    }
    if count > 0 { try body(records, count) }
  }

  /// The columns of records, copied.
  func columns(
    _ record: StateRecord, _ records: UnsafePointer<UnsafeMutableRawPointer?>, _ count: Int, _ memory: LendingColumns
  ) throws(Failure) -> [Column] {
    try record.read(records, count, into: memory)
    return memory.copied()
  }
}

extension StateRecord {
  /// Bytes of a record's texts.
  fileprivate func textByteCount(_ record: Address) -> Int {
    guard ownsBlocks else { return 0 }
    var count = 0
    for column in columns { if case .bytes = column.form { count += Self.text(record + column.offset).count } }
    return count
  }
}

extension LentColumn {
  /// A column of a form that states keep, as it is. Valid as long as the column is held.
  init(_ column: Column) {
    self.init(
      validity: column.validity.map { UnsafeRawPointer($0.address) },
      values: UnsafeRawPointer(column.buffers[0].address),
      bytes: column.buffers.count > 1 ? UnsafeRawPointer(column.buffers[1].address) : nil, offset: column.offset)
  }
}

extension LendingColumns {
  /// What it lends, in memory of its own.
  func copied() -> [Column] {
    fields.enumerated().map { index, field in
      let source = pointers(index)
      func copy(_ from: UnsafeRawPointer, _ count: Int) -> Buffer {
        let buffer = Buffer(byteCount: count)
        buffer.unsafeMutableAddress.copyMemory(from: from, byteCount: count)
        return buffer
      }
      let bitBytes = (rowCount + 7) / 8
      var buffers: [Buffer]
      switch StateRecord.form(field.type) {
      case .fixed(let width): buffers = [copy(source.values, rowCount * width)]
      case .bytes:
        let end = source.values.assumingMemoryBound(to: Int32.self)[rowCount]
        buffers = [copy(source.values, (rowCount + 1) * 4), copy(source.bytes, Int(end))]
      default:
        let bits = Buffer(byteCount: Bitmap.paddedByteCount(rowCount))
        bits.unsafeMutableAddress.copyMemory(from: source.values, byteCount: bitBytes)
        buffers = [bits]
      }
      var validity: Buffer?
      if field.nullable {
        let bits = Buffer(byteCount: Bitmap.paddedByteCount(rowCount))
        bits.unsafeMutableAddress.copyMemory(from: source.validity, byteCount: bitBytes)
        validity = bits
      }
      return Column(type: field.type, length: rowCount, validity: validity, buffers: buffers)
    }
  }
}
