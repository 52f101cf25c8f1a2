import Arrow
import Glibc
import VolleyPlan

extension ComparisonKernels {
  /// Strings by their bytes, which is the order of their Unicode scalars.
  static func compareText(_ comparison: Comparison, _ left: Operand, _ right: Operand, count: Int) -> Words {
    switch (left, right) {
    case (.column(let left), .column(let right)):
      let (left, right) = (TextInput(left), TextInput(right))
      return compare(comparison, count) {
        left[$0]
      } _: {
        right[$0]
      }
    case (.column(let left), .constant(let right)):
      return against(right, comparison, left, count)
    case (.constant(let left), .column(let right)):
      return against(left, comparison.mirrored, right, count)
    case (.constant, .constant): preconditionFailure("a comparison of constants is computed as one of a column")
    }
  }

  private static func against(
    _ literal: Literal, _ comparison: Comparison, _ column: Column, _ count: Int
  ) -> Words {
    guard case .utf8(var text) = literal else { preconditionFailure("a utf8 kernel got a \(literal.type)") }
    let input = TextInput(column)
    return text.withUTF8 { constant in
      compare(comparison, count) {
        input[$0]
      } _: { _ in
        constant
      }
    }
  }

  @inline(__always)  // So that each comparison and each shape gets a loop of its own.
  private static func compare(
    _ comparison: Comparison, _ count: Int, _ left: (Int) -> UnsafeBufferPointer<UInt8>,
    _ right: (Int) -> UnsafeBufferPointer<UInt8>
  ) -> Words {
    switch comparison {
    case .equal: rows(count) { TextOrder.equal(left($0), right($0)) }
    case .notEqual: rows(count) { !TextOrder.equal(left($0), right($0)) }
    case .less: rows(count) { TextOrder.order(left($0), right($0)) < 0 }
    case .lessOrEqual: rows(count) { TextOrder.order(left($0), right($0)) <= 0 }
    case .greater: rows(count) { TextOrder.order(left($0), right($0)) > 0 }
    case .greaterOrEqual: rows(count) { TextOrder.order(left($0), right($0)) >= 0 }
    }
  }

  @inline(__always)  // As above.
  private static func rows(_ count: Int, _ holds: (Int) -> Bool) -> Words {
    Words(count: count) { start, rows in
      var word: UInt64 = 0
      for bit in 0..<rows { word |= (holds(start &+ bit) ? 1 : 0) &<< UInt64(truncatingIfNeeded: bit) }
      return word
    }
  }
}

/// The strings of a utf8 column; those of null rows are undefined but readable.
struct TextInput {
  let offsets: UnsafePointer<Int32>
  let bytes: UnsafePointer<UInt8>

  init(_ column: Column) {
    offsets = column.offsets32
    bytes = column.bytes
  }

  @inline(__always)  // Two loads; a call would cost as much.
  subscript(row: Int) -> UnsafeBufferPointer<UInt8> {
    let start = Int(offsets[row])
    return UnsafeBufferPointer(start: bytes + start, count: Int(offsets[row &+ 1]) &- start)
  }
}

enum TextOrder {
  @inline(__always)  // Most strings differ in length, and then no call is made.
  static func equal(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    guard left.count > 0, let a = left.baseAddress, let b = right.baseAddress else { return true }
    return memcmp(a, b, left.count) == 0
  }

  /// Below 0, 0 or above 0, as the left string comes before, is or comes after the right one.
  static func order(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Int {
    let shared = min(left.count, right.count)
    if shared > 0, let a = left.baseAddress, let b = right.baseAddress {
      let order = memcmp(a, b, shared)
      if order != 0 { return Int(order) }
    }
    return left.count - right.count
  }
}
