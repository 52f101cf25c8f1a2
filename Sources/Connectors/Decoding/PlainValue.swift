/// Digits with a sign before them, as CSV and JSON both write integers.
struct PlainInteger {
  /// Its magnitude modulo 2⁶⁴: exact up to 18 digits.
  private var magnitude: UInt64 = 0
  private let isNegative: Bool
  /// The first digit.
  let first: UnsafePointer<UInt8>
  /// The byte behind the last digit.
  private(set) var end: UnsafePointer<UInt8>

  /// Inlined, like the decoding loop that it is part of: a call costs more than the few digits that most numbers have.
  @inline(__always)
  init(at start: UnsafePointer<UInt8>) {
    isNegative = start.pointee == UInt8(ascii: "-")
    first = isNegative ? start + 1 : start
    end = first
    while true {
      let digit = end.pointee &- 48
      if digit > 9 { break }
      magnitude = magnitude &* 10 &+ UInt64(digit)
      end += 1
    }
  }

  /// Whether there are digits, and so few that the value cannot have overflowed.
  @inline(__always)
  var isExact: Bool { end > first && end - first < 19 }

  @inline(__always)
  var value: Int64 { isNegative ? 0 &- Int64(bitPattern: magnitude) : Int64(bitPattern: magnitude) }
}

/// Text on its way into a column: what is copied lies behind the column's used bytes, and is the column's once `finish` says so.
struct TextCopy {
  /// The table, which grows the column, is handed in: holding it would count a reference a value, 10 % of all reading.
  private let slot: UnsafeMutablePointer<ColumnSlot>
  private var used: Int
  private var capacity: Int
  /// All bytes copied by `copy`, or-ed: a high bit tells that there is more than ASCII.
  private var seen: UInt64 = 0

  @inline(__always)
  init(into slot: UnsafeMutablePointer<ColumnSlot>) {
    self.slot = slot
    used = slot.pointee.bytesUsed
    capacity = slot.pointee.bytesCapacity
  }

  /// Copies whole words up to the first byte that `ends` marks with its high bit in a word, and returns that byte's address.
  ///
  /// Inlined, so that `ends` is a few instructions in the loop: a call of it a word would cost more than the copy.
  @inline(__always)
  mutating func copy(
    _ start: UnsafePointer<UInt8>, into table: ColumnTable, _ column: Int, until ends: (UInt64) -> UInt64
  ) -> UnsafePointer<UInt8> {
    var at = start
    while true {
      if used > capacity {
        slot.pointee.bytesUsed = used
        table.growText(column, by: used)
        capacity = slot.pointee.bytesCapacity
      }
      let word = WordScanning.load(at)
      UnsafeMutableRawPointer(slot.pointee.bytes + used).storeBytes(of: word.littleEndian, as: UInt64.self)
      let marks = ends(word)
      if marks == 0 {
        seen |= word
        at += 8
        used &+= 8
        continue
      }
      let count = WordScanning.firstByte(marks)
      if count > 0 { seen |= word << UInt64(64 &- 8 &* count) }
      used &+= count
      return at + count
    }
  }

  /// Keeps the marked byte that `copy` stopped at, which it has copied already: it is ASCII.
  @inline(__always)
  mutating func keepByte() { used &+= 1 }

  /// Puts a character behind what was copied.
  @inline(__always)
  mutating func append(_ scalar: UInt32) { used &+= writeUTF8(scalar, to: slot.pointee.bytes + used) }

  /// Ends the row's text; false, with the column as before, when it is no UTF-8.
  @inline(__always)
  func finish(_ row: Int, in table: ColumnTable, _ column: Int) -> Bool {
    let first = slot.pointee.textStart(row)
    if seen & WordScanning.highs != 0, !isUTF8(slot.pointee.bytes + first, used &- first) {
      slot.pointee.bytesUsed = first
      return false
    }
    slot.pointee.bytesUsed = used
    if used > capacity { table.growText(column, by: 0) }
    slot.pointee.endText(row)
    return true
  }
}
