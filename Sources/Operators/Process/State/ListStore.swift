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

  override init(_ declaration: Plan.State) {
    record = StateRecord(declaration.schema, prefix: 0)
    timeToLive = declaration.timeToLive.map { TimeToLive(duration: $0) }
    super.init(declaration)
  }

  override var byteCount: Int {
    super.byteCount + heads.byteCount + journal.capacity * MemoryLayout<Former>.stride + (timeToLive?.byteCount ?? 0)
  }

  override func growth(to slotCount: Int) -> Int {
    heads.growth(to: slotCount) + (timeToLive?.growth(to: slotCount, touching: 8_192) ?? 0)
  }

  override func grow(to slotCount: Int) {
    heads.grow(to: slotCount)
    timeToLive?.grow(to: slotCount)
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
      guard let timeToLive else { continue }
      withUnsafePointer(to: former.slot) { slot in
        if head.pointee.count > 0 {
          timeToLive.touch(slot, count: 1, at: now)
        } else {
          timeToLive.clear(slot, count: 1)
        }
      }
    }
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
      for timer in expired {
        let head = heads.values + Int(timer.slot)
        free(head.pointee)
        head.pointee = Head()
        records[timer.slot].pointee.references -= 1
        if records[timer.slot].pointee.references == 0 { emptied(timer.slot) }
      }
    }
  }
}
