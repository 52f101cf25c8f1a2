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

@Suite("Text as numbers") struct NumberTextTests {
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
}
