import TestSupport
import Testing

@testable import Connectors

private func read(_ text: String) -> (value: Double, problem: ValueProblem) {
  var value = 0.0
  let problem = Array("\(text)\n".utf8).withUnsafeBufferPointer {
    parseDouble($0.baseAddress!, $0.baseAddress! + $0.count - 1, &value)
  }
  return (value, problem)
}

private func written(_ value: Double) -> String {
  let out = ByteWriter()
  out.advance(to: writeDouble(value, to: out.room(doubleBound)))
  return String(decoding: out.bytes, as: UTF8.self)
}

private func written(_ value: Int64) -> String {
  let out = ByteWriter()
  out.append(value)
  return String(decoding: out.bytes, as: UTF8.self)
}

@Suite("Numbers as text") struct NumberTextTests {
  @Test(
    "doubles are read as the nearest double, ties to even",
    arguments: [
      "0", "-0", "1", "0.1", "123456789012345678", "9007199254740993", "9007199254740992.5",
      "9007199254740993.0000000000001",
      "1e22", "1e23", "8.5e22", "1.7976931348623157e308", "1.7976931348623158e308", "2.2250738585072014e-308",
      "2.2250738585072011e-308", "5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400", "4.9e-324",
      "0.000000000000000000000000000000000000000000001", "100000000000000000000000000000000000000000000000000000000",
      "3.14159265358979323846264338327950288419716939937510582097494459",
      "2.22507385850720113605740979670913197593481954635164564802342610972482222202107694551652952390813508e-308",
      "9223372036854775808", "18446744073709551615", "18446744073709551616",
      "1.00000000000000011102230246251565404236316680908203125",
      "1.00000000000000011102230246251565404236316680908203124",
      "1.00000000000000011102230246251565404236316680908203126",
      "00000000000000000000000000001.5", ".5", "5.", "+1.5", "12345678901234567890123.", "6.02214076e23",
      "1e0000000000000000000001",
    ])
  func nearest(_ text: String) throws {
    let expected = try #require(Double(text))
    #expect(read(text).problem == .none)
    #expect(read(text).value.bitPattern == expected.bitPattern)
  }

  @Test("what is too large is out of range, what is no number is malformed")
  func refused() {
    for text in ["1e309", "-1e309", "1.7976931348623159e308", "1e99999999999999999999"] {
      #expect(read(text).problem == .outOfRange, "\(text)")
    }
    for text in ["", "-", ".", "e5", "1e", "1e+", "1.2.3", "0x10", "1 2", "infin", "nanx", "--1", "1f"] {
      #expect(read(text).problem == .malformed, "\(text)")
    }
    #expect(read("NaN").value.isNaN && read("-nan").value.isNaN)
    #expect(read("Inf").value == .infinity && read("-INFINITY").value == -.infinity)
  }

  @Test("random digits and exponents are read as the standard library reads them")
  func randomTexts() {
    var generator = SeededGenerator()
    var wrong: [String] = []
    for _ in 0..<60_000 {
      let digits = (0..<Int.random(in: 1...24, using: &generator)).map { _ in
        "\(Int.random(in: 0...9, using: &generator))"
      }
      var text = digits.joined()
      if Bool.random(using: &generator) {
        text.insert(".", at: text.index(text.startIndex, offsetBy: Int.random(in: 0...digits.count, using: &generator)))
      }
      if Bool.random(using: &generator) { text += "e\(Int.random(in: -345...310, using: &generator))" }
      guard let expected = Double(text), expected.isFinite else { continue }
      if read(text).value.bitPattern != expected.bitPattern { wrong.append(text) }
    }
    #expect(wrong.isEmpty, "\(generator)")
  }

  @Test("halfway between two doubles, and next to it, the rounding is right")
  func halfway() {
    var generator = SeededGenerator()
    var wrong: [String] = []
    for _ in 0..<20_000 {
      // From 2^54 on doubles are even integers, so what lies halfway is an integer, which text spells exactly.
      let exponent = Int.random(in: 54...62, using: &generator)
      let below = Double(sign: .plus, exponent: exponent, significand: .random(in: 1..<2, using: &generator))
      let halfway = UInt64(below) + UInt64(below.ulp / 2)
      for text in [
        "\(halfway)", "\(halfway).0000000000000000000000001", "\(halfway - 1).9999999999999", "\(halfway)00e-2",
      ]
      where read(text).value != Double(text) { wrong.append(text) }
    }
    #expect(wrong.isEmpty, "\(generator)")
  }

  @Test("doubles are written as Python writes them, and read back the same")
  func shortest() {
    var generator = SeededGenerator()
    var values: [Double] = [
      0, -0.0, 1, -1, 0.1, 1e15, 1e16, 1e17, 9_007_199_254_740_992, 123_456_789_012_345_680, 1e-4, 1e-5, 0.001, 1.5e300,
      .leastNonzeroMagnitude,
      2.2250738585072014e-308, 1.7976931348623157e308, Double.leastNonzeroMagnitude * 4, 9.5, 1e22, 1e23, 4.35, 0.3,
      2.0 / 3, 100, 1e9,
      999999999.9999,
      1e9 + 0.1, 0.0010000000000000002, 2.0, 4.0, 8.5, 1234.5678, 0.0001, 0.00012, 123e-7, 9_007_199_254_740_992,
      4503599627370496.5,
    ]
    for exponent in -1074...1023 { values.append(Double(sign: .plus, exponent: exponent, significand: 1)) }
    for _ in 0..<40_000 {
      let value = Double(bitPattern: .random(in: 0 ... .max, using: &generator))
      if value.isFinite { values.append(value) }
      values.append(Double(Int.random(in: -1_000_000...1_000_000, using: &generator)) / 100)
      values.append(Double.random(in: -1...1, using: &generator))
    }
    let peer = TestProcess.python(
      "import struct, sys\nfor line in sys.stdin: print(repr(struct.unpack('>d', bytes.fromhex(line.strip().zfill(16)))[0]))",
      input: values.map { String($0.bitPattern, radix: 16) }.joined(separator: "\n") + "\n")
    #expect(peer.status == 0, "\(peer.errors)")
    let expected = peer.output.split(separator: "\n")
    #expect(expected.count == values.count)
    let wrong = zip(values, expected).filter { value, text in
      written(value) != text || read(written(value)).value.bitPattern != value.bitPattern
    }
    #expect(wrong.isEmpty, "\(generator)")
    #expect(
      written(Double.nan) == "NaN" && written(Double.infinity) == "Infinity" && written(-Double.infinity) == "-Infinity"
    )
  }

  @Test("integers are written in decimal, at every length")
  func integers() {
    var generator = SeededGenerator()
    var values: [Int64] = [0, 1, -1, .min, .max]
    var power: Int64 = 1
    for _ in 0..<18 {
      power *= 10
      values += [power - 1, power, power + 1, -power]
    }
    for _ in 0..<2000 {
      values.append(.random(in: .min ... .max, using: &generator) >> Int.random(in: 0..<64, using: &generator))
    }
    for value in values { #expect(written(value) == "\(value)", "\(generator)") }
  }
}
