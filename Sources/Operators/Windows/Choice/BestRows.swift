import Arrow
import Base
import Expressions
import VolleyPlan

/// Rows with what they are compared by: of each group those of the least key count, all of them when several are equal.
enum BestRows {
  /// Takes rows into account.
  ///
  /// - Parameters:
  ///   - slots: by row, its group; nil: all rows are of group 0.
  ///   - bests: by group, the least key so far; `.max` at first.
  /// - Returns: the rows whose key is their group's least one now, ascending; nil for all rows.
  static func take(
    _ keys: UnsafePointer<Int64>, slots: UnsafePointer<UInt32>?, count: Int, bests: UnsafeMutablePointer<Int64>
  ) -> Selection? {
    if let slots {
      for row in 0..<count {
        let best = bests + Int(slots[row])
        if keys[row] < best.pointee { best.pointee = keys[row] }
      }
      return rows(count) { keys[$0] == bests[Int(slots[$0])] }
    }
    var best = bests.pointee
    for row in 0..<count { best = min(best, keys[row]) }
    bests.pointee = best
    return rows(count) { keys[$0] == best }
  }

  /// Of the rows those that hold; nil for all.
  @inline(__always)  // The closure becomes a part of the loop.
  static func rows(_ count: Int, where holds: (Int) -> Bool) -> Selection? {
    let indices = Buffer(byteCount: count * 4)
    let chosen = indices.unsafeMutableValues(UInt32.self)
    var found = 0
    for row in 0..<count {
      chosen[found] = UInt32(truncatingIfNeeded: row)
      found &+= holds(row) ? 1 : 0
    }
    return found == count ? nil : Selection(indices: indices, count: found)
  }
}

/// What rows are compared by, as keys of which the least is the best.
final class BestKeys {
  private let value: BoundProjection
  private let order: OrderKeys

  init(
    _ choice: Plan.WindowChoice, input: Schema, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    value = try BoundProjection(
      [choice.value], called: ["the value by which rows are chosen"], schema: input, functions: functions)
    order = OrderKeys(descending: choice.takes == .greatest)
  }

  func open() throws(Failure) { try value.open() }
  func close() throws(Failure) { try value.close() }

  /// The rows of a batch that have a value, and their keys, of 8 bytes.
  func evaluate(_ batch: RecordBatch) throws(Failure) -> (rows: RecordBatch, keys: Column) {
    let values = try value.evaluate(batch)[0]
    guard values.nullCount > 0 else { return (batch, order.keys(values)) }
    let valid = BestRows.rows(values.length) { values.isValid($0) }
    guard let valid else { return (batch, order.keys(values)) }
    return (batch.selecting(valid), order.keys(values.gather(valid)))
  }
}
