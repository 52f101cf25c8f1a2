import Arrow
import Base
import State
import VolleyPlan

/// Items of each key, one behind the other in a block that doubles.
final class ListStore: StateStore {
  private struct Head: BitwiseCopyable {
    var block: UnsafeMutableRawPointer?
    var count: UInt32 = 0
    /// Items that the block has room for.
    var capacity: UInt32 = 0
    /// Its place in the journal, from 1 on; 0 when the call in progress did not write it.
    var entry: UInt32 = 0
  }

  /// A list as it was before the call.
  private struct Former {
    var slot: UInt32
    var head: Head
    /// Whether the block is the former's alone: the list was cleared. Else the list's first items are the former ones.
    var isMoved = false
  }

  private let record: StateRecord
  private let heads = SlotColumn(initial: Head())
  private var journal: ContiguousArray<Former> = []
  private let timeToLive: TimeToLive?
  /// By slot, when changes are noted: how many items were taken or restored, of those from the first on.
  private let stored = SlotColumn<UInt32>(initial: 0)

  override init(_ declaration: Plan.State) {
    record = StateRecord(declaration.schema, prefix: 0)
    timeToLive = declaration.timeToLive.map { TimeToLive(duration: $0) }
    super.init(declaration)
  }

  override var byteCount: Int {
    super.byteCount + heads.byteCount + journal.capacity * MemoryLayout<Former>.stride + (timeToLive?.byteCount ?? 0)
      + stored.byteCount
  }

  override func growth(to slotCount: Int, writing count: Int) -> Int {
    heads.growth(to: slotCount) + (changes == nil ? 0 : stored.growth(to: slotCount))
      + (timeToLive?.growth(to: slotCount, touching: count) ?? 0)
  }

  override func grow(to slotCount: Int) {
    heads.grow(to: slotCount)
    timeToLive?.grow(to: slotCount)
    if changes != nil { stored.grow(to: slotCount) }
  }

  /// Lends items of a slot.
  func read(_ slot: UInt32, first: Int, limit: Int) throws(Failure) {
    let head = heads.values[Int(slot)]
    let count = max(0, min(limit, Int(head.count) - first))
    let records = addresses(count)
    for row in 0..<count { records[row] = head.block.map { $0 + (first + row) * record.stride } }
    try record.read(records, count, into: lending)
  }

  /// Row i of the columns becomes the last item of slot `slots[i]`.
  func append(
    _ slots: UnsafePointer<UInt32>, count: Int, _ items: UnsafePointer<LentColumn>
  ) throws(Failure) {
    // Blocks move while lists grow: places are taken when all have room.
    let records = addresses(count)
    for row in 0..<count {
      let head = heads.values + Int(slots[row])
      touch(head, slots[row])
      guard head.pointee.count < .max else {
        throw Failure(
          .data, "the list '\(declaration.name)' of a key has 4,294,967,295 items; remove some, or use another key")
      }
      if head.pointee.count == head.pointee.capacity { try enlarge(head) }
      guard let block = head.pointee.block else { preconditionFailure("a list with room has a block") }
      let place = block + Int(head.pointee.count) * record.stride
      place.initializeMemory(as: UInt8.self, repeating: 0, count: record.stride)
      // The item's number, until all have room.
      records[row] = UnsafeMutableRawPointer(bitPattern: UInt(head.pointee.count))
      head.pointee.count += 1
    }
    for row in 0..<count {
      let number = Int(bitPattern: records[row])
      records[row] = heads.values[Int(slots[row])].block.map { $0 + number * record.stride }
    }
    try records.withMemoryRebound(to: UnsafeMutableRawPointer.self, capacity: count) { records throws(Failure) in
      try record.write(items, records, count, blocks)
    }
  }

  private func enlarge(_ head: UnsafeMutablePointer<Head>) throws(Failure) {
    let former = Int(head.pointee.capacity)
    let wanted = max(2 * former, 4)
    let stride = record.stride
    if let block = head.pointee.block {
      head.pointee.block = try blocks.resize(
        block, from: former * stride, to: wanted * stride, keeping: Int(head.pointee.count) * stride)
    } else {
      head.pointee.block = try blocks.allocate(wanted * stride)
    }
    head.pointee.capacity = UInt32(clamping: wanted)
  }

