import Arrow
import Base
import VolleyPlan

/// Values of any type that many groups keep, by number in the order in which they came: columns that are gathered from.
///
/// New values are a column of their own, and neighbours are concatenated so that each is at least twice as long as the next: adding
/// costs a few copies a value in all, and there are few columns to look in. Owners drop values by keeping the others.
struct ValuePool {
  let type: DataType
  private var chunks: [Column] = []
  /// The number of the first value of each chunk.
  private var starts: [Int] = []
  private(set) var count = 0

  /// Chunks above so many bytes are not concatenated: offsets of 32 bits must reach.
  private static let largestChunk = 1 << 30

  init(_ type: DataType) { self.type = type }

  var byteCount: Int { chunks.reduce(0) { $0 + $1.byteCount } }

  /// Adds values, the first of which gets the number `count`.
  mutating func append(_ column: Column) throws(Failure) {
    if column.length == 0 { return }
    starts.append(count)
    chunks.append(column)
    count += column.length
    while chunks.count > 1 {
      let (last, previous) = (chunks[chunks.count - 1], chunks[chunks.count - 2])
      guard last.length * 2 > previous.length, last.byteCount + previous.byteCount < Self.largestChunk else { break }
      let both = try Column.concatenate([previous, last])
      chunks.removeLast(2)
      starts.removeLast()
      chunks.append(both)
    }
  }

  mutating func removeAll() {
    chunks.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    count = 0
  }

  /// Drops all values but these, which get the numbers 0, 1, … in this order.
  mutating func keep(_ numbers: UnsafePointer<Int64>, count kept: Int) throws(Failure) {
    var parts: [Column] = []
    let step = 1 << 20
    for start in stride(from: 0, to: kept, by: step) {
      parts.append(try gather(numbers + start, count: min(step, kept - start)))
    }
    removeAll()
    for part in parts { try append(part) }
  }

  /// Where a value lies.
  func place(_ number: Int) -> (column: Column, row: Int) {
    let index = chunkIndex(number)
    return (chunks[index], number - starts[index])
  }

  /// Most values lie in the first chunk, and the chunks are few.
  private func chunkIndex(_ number: Int) -> Int {
    var index = 0
    while index + 1 < starts.count, number >= starts[index + 1] { index += 1 }
    return index
  }

  /// The values of these numbers; null for a negative one.
  ///
  /// Throws a `data` failure when the strings together take 2 GiB or more.
  func gather(_ numbers: UnsafePointer<Int64>, count: Int) throws(Failure) -> Column {
    // A chunk of one null behind the others is what negative numbers mean.
    let sources = chunks + [Column.nulls(type, count: 1)]
    let rowBuffer = Buffer(byteCount: count * 4)
    let sourceBuffer = Buffer(byteCount: count * 2)
    defer { withExtendedLifetime((rowBuffer, sourceBuffer)) {} }
    let (rows, chosen) = (rowBuffer.unsafeMutableValues(UInt32.self), sourceBuffer.unsafeMutableValues(UInt16.self))
    var counts = [Int](repeating: 0, count: sources.count)
    for index in 0..<count {
      let number = Int(numbers[index])
      let source = number < 0 ? chunks.count : chunkIndex(number)
      rows[index] = number < 0 ? 0 : UInt32(truncatingIfNeeded: number - starts[source])
      chosen[index] = UInt16(truncatingIfNeeded: source)
      counts[source] += 1
    }
    try checkLength(sources, rows, chosen, count)
    if let sole = counts.firstIndex(of: count), count > 0 { return sources[sole].gather(rows, count: count) }
    if count == 0 { return .nulls(type, count: 0) }

    // Gathered source by source, then brought into order.
    var ends: [Int] = []
    var end = 0
    for sourceCount in counts {
      ends.append(end)
      end += sourceCount
    }
    let sortedBuffer = Buffer(byteCount: count * 4)
    let orderBuffer = Buffer(byteCount: count * 4)
    defer { withExtendedLifetime((sortedBuffer, orderBuffer)) {} }
    let (sorted, order) = (
      sortedBuffer.unsafeMutableValues(UInt32.self), orderBuffer.unsafeMutableValues(UInt32.self)
    )
    for index in 0..<count {
      let source = Int(chosen[index])
      sorted[ends[source]] = rows[index]
      order[index] = UInt32(truncatingIfNeeded: ends[source])
      ends[source] += 1
    }
    var parts: [Column] = []
    var start = 0
    for (source, sourceCount) in zip(sources, counts) where sourceCount > 0 {
      parts.append(source.gather(sorted + start, count: sourceCount))
      start += sourceCount
    }
    return try Column.concatenate(parts).gather(order, count: count)
  }

  private func checkLength(
    _ sources: [Column], _ rows: UnsafePointer<UInt32>, _ chosen: UnsafePointer<UInt16>, _ count: Int
  ) throws(Failure) {
    guard case .variable32 = type.layout else { return }
    var total = 0
    for index in 0..<count {
      let offsets = sources[Int(chosen[index])].offsets32
      let row = Int(rows[index])
      total += Int(offsets[row + 1] - offsets[row])
    }
    guard total <= Int(Int32.max) else { throw ColumnTooLong.failure(type) }
  }
}

/// The failure of a column whose 32-bit offsets do not reach.
enum ColumnTooLong {
  static func failure(_ type: DataType) -> Failure {
    Failure(
      .data,
      "the aggregates of one batch make a column of \(type) that takes more than 2 GiB; lower --batch-rows, emit once per batch, "
        + "or aggregate shorter values")
  }
}
