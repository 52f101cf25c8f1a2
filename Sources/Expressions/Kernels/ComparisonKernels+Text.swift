import Arrow
import Glibc
import VolleyPlan

extension ComparisonKernels {
  /// Strings by their bytes, which is the order of their Unicode scalars; bytes as unsigned numbers.
  static func compareText(_ comparison: Comparison, _ left: Operand, _ right: Operand, count: Int) -> Words {
    switch (left, right) {
    case (.column(let left), .column(let right)): sides(comparison, TextInput(left), TextInput(right), count)
    case (.column(let left), .constant(let right)): against(right, comparison, TextInput(left), count)
    case (.constant(let left), .column(let right)): against(left, comparison.mirrored, TextInput(right), count)
    case (.constant, .constant): preconditionFailure("a comparison of constants is computed as one of a column")
    }
  }

  /// As `compareText`, of values of that many bytes.
  static func compareFixedBytes(
    _ comparison: Comparison, _ left: Operand, _ right: Operand, width: Int, count: Int
  ) -> Words {
    func input(_ column: Column) -> FixedBytesInput { FixedBytesInput(column, width: width) }
    return switch (left, right) {
    case (.column(let left), .column(let right)): sides(comparison, input(left), input(right), count)
    case (.column(let left), .constant(let right)): against(right, comparison, input(left), count)
    case (.constant(let left), .column(let right)): against(left, comparison.mirrored, input(right), count)
    case (.constant, .constant): preconditionFailure("a comparison of constants is computed as one of a column")
    }
  }

  private static func sides<Input: BytesInput>(
    _ comparison: Comparison, _ left: Input, _ right: Input, _ count: Int
  ) -> Words {
    compare(comparison, count) {
      left[$0]
    } _: {
      right[$0]
    }
  }

  private static func against<Input: BytesInput>(
    _ literal: Literal, _ comparison: Comparison, _ input: Input, _ count: Int
  ) -> Words {
    literal.withBytes { constant in
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

/// The bytes of each row; those of null rows are undefined but readable.
protocol BytesInput {
  subscript(row: Int) -> UnsafeBufferPointer<UInt8> { get }
}

/// The strings of a column of text or bytes with 32-bit offsets.
struct TextInput: BytesInput {
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

/// Values of a fixed number of bytes.
struct FixedBytesInput: BytesInput {
  private let start: UnsafePointer<UInt8>
  private let width: Int

  init(_ column: Column, width: Int) {
    start = column.buffers[0].values(UInt8.self) + column.offset * width
    self.width = width
  }

  @inline(__always)  // No load at all; a call would cost more.
  subscript(row: Int) -> UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start + row &* width, count: width) }
}

extension Literal {
  /// The bytes of a constant text or of constant bytes.
  func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    switch self {
    case .utf8(var text), .string(var text, _): text.withUTF8(body)
    case .binary(let bytes, _): bytes.withUnsafeBufferPointer(body)
    default: preconditionFailure("a kernel of bytes got a \(type)")
    }
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