  override func clear(_ slots: UnsafePointer<UInt32>, count: Int) {
    for row in 0..<count {
      let head = heads.values + Int(slots[row])
      guard head.pointee.count > 0 else { continue }
      touch(head, slots[row])
      let entry = head.pointee.entry
      let index = Int(entry) - 1
      if journal[index].isMoved {
        free(head.pointee)
      } else {
        freeItems(head.pointee, from: Int(journal[index].head.count))
        journal[index].head.block = head.pointee.block
        journal[index].head.capacity = head.pointee.capacity
        journal[index].isMoved = true
      }
      head.pointee = Head(entry: entry)
    }
  }

  private func touch(_ head: UnsafeMutablePointer<Head>, _ slot: UInt32) {
    guard head.pointee.entry == 0 else { return }
    journal.append(Former(slot: slot, head: head.pointee))
    head.pointee.entry = UInt32(journal.count)
  }

  private func freeItems(_ head: Head, from first: Int) {
    guard record.ownsBlocks, let block = head.block else { return }
    for item in first..<max(first, Int(head.count)) { record.freeTexts(block + item * record.stride, blocks) }
  }

  /// Frees a list's items and block.
  private func free(_ head: Head) {
    freeItems(head, from: 0)
    if let block = head.block { blocks.free(block, Int(head.capacity) * record.stride) }
  }

  override func commit(_ records: KeyRecords, at now: Int64) {
    for former in journal {
      let head = heads.values + Int(former.slot)
      head.pointee.entry = 0
      if former.isMoved { free(former.head) }
      if head.pointee.count == 0 {
        free(head.pointee)
        head.pointee = Head()
      }
      records[former.slot].pointee.references &+= (head.pointee.count > 0 ? 1 : 0) &- (former.head.count > 0 ? 1 : 0)
      guard let timeToLive, !isRestoring else { continue }
      withUnsafePointer(to: former.slot) { slot in
        if head.pointee.count > 0 {
          timeToLive.touch(slot, count: 1, at: now)
        } else {
          timeToLive.clear(slot, count: 1)
        }
      }
    }
    if changes != nil, !isRestoring { note() }
    journal.removeAll(keepingCapacity: journal.count <= 1 << 18)
  }

  override func abort() {
    for former in journal {
      let head = heads.values + Int(former.slot)
      if former.isMoved {
        free(head.pointee)
        head.pointee = former.head
      } else {
        freeItems(head.pointee, from: Int(former.head.count))
        head.pointee.count = former.head.count
      }
      head.pointee.entry = 0
    }
    journal.removeAll(keepingCapacity: true)
  }

  override var nextExpiry: Int64? { timeToLive?.nextTime }

  override func expire(
    at now: Int64, _ records: KeyRecords, emptied: (UInt32) -> Void
  ) {
    guard let timeToLive else { return }
    while true {
      let expired = timeToLive.popExpired(at: now)
      if expired.isEmpty { return }
      if changes != nil { lose(expired.map(\.slot), areEmpty: true) }
      for timer in expired {
        let head = heads.values + Int(timer.slot)
        free(head.pointee)
        head.pointee = Head()
        records[timer.slot].pointee.references -= 1
        if records[timer.slot].pointee.references == 0 { emptied(timer.slot) }
      }
    }
  }

  // MARK: What outlives the process

  /// Notes what the call has written.
  private func note() {
    var (there, cleared, gone): ([UInt32], [UInt32], [UInt32]) = ([], [], [])
    for former in journal {
      let isThere = heads.values[Int(former.slot)].count > 0
      if isThere { there.append(former.slot) } else { gone.append(former.slot) }
      if isThere && former.isMoved { cleared.append(former.slot) }
    }
    lose(cleared, areEmpty: false)
    lose(gone, areEmpty: true)
    changes?.mark(there, slotCount: heads.count)
  }

