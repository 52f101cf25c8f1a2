import Arrow
import ArrowTestSupport
import Base
import Expressions
import TestSupport
import Testing
import VolleyPlan

/// Floats as text and as decimals, and float16s of what a double does not hold, compared with Python's exact numbers.
@Suite("casts of floats", .serialized)
struct FloatCastTests {
  private func half(_ literal: Literal) throws -> Float16? {
    let column = Column.of(literal.type, [nil, literal], junk: 2)
    guard case .float(let value, .float16)? = try evaluate(.tryCast(a, .float16), [column]).rows[1] else { return nil }
    return Float16(value)
  }

  @Test("texts become float16 in one rounding")
  func textToHalf() throws {
    // By way of a double the first is the middle of 1 and its neighbour, and goes to the even one.
    #expect(try half(.utf8("1.00048828125000000000000000001")) == Float16(1).nextUp)
    #expect(try half(.utf8("1.00048828125")) == 1)
    #expect(try half(.utf8("-1.00048828125000000000000000001")) == -Float16(1).nextUp)
    #expect(try half(.utf8("65519.999999999999999999")) == 65504)
    #expect(try half(.utf8("65520")) == .infinity)
    #expect(try half(.utf8("2.98023223876953125000000000000001e-8")) == .leastNonzeroMagnitude)
    #expect(try half(.utf8("-inf")) == -.infinity)
    #expect(try half(.utf8("nan"))?.isNaN == true)
  }

  @Test("decimals become float16 in one rounding")
  func decimalToHalf() throws {
    let fine = DecimalLiteral(scale: 33)
    #expect(try half(fine.literal("1000488281250000000000000000000001")) == Float16(1).nextUp)
    #expect(try half(fine.literal("1000488281250000000000000000000000")) == 1)
    #expect(try half(fine.literal("-1000488281249999999999999999999999")) == -1)
    #expect(try half(DecimalLiteral(scale: 20).literal("6551999999999999999999999")) == 65504)
    #expect(try half(DecimalLiteral(scale: -3).literal("66")) == .infinity)
  }

  private struct DecimalLiteral {
    var scale: Int
    func literal(_ digits: String) -> Literal { .integer(Int128(digits)!, .decimal128(precision: 38, scale: scale)) }
  }

  @Test("floats become decimals of a scale below 0, up to the largest", arguments: [-1, -2, -20, -37, -38])
  func coarseDecimals(_ scale: Int) throws {
    var generator = SeededGenerator()
    let type = DataType.decimal128(precision: 38, scale: scale)
    var values: [Double] = [
      0, 5, -15, 25, 1e18, 1e40, 5e37, 1.5e38, 2.5e38, -1e50, 9.99e57, 1e58, 9e75, 1e76, 1e77, 1e300,
    ]
    for _ in 0..<1200 {
      let magnitude = Double.random(in: -2...78, using: &generator)
      values.append(Double.random(in: -10...10, using: &generator) * Double("1e\(Int(magnitude))")!)
      values.append(Double(Int.random(in: -1000...1000, using: &generator) * 5) * Double("1e\(-scale - 1)")!)
    }
    let column = Column.of(.float64, values.map { .float64($0) }, junk: 3)
    let wanted = try PyArrow.columns(
      [column],
      """
      from fractions import Fraction
      def exact(v):
          whole, rest = divmod(abs(Fraction(v)), 10 ** \(-scale))
          twice = 2 * rest - 10 ** \(-scale)
          whole += 1 if twice > 0 or (twice == 0 and whole % 2) else 0
          if whole >= 10 ** 38: return None
          return str(-whole if v < 0 else whole)
      return [pa.array([exact(v) for v in a.to_pylist()], pa.string())]
      """)[0]
    let found = try evaluate(.tryCast(a, type), [column])
    for row in 0..<values.count {
      var digits: String?
      if case .integer(let value, _) = found.literal(at: row) { digits = "\(value)" }
      var expected: String?
      if case .utf8(let text) = wanted.literal(at: row) { expected = text == "-0" ? "0" : text }
      #expect(digits == expected, "\(generator): \(values[row]) of scale \(scale)")
    }
  }

  @Test("floats are written as Python and the standard library write them")
  func text() throws {
    var generator = SeededGenerator()
    var values: [Double] = [
      0, -0.0, 9_007_199_254_740_994, 9_999_999_999_999_998, 1e16, 1e-4, 1e-5, .leastNonzeroMagnitude, -1.5e300, .nan,
      .infinity, -.infinity,
    ]
    for _ in 0..<3000 {
      values.append(Double(bitPattern: generator.next()))
      values.append(Double.random(in: -1e17...1e17, using: &generator))
    }
    let column = Column.of(.float64, values.map { .float64($0) }, junk: 1)
    let wanted = try PyArrow.columns([column], "return [pa.array([repr(v) for v in a.to_pylist()], pa.string())]")[0]
    #expect(difference(try evaluate(.cast(a, .utf8), [column]), wanted) == nil, "\(generator)")
    let floats = (0..<3000).map { _ in Float(bitPattern: UInt32.random(in: 0 ... .max, using: &generator)) }
    let singles = Column.of(.float32, floats.map { .float(Double($0), .float32) }, junk: 1)
    for (row, text) in try evaluate(.cast(a, .utf8), [singles]).rows.enumerated() {
      #expect(text == .utf8(floats[row].isNaN ? "nan" : floats[row].description), "\(generator)")
    }
    #expect(
      try evaluate(
        .cast(a, .utf8), [Column.of(.float16, [.float(-.infinity, .float16), nil, .float(1.5, .float16)])]
      ).rows == [.utf8("-inf"), nil, .utf8("1.5")])
  }
}
