import Arrow
import Base
import VolleyPlan

/// Keys of one column whose values fit a 64-bit word.
final class FixedKeyTable: KeyTable {
  private let type: DataType
  private let table: WordTable
  /// The slot of the null key, and the last batch that touched it.
  private var nullSlot: UInt32?
  private var nullBatch: UInt32 = 0

  init(_ type: DataType, keepingKeys: Bool) {
    self.type = type
    table = WordTable(keepingWords: keepingKeys)
  }

  var count: Int { table.count }
  var slotCount: Int { table.slotCount }
  var touched: TouchedSlots { table.touched }
  var byteCount: Int { table.byteCount }

  func growth(_ keys: [Column], rowCount: Int) -> Int {
    let words = KeyWords(keys[0])
    defer { withExtendedLifetime(words) {} }
    return table.growth(words.pointer, count: rowCount)
  }

  func reserve(keyCount: Int) { table.reserve(wordCount: keyCount) }

  func growth(reserving keyCount: Int) -> Int { table.growth(reserving: keyCount) }

  func removeAll() {
    table.removeAll()
    nullSlot = nil
    nullBatch = 0
  }

  func find(_ keys: [Column], rowCount: Int, into slots: UnsafeMutablePointer<UInt32>) throws(Failure) {
    let column = keys[0]
    let words = KeyWords(column)
    defer { withExtendedLifetime(words) {} }
    guard column.validity != nil else {
      try table.find(words.pointer, count: rowCount, into: slots)
      return
    }
    table.beginBatch(rowCount)
    // The numbers of batches began again.
    if table.batch == 1 { nullBatch = 0 }
    var touchedCount = 0
    var row = 0
    while row < rowCount {
      let isValid = column.isValid(row)
      var end = row + 1
      while end < rowCount && column.isValid(end) == isValid { end += 1 }
      if isValid {
        touchedCount = try table.findRows(words.pointer, row..<end, slots, touchedCount)
      } else {
        touchedCount = try findNull(row..<end, slots, touchedCount)
      }
      row = end
    }
    table.touched.finish(count: touchedCount)
  }

  private func findNull(
    _ rows: Range<Int>, _ slots: UnsafeMutablePointer<UInt32>, _ alreadyTouched: Int
  ) throws(Failure) -> Int {
    let slot: UInt32
    if let nullSlot {
      slot = nullSlot
    } else {
      slot = try table.takeSlot()
      nullSlot = slot
      nullBatch = 0
    }
    (slots + rows.lowerBound).update(repeating: slot, count: rows.count)
    if nullBatch == table.batch { return alreadyTouched }
    nullBatch = table.batch
    table.touched.unsafeSlots[alreadyTouched] = slot
    table.touched.unsafeRows[alreadyTouched] = UInt32(rows.lowerBound)
    return alreadyTouched + 1
  }

  func lookup(_ keys: [Column], rowCount: Int, into slots: UnsafeMutablePointer<UInt32>) {
    let column = keys[0]
    let words = KeyWords(column)
    table.lookup(words.pointer, count: rowCount, into: slots)
    withExtendedLifetime(words) {}
    guard column.validity != nil else { return }
    for row in 0..<rowCount where !column.isValid(row) { slots[row] = nullSlot ?? Self.missing }
  }

  func keys(of slots: UnsafePointer<UInt32>, count: Int) -> [Column] {
    let words = Buffer(byteCount: count * 8)
    table.words(of: slots, count: count, into: words.unsafeMutableValues(UInt64.self))
    var column = KeyWords.column(type, words, count: count)
    if let nullSlot { column.validity = Self.validity(slots, count, without: nullSlot) }
    return [column]
  }

  /// Nil when no slot is the null key's.
  static func validity(_ slots: UnsafePointer<UInt32>, _ count: Int, without nullSlot: UInt32) -> Buffer? {
    let bits = Buffer(byteCount: Bitmap.paddedByteCount(count))
    Bitmap.fill(bits.unsafeMutableAddress, 0, count: count, true)
    var nulls = 0
    for index in 0..<count where slots[index] == nullSlot {
      Bitmap.set(bits.unsafeMutableAddress, index, false)
      nulls += 1
    }
    return nulls == 0 ? nil : bits
  }

  func remove(_ slots: UnsafePointer<UInt32>, count: Int) {
    if let nullSlot, let index = (0..<count).first(where: { slots[$0] == nullSlot }) {
      table.remove(slots, count: index)
      table.remove(slots + index + 1, count: count - index - 1)
      table.giveBack(slots + index, count: 1)
      self.nullSlot = nil
      return
    }
    table.remove(slots, count: count)
  }
}
