import Arrow
import Base

/// What becomes of a row whose values have no result.
enum FailurePolicy: Hashable {
  /// The job stops with the row's values.
  case stop
  /// The row is null.
  case null
  /// Integers keep their low bits.
  case wrap
}

extension FailurePolicy {
  /// The validity of a result of which the loop found that some row has failed, perhaps only null ones. Throws for the
  /// first that holds values, or makes those rows null.
  ///
  /// The rows are looked at one by one: this is the second pass over a batch, made only when the first one failed.
  @inline(__always)  // So that the closures are part of the loops.
  func settle(
    _ validity: Buffer?, count: Int, succeeds: (Int) -> Bool, failure: (Int) -> Failure
  ) throws(Failure) -> Buffer? {
    switch self {
    case .wrap: return validity
    case .stop:
      for row in 0..<count where !succeeds(row) {
        if let validity, !Bitmap.get(validity.address, row) { continue }
        throw failure(row)
      }
      return validity
    case .null:
      let good = Words(count: count) { start, rows in
        var word: UInt64 = 0
        for bit in 0..<rows { word |= (succeeds(start &+ bit) ? 1 : 0) &<< UInt64(truncatingIfNeeded: bit) }
        return word
      }
      if let validity {
        let bits = Bits(validity.address)
        good.formIntersection(Words(count: count) { bits.word($0, $1) })
      }
      return good.buffer
    }
  }
}
