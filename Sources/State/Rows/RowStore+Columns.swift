import Arrow
import Base
import CPlatform

extension RowStore {
  /// Columns of the rows that numbers name, in that order; a number may come more than once, and `RowStore.missing` stands for a row of nulls, as
  /// an outer join needs.
  ///
  /// - Parameter indices: which columns of the schema.
  /// - Throws: a `data` failure when the text of a column would take 2 GiB or more.
  public func columns(
    of numbers: UnsafePointer<UInt32>, count: Int, _ indices: [Int]
  ) throws(Failure) -> [Column] {
    scratch.reserve(count)
    let hasMissing = locate(numbers, count)
    let reader = RowReader(
      layout: layout, rows: scratch.addresses, count: count,
      mayBeNull: hasMissing ? [Bool](repeating: true, count: layout.bitCount) : sawNull)
    var columns: [Column] = []
    columns.reserveCapacity(indices.count)
    for index in indices { columns.append(try reader.column(layout.fields[index])) }
    return columns
  }

  /// The rows that numbers name, as `columns` gives them, with all columns.
  public func batch(of numbers: UnsafePointer<UInt32>, count: Int) throws(Failure) -> RecordBatch {
    let columns = try columns(of: numbers, count: count, Array(schema.fields.indices))
    return RecordBatch(schema: schema, columns: columns, length: count)
  }

  /// Finds where rows are, and asks for their memory. Returns whether one is missing.
  private func locate(_ numbers: UnsafePointer<UInt32>, _ count: Int) -> Bool {
    let (entries, addresses, ahead) = (entries.values, scratch.addresses, Self.ahead)
    // Rows of about the usual size are asked for whole; of larger ones the rest is a stream that the processor sees.
    let usual = min(512, pages.usualRowBytes(rowCount))
    var hasMissing = false
    for index in 0..<count {
      if index &+ ahead < count, numbers[index &+ ahead] != Self.missing {
        platform_prefetch(entries + Int(numbers[index &+ ahead]))
      }
      if numbers[index] == Self.missing {
        addresses[index] = nullRow
        hasMissing = true
        continue
      }
      guard let address = entries[Int(numbers[index])].address else {
        preconditionFailure("a row that is asked for was not removed")
      }
      addresses[index] = address
      let end = address + usual
      var line = address - (Int(bitPattern: address) & 63)
      while line < end {
        platform_prefetch(line)
        line += 64
      }
    }
    return hasMissing
  }
}
