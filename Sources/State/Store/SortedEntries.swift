import Arrow
import Base
import CRocksMemory

/// Entries that are put or removed, in the order of their keys; of those with one key the last counts.
struct SortedEntries {
  typealias Entry = rocks_entry
  private typealias Head = rocks_place

  /// As they were given.
  let entries: [Entry]
  private let heads: UnsafeMutablePointer<Head>
  private let memory: Buffer

  /// - Parameter entries: their memory outlives this value.
  init(_ entries: [Entry]) {
    self.entries = entries
    let count = entries.count
    var source = Buffer(byteCount: count * MemoryLayout<Head>.stride)
    var target = Buffer(byteCount: count * MemoryLayout<Head>.stride)
    let first = source.unsafeMutableValues(Head.self)
    for index in 0..<count {
      let key = entries[index].keyBytes
      first[index] = Head(high: Self.word(key, 0), low: Self.word(key, 8), entry: UInt64(truncatingIfNeeded: index))
    }
    let differing = Self.differing(first, count)
    // From the lowest byte on. Those below the few that tell most keys apart are left to the comparison of ties.
    let bytes = (0..<16).filter { byte in
      (byte < 8 ? differing.low : differing.high) >> UInt64(8 * (byte & 7)) & 0xFF != 0
    }.suffix(Self.sortedBytes)
    for byte in bytes {
      let isLow = byte < 8
      let shift = UInt64(8 * (byte & 7))
      Self.scatter(
        source.unsafeMutableValues(Head.self), target.unsafeMutableValues(Head.self), count, isLow: isLow, shift)
      swap(&source, &target)
    }
    memory = source
    heads = source.unsafeMutableValues(Head.self)
    sortTies(count, from: bytes.first ?? 0)
  }

  /// With hashed or counted keys hardly two of some millions are alike in as many bytes that differ.
  private static let sortedBytes = 5

  /// Eight bytes of a key, most significant first, with zeros behind its end.
  private static func word(_ key: UnsafeRawBufferPointer, _ place: Int) -> UInt64 {
    if key.count >= place + 8 {
      return UInt64(bigEndian: key.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }
    var word: UInt64 = 0
    for byte in place..<max(place, key.count) { word |= UInt64(key[byte]) << UInt64(56 - 8 * (byte - place)) }
    return word
  }

  /// The bits in which the heads differ.
  private static func differing(_ heads: UnsafePointer<Head>, _ count: Int) -> (high: UInt64, low: UInt64) {
    guard count > 0 else { return (0, 0) }
    var (high, low): (UInt64, UInt64) = (0, 0)
    for index in 1..<max(1, count) {
      high |= heads[index].high ^ heads[0].high
      low |= heads[index].low ^ heads[0].low
    }
    return (high, low)
  }

  /// One pass of a radix sort, which keeps the order of what is equal.
  private static func scatter(
    _ source: UnsafePointer<Head>, _ target: UnsafeMutablePointer<Head>, _ count: Int, isLow: Bool, _ shift: UInt64
  ) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { places in
      places.initialize(repeating: 0)
      for index in 0..<count {
        let word = isLow ? source[index].low : source[index].high
        places[Int(truncatingIfNeeded: word &>> shift & 0xFF)] += 1
      }
      var total = 0
      for digit in 0..<256 {
        let digits = places[digit]
        places[digit] = total
        total += digits
      }
      for index in 0..<count {
        let word = isLow ? source[index].low : source[index].high
        let digit = Int(truncatingIfNeeded: word &>> shift & 0xFF)
        target[places[digit]] = source[index]
        places[digit] += 1
      }
    }
  }

  /// Orders those whose first sixteen bytes are equal down to the lowest one that was sorted by, which is `byte`.
  private func sortTies(_ count: Int, from byte: Int) {
    let high: UInt64 = byte < 8 ? .max : .max << UInt64(8 * (byte - 8))
    let low: UInt64 = byte < 8 ? .max << UInt64(8 * byte) : 0
    var start = 0
    while start < count {
      let (firstHigh, firstLow) = (heads[start].high & high, heads[start].low & low)
      var end = start + 1
      while end < count && heads[end].high & high == firstHigh && heads[end].low & low == firstLow { end += 1 }
      if end - start > 1 {
        var ties = UnsafeMutableBufferPointer(start: heads + start, count: end - start)
        ties.sort { left, right in
          if left.high != right.high { return left.high < right.high }
          if left.low != right.low { return left.low < right.low }
          let order = Self.compare(entries[Int(left.entry)].keyBytes, entries[Int(right.entry)].keyBytes)
          return order == 0 ? left.entry < right.entry : order < 0
        }
      }
      start = end
    }
  }

  private static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    for index in 0..<min(left.count, right.count) where left[index] != right[index] {
      return Int(left[index]) - Int(right[index])
    }
    return left.count - right.count
  }

  /// Each key's last entry, in the order of the keys, with its place among those that were given.
  func visit<E: Error>(_ body: (Entry, Int) throws(E) -> Void) throws(E) {
    let count = entries.count
    for place in 0..<count {
      let entry = entries[Int(heads[place].entry)]
      if place + 1 < count, heads[place].high == heads[place + 1].high, heads[place].low == heads[place + 1].low,
        Self.compare(entry.keyBytes, entries[Int(heads[place + 1].entry)].keyBytes) == 0
      {
        continue
      }
      try body(entry, Int(heads[place].entry))
    }
  }

  /// The order of the entries, valid while this value is alive; of those with one key, which follow each other, the last counts.
  var places: UnsafeBufferPointer<rocks_place> { UnsafeBufferPointer(start: heads, count: entries.count) }
}

extension rocks_entry {
  /// - Parameters:
  ///   - key: its memory, and the value's, is the caller's.
  ///   - value: not empty; nil: the key is removed.
  init(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?) {
    self.init(
      key: key.baseAddress, value: value?.baseAddress, key_bytes: UInt32(truncatingIfNeeded: key.count),
      value_bytes: UInt32(truncatingIfNeeded: value?.count ?? 0))
  }

  var keyBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: key, count: Int(key_bytes)) }
  /// Nil: the key is removed.
  var valueBytes: UnsafeRawBufferPointer? {
    value.map { UnsafeRawBufferPointer(start: $0, count: Int(value_bytes)) }
  }
}
