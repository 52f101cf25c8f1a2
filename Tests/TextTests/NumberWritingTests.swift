import TestSupport
import Testing
import Text

private func written(_ write: (UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>) -> String {
  withUnsafeTemporaryAllocation(of: UInt8.self, capacity: doubleBound) { bytes in
    let start = bytes.baseAddress!
    return String(decoding: UnsafeBufferPointer(start: start, count: write(start) - start), as: UTF8.self)
  }
}

private func written(_ value: Double) -> String { written { writeDouble(value, to: $0) } }
private func written(_ value: Float) -> String { written { writeFloat(value, to: $0) } }
private func written(_ value: Float16) -> String { written { writeFloat(value, to: $0) } }
private func written(_ value: Int64) -> String { written { writeInteger(value, to: $0) } }

@Suite("Numbers as text") struct NumberWritingTests {
  @Test("doubles are written as Python writes them, and read back the same")
  func doubles() {
    var generator = SeededGenerator()
    var values: [Double] = [
      0, -0.0, 1, -1, 0.1, 1e15, 1e16, 1e17, 9_007_199_254_740_992, 123_456_789_012_345_680, 1e-4, 1e-5, 0.001, 1.5e300,
      .leastNonzeroMagnitude,
      2.2250738585072014e-308, 1.7976931348623157e308, Double.leastNonzeroMagnitude * 4, 9.5, 1e22, 1e23, 4.35, 0.3,
      2.0 / 3, 100, 1e9,
      999999999.9999,
      1e9 + 0.1, 0.0010000000000000002, 2.0, 4.0, 8.5, 1234.5678, 0.0001, 0.00012, 123e-7, 9_007_199_254_740_992,
      4503599627370496.5, 9_007_199_254_740_994, 9_999_999_999_999_998, -9_999_999_999_999_998,
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
      written(value) != text || Double(written(value))?.bitPattern != value.bitPattern
    }
    #expect(wrong.count == 0, "\(generator)")
    #expect(
      written(Double.nan) == "NaN" && written(Double.infinity) == "Infinity" && written(-Double.infinity) == "-Infinity"
    )
  }

  @Test("every float16 is written as the standard library writes it")
  func everyHalf() {
    let wrong = (0...UInt16.max).map(Float16.init(bitPattern:)).filter {
      $0.isFinite && written($0) != $0.description
    }
    #expect(wrong.count == 0, "\(wrong.prefix(5)) \(wrong.prefix(5).map { written($0) })")
    #expect(written(Float16.nan) == "NaN" && written(-Float16.infinity) == "-Infinity")
  }

  @Test("float32s are written as the standard library writes them")
  func singles() {
    var generator = SeededGenerator()
    var values: [Float] = [
      0, -0.0, 0.1, 16_777_215, 16_777_216, 16_777_218, -16_777_218, 1e7, 1e8, 33_554_432, 1e-4, 1e-5, 1.5e30, 0.3,
      .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, 8_388_608.5, 4_194_304.25,
    ]
    for exponent in -149...127 {
      let power = Float(sign: .plus, exponent: exponent, significand: 1)
      values += [power, power.nextUp, power.nextDown]
    }
    for _ in 0..<300_000 {
      let value = Float(bitPattern: .random(in: 0 ... .max, using: &generator))
      if value.isFinite { values.append(value) }
      values.append(Float(Int.random(in: -1_000_000...1_000_000, using: &generator)) / 100)
      values.append(Float(Int.random(in: 0...40_000_000, using: &generator)))
    }
    let wrong = values.filter { written($0) != $0.description }
    #expect(wrong.count == 0, "\(generator): \(wrong.prefix(5)) \(wrong.prefix(5).map { written($0) })")
    #expect(written(Float.nan) == "NaN" && written(Float.infinity) == "Infinity")
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

@Suite("Texts as float16") struct Float16ReadingTests {
  /// The float16 with the bits that Python's exact fractions choose for each text.
  private func exact(_ texts: [String]) throws -> [UInt16] {
    let answer = try Peer.ask(
      .strings(texts),
      """
      from fractions import Fraction
      import struct
      values = [struct.unpack("<e", struct.pack("<H", bits))[0] for bits in range(0x7C00)]
      fractions = [Fraction(v) for v in values] + [Fraction(65536)]
      import bisect
      def nearest(text):
          number = Fraction(text)
          sign, number = (0x8000 if text[0] == "-" else 0), abs(number)
          high = min(bisect.bisect_left(fractions, number), 0x7C00)
          if high == 0: return sign
          below, above = number - fractions[high - 1], fractions[high] - number
          chosen = high if above < below or (above == below and high % 2 == 0) else high - 1
          return sign | chosen
      answer = [nearest(text) for text in document]
      """)
    return answer.items.compactMap { $0.number.flatMap { UInt16(exactly: $0) } }
  }

  @Test(
    "what is no finite number is the same in float16", arguments: ["inf", "-inf", "Infinity", "nan", "1e999", "-1e999"])
  func notFinite(_ text: String) throws {
    let double = try #require(Double(text))
    let found = withBytes(text) { Float16(nearest: double, to: $0) }
    #expect(found.isNaN == double.isNaN && (double.isNaN || Double(found) == double))
  }

  @Test("a number is rounded once, to the nearest float16, ties to even")
  func nearest() throws {
    var generator = SeededGenerator()
    var texts = [
      "1.00048828125", "1.00048828125000000000000000001", "1.00048828124999999999999999999",
      "-1.00048828125000000000001",
      "65519.999999999999999999999", "65520", "65520.0000000000000000000001", "65504", "70000", "1e300", "-1e-300",
      "2.98023223876953125e-8", "2.98023223876953125000000001e-8", "2.98023223876953124999999999999999e-8", "0", "-0.0",
      "0.000000029802322387695312500000000000000000000000000001", "65520000000000000000000000000000001e-30",
      "655199999999999999999999999999999999e-31", "+.00000000000000006552000000000000000000001e+21", "2049e0", "2051.",
    ]
    for _ in 0..<4000 {
      // Next to a middle, on it and anywhere; subnormal ones too.
      let value = Float16(bitPattern: .random(in: 0..<0x7BFF, using: &generator))
      let middle = (Double(value) + Double(value.nextUp)) / 2
      let digits = exactText(middle)
      let tail = String(repeating: "0", count: .random(in: 0..<40, using: &generator))
      let mantissa = digits.contains(".") ? digits : digits + "."
      texts.append(mantissa)
      texts.append(mantissa + tail + "1")
      texts.append(lessened(mantissa) + String(repeating: "9", count: tail.count + 20))
      texts.append("\(Double.random(in: -70_000...70_000, using: &generator))")
    }
    let wanted = try exact(texts)
    #expect(wanted.count == texts.count)
    let wrong = zip(texts, wanted).filter { text, bits in
      let double = Double(text)!
      return withBytes(text) { Float16(nearest: double, to: $0).bitPattern } != bits
    }
    #expect(wrong.count == 0, "\(generator): \(wrong.prefix(5))")
  }

  /// All digits of a multiple of 2^-25.
  private func exactText(_ value: Double) -> String {
    let whole = UInt64(value)
    var rest = UInt64((value - Double(whole)) * 33_554_432)
    var text = "\(whole)."
    while rest > 0 {
      rest *= 10
      text += "\(rest >> 25)"
      rest &= 33_554_431
    }
    return text
  }

  /// The number less 1 in its last digit; texts are of numbers above 0.
  private func lessened(_ text: String) -> String {
    var bytes = Array(text.utf8)
    for index in bytes.indices.reversed() where bytes[index] != UInt8(ascii: ".") {
      if bytes[index] > UInt8(ascii: "0") {
        bytes[index] -= 1
        break
      }
      bytes[index] = UInt8(ascii: "9")
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
