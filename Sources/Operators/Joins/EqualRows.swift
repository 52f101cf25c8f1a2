import Arrow
import Base
import State

extension RowStore {
  /// By row of a batch: a row of its slot that has the same values, none of them twice; `RowStore.missing` where there is none.
  ///
  /// - Parameter ignored: a column that does not count.
  func equalRows(_ rows: RecordBatch, _ slots: SlotBuffer, ignoring ignored: Int?) throws(Failure) -> SlotBuffer {
    let result = SlotBuffer(count: slots.count)
    result.pointer.update(repeating: RowStore.missing, count: slots.count)
    let columns = schema.fields.indices.filter { $0 != ignored }
    var taken: Set<UInt32> = []
    var cursor = RowCursor()
    while true {
      let found = match(slots.pointer, count: slots.count, cursor: &cursor, limit: 8_192)
      if found.count == 0 { break }
      let (indices, numbers) = (found.indices.values(UInt32.self), found.numbers.values(UInt32.self))
      let kept = try self.columns(of: numbers, count: found.count, columns)
      for pair in 0..<found.count {
        let (index, number) = (Int(indices[pair]), numbers[pair])
        guard result.pointer[index] == RowStore.missing, !taken.contains(number),
          zip(kept, columns).allSatisfy({ $0.isEqual(pair, to: rows.columns[$1], index) })
        else { continue }
        taken.insert(number)
        result.pointer[index] = number
      }
      withExtendedLifetime(found) {}
    }
    return result
  }
}
