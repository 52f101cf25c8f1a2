import Arrow
import Base
import VolleyPlan

/// What kind of number a float is.
extension FunctionTable {
  static var classification: [FunctionDefinition] {
    [
      test("is_nan", ofOthers: false, { $0.isNaN }, { $0.isNaN }),
      test("is_finite", ofOthers: true, { $0.isFinite }, { $0.isFinite }),
      test("is_infinite", ofOthers: false, { $0.isInfinite }, { $0.isInfinite }),
    ]
  }

  /// - Parameter ofOthers: the answer for numbers that are no floats.
  private static func test(
    _ name: String, ofOthers: Bool, _ double: @escaping @Sendable (Double) -> Bool,
    _ float: @escaping @Sendable (Float) -> Bool
  ) -> FunctionDefinition {
    FunctionDefinition(name, "\(name)(value)", arity: 1...1) { call throws(Failure) in
      let type = try call.number()
      return call.kernel([type], .bool, cost: 1) { operands, count throws(Failure) in
        let column = try operands[0].column(count)
        let words: Words
        switch type {
        case .float32:
          let values = column.values(Float.self)
          words = Words(count: count) { start, rows in bits(rows) { float(values[start &+ $0]) } }
        case .float64:
          let values = column.values(Double.self)
          words = Words(count: count) { start, rows in bits(rows) { double(values[start &+ $0]) } }
        default: words = Words(repeating: ofOthers, count: count)
        }
        return words.column(validity: commonValidity([column], count: count))
      }
    }
  }

  @inline(__always)  // So that the closure is part of the loop.
  private static func bits(_ rows: Int, _ holds: (Int) -> Bool) -> UInt64 {
    var word: UInt64 = 0
    for bit in 0..<rows { word |= (holds(bit) ? 1 : 0) &<< UInt64(truncatingIfNeeded: bit) }
    return word
  }
}
