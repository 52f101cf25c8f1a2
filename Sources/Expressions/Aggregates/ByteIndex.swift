import Arrow
import Base
import Glibc
import Keys
import VolleyPlan

/// Numbers for byte strings: equal ones have one, from 0 on in the order in which they came.
struct ByteIndex {
  private struct Entry {
    var start: Int
    var length: UInt32
    /// Most strings that differ are told by it without being read.
    var tag: UInt32
  }

  private var entries = SlotStates<Entry>(initial: Entry(start: 0, length: 0, tag: 0))
  /// Entries by place, plus 1; 0 for an empty place. Never more than half full.
  private var table = SlotStates<UInt32>(initial: 0)
  private var bytes = SlotStates<UInt8>(initial: 0)

  private static let leastTable = 64

  var byteCount: Int { entries.byteCount + table.byteCount + bytes.byteCount }

  func deallocate() {
    entries.deallocate()
    table.deallocate()
    bytes.deallocate()
  }

  mutating func removeAll() {
    entries.removeAll()
    table.base.update(repeating: 0, count: table.count)
    bytes.removeAll()
  }

  /// Strings that have a number.
  var count: Int { entries.count }

  /// The string of a number, valid until the next one is added.
  subscript(_ number: Int) -> UnsafeBufferPointer<UInt8> {
    let entry = entries.base[number]
    return UnsafeBufferPointer(start: bytes.base + entry.start, count: Int(entry.length))
  }

  mutating func number(of string: UnsafeBufferPointer<UInt8>) throws(Failure) -> Int64 {
    if entries.count * 2 >= table.count { try growTable() }
    let hash = XXH3.hash64(UnsafeRawBufferPointer(string))
    let tag = UInt32(truncatingIfNeeded: hash >> 32)
    var place = Int(truncatingIfNeeded: hash) & (table.count - 1)
    while table.base[place] != 0 {
      let number = Int(table.base[place] - 1)
      if entries.base[number].tag == tag, TextOrder.equal(self[number], string) { return Int64(number) }
      place = (place + 1) & (table.count - 1)
    }
    guard entries.count < Int(UInt32.max) - 1 else {
      throw Failure(
        .data,
        "count_distinct: more than 4,294,967,294 different values in one subtask; raise the parallelism, or use "
          + "approx_count_distinct")
    }
    let start = bytes.count
    try bytes.grow(to: start + string.count)
    if let source = string.baseAddress { memcpy(bytes.base + start, source, string.count) }
    try entries.append(Entry(start: start, length: UInt32(string.count), tag: tag))
    table.base[place] = UInt32(entries.count)
    return Int64(entries.count - 1)
  }

  private mutating func growTable() throws(Failure) {
    let wanted = max(Self.leastTable, table.count * 2)
    try table.grow(to: wanted)
    table.base.update(repeating: 0, count: wanted)
    for number in 0..<entries.count {
      let hash = XXH3.hash64(UnsafeRawBufferPointer(self[number]))
      var place = Int(truncatingIfNeeded: hash) & (wanted - 1)
      while table.base[place] != 0 { place = (place + 1) & (wanted - 1) }
      table.base[place] = UInt32(number + 1)
    }
  }

  /// A column of the strings of these numbers, of a type of text, bytes or fixed width.
  func column(_ type: DataType, _ numbers: UnsafeBufferPointer<Int64>) throws(Failure) -> Column {
    var total = 0
    for number in numbers { total += Int(entries.base[Int(number)].length) }
    let target = Buffer(byteCount: total)
    var buffers = [target]
    var end = 0
    if case .variable32 = type.layout {
      guard total <= Int(Int32.max) else { throw ColumnTooLong.failure(type) }
      let offsets = Buffer(byteCount: (numbers.count + 1) * 4)
      let ends = offsets.unsafeMutableValues(Int32.self)
      ends[0] = 0
      for (index, number) in numbers.enumerated() {
        end += Int(entries.base[Int(number)].length)
        ends[index + 1] = Int32(truncatingIfNeeded: end)
      }
      buffers = [offsets, target]
    }
    end = 0
    for number in numbers {
      let string = self[Int(number)]
      if let source = string.baseAddress { memcpy(target.unsafeMutableAddress + end, source, string.count) }
      end += string.count
    }
    return Column(type: type, length: numbers.count, validity: nil, buffers: buffers)
  }
}