  /// The items of slots that were taken or restored are gone.
  ///
  /// - Parameter areEmpty: whether they have none in their places.
  private func lose(_ slots: [UInt32], areEmpty: Bool) {
    for slot in slots {
      let count = stored.values[Int(slot)]
      stored.values[Int(slot)] = 0
      for first in stride(from: UInt32(0), to: count, by: Self.blockRows) {
        let end = min(count, first + UInt32(Self.blockRows))
        let namespace = Self.numbers(first..<end)
        changes?.lose([UInt32](repeating: slot, count: namespace.length), count: namespace.length, namespace: namespace)
      }
    }
    if areEmpty { _ = changes?.forget(slots) }
  }

  private static func numbers(_ range: Range<UInt32>) -> Column {
    let numbers = Buffer(byteCount: range.count * 4)
    for (index, number) in range.enumerated() { numbers.unsafeMutableValues(UInt32.self)[index] = number }
    return Column(type: .uint32, length: range.count, validity: nil, buffers: [numbers])
  }

  override func takeChanges(into changes: inout StateChanges, table: Int, _ keys: any KeyTable) throws(Failure) {
    guard let own = self.changes else { return }
    try own.takeGone(keys, into: &changes, table: table)
    try own.slots.take { slots throws(Failure) in try put(slots, own.table, keys) { changes.put($0, table: table) } }
  }

  /// Gives the items of slots that are not stored yet.
  private func put(
    _ slots: Selection, _ table: StateTable, _ keys: any KeyTable, _ put: (RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    let memory = LendingColumns(declaration.schema)
    var place = 0
    // Of the items of the block.
    var (slotOf, items): ([UInt32], [UInt32]) = ([], [])
    try forEachBlock(record) {
      while place < slots.count {
        let slot = slots.rows[place]
        let head = heads.values[Int(slot)]
        let item = stored.values[Int(slot)]
        guard item < head.count, let block = head.block else {
          place += 1
          continue
        }
        stored.values[Int(slot)] = item + 1
        slotOf.append(slot)
        items.append(item)
        return block + Int(item) * record.stride
      }
      return nil
    } _: { records, count throws(Failure) in
      let part = Array(slotOf.prefix(count))
      let numbers = Buffer(byteCount: count * 4)
      numbers.unsafeMutableValues(UInt32.self).update(from: items, count: count)
      slotOf.removeFirst(count)
      items.removeFirst(count)
      let columns =
        try keys.keys(of: part, count: count)
        + [Column(type: .uint32, length: count, validity: nil, buffers: [numbers])]
        + self.columns(record, records, count, memory) + (timeToLive.map { [$0.writtenColumn(of: part)] } ?? [])
      try put(RecordBatch(schema: table.entry, columns: columns, length: count))
    }
    withExtendedLifetime(slots) {}
  }

  override func putChanged(
    of slots: Selection, _ keys: any KeyTable, _ put: (RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    guard let changes else { return }
    try self.put(changes.slots.changed(slots.rows, count: slots.count), changes.table, keys, put)
  }

  override func forget(_ slots: Selection) {
    for index in 0..<slots.count {
      let slot = Int(slots.rows[index])
      free(heads.values[slot])
      heads.values[slot] = Head()
      if changes != nil { stored.values[slot] = 0 }
    }
    timeToLive?.clear(slots.rows, count: slots.count)
    _ = changes?.slots.forget(slots.rows, count: slots.count)
  }

  /// A block has room for up to twice its items, and twice that as a power of two.
  override func use(of values: [Column], count: Int) -> StoreUse {
    StoreUse(blockBytes: 4 * record.stride * count + super.use(of: values, count: count).blockBytes)
  }

  override func restore(
    _ values: [Column], _ slots: UnsafePointer<UInt32>, count: Int, _ records: KeyRecords, at now: Int64
  ) throws(Failure) {
    isRestoring = true
    defer { isRestoring = false }
    // In the order of their numbers, which begin at 0.
    try append(slots, count: count, values.dropFirst().prefix(declaration.schema.count).map { LentColumn($0) })
    commit(records, at: now)
    if changes != nil {
      for row in 0..<count { stored.values[Int(slots[row])] = heads.values[Int(slots[row])].count }
    }
    changes?.slots.markStored(slots, count: count, slotCount: heads.count)
    if let written = values.last { timeToLive?.restore(slots, count: count, written, at: now) }
    withExtendedLifetime(values) {}
  }
}
