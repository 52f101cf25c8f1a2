import Arrow
import Base
import Keys

/// The rows of a batch by the values of its partition columns: equal values together, in the order in which they first come,
/// the rows of each in theirs. Reused from batch to batch; allocates by batch and by group, never by row.
final class PartitionGroups {
  /// The partition columns, by index.
  let columns: [Int]
  /// Of the groups: the first row, and where its rows end in `rows`.
  private(set) var firstRows: [Int] = []
  private var ends: [Int] = []
  /// All rows, group by group.
  private var rows: [UInt32] = []
  private var groupOfRow: [UInt32] = []
  private var hashes: [UInt64] = []
  /// A power of two of places, at most half of them used: a group's number and one; 0 is free.
  private var table: [UInt32] = []
  private var keys: EncodedKeys?

  init(columns: [Int]) { self.columns = columns }

  var count: Int { firstRows.count }

  /// The group's values, encoded: equal for equal values, in whatever batch.
  func key(_ group: Int) -> [UInt8] {
    guard let keys else { preconditionFailure("a batch was grouped") }
    return Array(keys[firstRows[group]])
  }

  /// Runs `body` with the group's rows.
  func withRows<Result, Failing: Error>(
    _ group: Int, _ body: (UnsafeBufferPointer<UInt32>) throws(Failing) -> Result
  ) throws(Failing) -> Result {
    let start = group == 0 ? 0 : ends[group - 1]
    let end = ends[group]
    return try rows.withUnsafeBufferPointer { rows throws(Failing) in
      try body(UnsafeBufferPointer(rebasing: rows[start..<end]))
    }
  }

  /// - Throws: `data` when the text of a batch takes 2 GiB or more.
  func group(_ batch: RecordBatch) throws(Failure) {
    let count = batch.length
    let parts = try KeyColumn.plain(columns.map { batch.columns[$0] })
    let encoded = KeyEncoding.encode(columns: parts, rows: count)
    keys = encoded
    reserve(count)
    hashes.withUnsafeMutableBufferPointer { hashes in
      if let start = hashes.baseAddress, count > 0 { KeyHasher.hash(columns: parts, rows: count, into: start) }
    }
    firstRows.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    let mask = table.count - 1
    for row in 0..<count {
      var place = Int(truncatingIfNeeded: hashes[row]) & mask
      while true {
        let entry = table[place]
        if entry == 0 {
          firstRows.append(row)
          ends.append(1)
          table[place] = UInt32(firstRows.count)
          groupOfRow[row] = UInt32(firstRows.count - 1)
          break
        }
        let group = Int(entry) - 1
        let first = firstRows[group]
        if hashes[first] == hashes[row], encoded.areEqual(first, row) {
          ends[group] += 1
          groupOfRow[row] = UInt32(group)
          break
        }
        place = (place + 1) & mask
      }
    }
    sortRows(count)
  }

  /// From counts in `ends` to rows in their groups' order.
  private func sortRows(_ count: Int) {
    var start = 0
    for group in ends.indices {
      let size = ends[group]
      ends[group] = start
      start += size
    }
    for row in 0..<count {
      let group = Int(groupOfRow[row])
      rows[ends[group]] = UInt32(row)
      ends[group] += 1
    }
  }

  private func reserve(_ count: Int) {
    var size = 16
    while size < count * 2 { size *= 2 }
    if table.count == size {
      for place in table.indices { table[place] = 0 }
    } else {
      table = [UInt32](repeating: 0, count: size)
    }
    guard hashes.count < count else { return }
    hashes = [UInt64](repeating: 0, count: count)
    groupOfRow = [UInt32](repeating: 0, count: count)
    rows = [UInt32](repeating: 0, count: count)
  }
}

extension EncodedKeys {
  fileprivate func areEqual(_ left: Int, _ right: Int) -> Bool {
    let (a, b) = (self[left], self[right])
    return a.count == b.count && a.elementsEqual(b)
  }
}
