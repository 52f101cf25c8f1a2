import Arrow

/// A sum over every value of 8 bytes that was read, whatever the order, and the number of rows.
struct Checksum: Sendable, Hashable {
  var rows = 0
  var bits: UInt64 = 0

  /// Reads `count` values of 8 bytes.
  mutating func add<Value: BitwiseCopyable>(_ values: UnsafePointer<Value>, count: Int) {
    precondition(MemoryLayout<Value>.size == 8, "the benchmarks' columns have 8 bytes a value")
    var sum: UInt64 = 0
    values.withMemoryRebound(to: UInt64.self, capacity: count) { words in
      for index in 0..<count { sum &+= words[index] }
    }
    bits &+= sum
  }

  /// Reads every value of a batch.
  mutating func add(_ batch: RecordBatch) {
    for column in batch.columns { add(column.values(UInt64.self), count: column.length) }
    rows += batch.length
  }

  static func + (left: Checksum, right: Checksum) -> Checksum {
    Checksum(rows: left.rows + right.rows, bits: left.bits &+ right.bits)
  }
}
