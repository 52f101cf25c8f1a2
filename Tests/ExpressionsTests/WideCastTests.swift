import Arrow
import ArrowTestSupport
import Expressions
import TestSupport
import Testing
import VolleyPlan

/// Casts among all types, compared with pyarrow and with Python's exact numbers.
@Suite("casts of all types", .serialized)
struct WideCastTests {
  private static let prelude = """
    import decimal, fractions, math
    import numpy as np
    D = decimal.Decimal
    decimal.getcontext().prec = 400
    FORMATS = {16: np.float16, 32: np.float32, 64: np.float64}

    def nearest(value, bits):
        # The float nearest to an exact fraction.
        if value == 0: return 0.0
        number = FORMATS[bits]
        with np.errstate(over='ignore'):
            guess = number(float(value)) if abs(value) < 10**300 else number(math.copysign(math.inf, value))
        if np.isinf(guess): return float(guess)
        around = [guess, np.nextafter(guess, number(-math.inf)), np.nextafter(guess, number(math.inf))]
        around = [x for x in around if np.isfinite(x)]
        best = min(abs(fractions.Fraction(float(x)) - value) for x in around)
        ties = [x for x in around if abs(fractions.Fraction(float(x)) - value) == best]
        even = [x for x in ties if int(np.array(x).view({16: np.uint16, 32: np.uint32, 64: np.uint64}[bits])) % 2 == 0]
        return float((even or ties)[0])

    def quantized(value, type):
        return D(value).quantize(D(1).scaleb(-type.scale), rounding=decimal.ROUND_HALF_EVEN)

    def expected(a, to):
        f, values = a.type, a.to_pylist()
        if pa.types.is_decimal(f) and pa.types.is_floating(to):
            return pa.array([nearest(fractions.Fraction(v), to.bit_width) for v in values], to)
        if pa.types.is_integer(f) and pa.types.is_float32(to):
            # numpy goes by way of a double, which rounds twice.
            return pa.array([nearest(fractions.Fraction(v), 32) for v in values], to)
        if pa.types.is_floating(to):
            number = FORMATS[to.bit_width]
            with np.errstate(over='ignore'):
                return pa.array(np.array([number(v) for v in values], number), to)
        if pa.types.is_decimal(to) and pa.types.is_floating(f):
            return pa.array([quantized(v, to) for v in values], to)
        if pa.types.is_decimal(to):
            return pa.array([D(v) for v in values], to)
        if pa.types.is_boolean(to) and not pa.types.is_boolean(f):
            return pa.array([v != 0 for v in values], to)
        if pa.types.is_decimal(f) and pa.types.is_integer(to):
            return pa.array([int(v) for v in values], to)
        if pa.types.is_floating(f) and pa.types.is_integer(to):
            return pa.array([int(v) for v in values], to)
        return pc.cast(a, to)

    def fits(a, to):
        # Whether a value has a counterpart at all.
        value = a.to_pylist()[0]
        if isinstance(value, float) and not math.isfinite(value): return pa.types.is_floating(to)
        try:
            if pa.types.is_integer(to):
                if isinstance(value, D) and value != int(value): return False
                pa.array([int(value)], to)
            elif pa.types.is_decimal(to):
                exact = quantized(value, to)
                if not isinstance(value, float) and exact != D(value): return False
                return abs(exact) < D(10) ** (to.precision - to.scale)
            else: return True
        except (pa.ArrowInvalid, OverflowError): return False
        return True

    """

  @Test(
    "numbers become all other numbers as pyarrow and exact arithmetic have it", arguments: WideColumns.numbers + [.bool]
  )
  func numbers(_ source: DataType) throws {
    var generator = SeededGenerator()
    let column = WideColumns.column(source, 1400, &generator)
    for target in WideColumns.numbers + [.bool] where target != source {
      let found = try evaluate(.tryCast(a, target), [column])
      #expect(found.type == target)
      let (kept, lost) = WideColumns.rows(column, lost: found)
      let name = WideColumns.python(target)
      let wanted = try PyArrow.columns(
        [column.gather(kept)], prelude: Self.prelude, "return [expected(a, \(name))]")[0]
      let different = difference(found.gather(kept), wanted)
      #expect(different == nil, "\(generator): \(source) to \(target): \(different ?? "")")
      if lost.count > 0 {
        _ = try PyArrow.columns(
          [column.gather(lost.prefix(200))], prelude: Self.prelude,
          "wrong = [v for i, v in enumerate(a.to_pylist()) if fits(a.slice(i, 1), \(name))]\n"
            + "assert not wrong, f'\(generator) \(source) to {\(name)}: {wrong} fits'\nreturn [a]")
        #expect(throws: (any Error).self) { try evaluate(.cast(a, target), [column]) }
      } else {
        #expect(try evaluate(.cast(a, target), [column]) == found)
      }
    }
  }

  @Test("numbers are written as text that reads back as the same", arguments: WideColumns.numbers)
  func text(_ type: DataType) throws {
    var generator = SeededGenerator()
    let column = WideColumns.column(type, 1200, &generator)
    for text in [DataType.utf8, .largeUtf8, .utf8View, .dictionary(of: .utf8)] {
      let written = try evaluate(.cast(a, text), [column])
      #expect(written.type == text)
      #expect(
        difference(try evaluate(.cast(a, type), [written]), column) == nil, "\(generator): \(type) by way of \(text)")
    }
    let written = try evaluate(.cast(a, .utf8), [column])
    let exact = type.description.hasPrefix("decimal") ? "[v and format(v, 'f') for v in a.to_pylist()]" : nil
    let values = exact ?? "a.cast('string').to_pylist()"
    if type.description.hasPrefix("float") { return }
    let wanted = try PyArrow.columns(
      [column],
      "return [pa.array([None if v is None else format(v, 'f') if not isinstance(v, str) else v for v in \(values.replacing("v and format(v, 'f') for v in ", with: "v for v in "))], pa.string())]"
    )[0]
    let different = difference(written, wanted)
    #expect(different == nil, "\(generator): \(type): \(different ?? "")")
  }

  @Test("texts become numbers of every type, and those that are none are named or null")
  func readText() throws {
    func read(_ text: String, _ type: DataType) throws -> Literal? {
      let column = Column.of(.utf8, [nil, .utf8(text)], junk: 2)
      let tried = try evaluate(.tryCast(a, type), [column]).rows[1]
      let stopped = message { _ = try evaluate(.cast(a, type), [column]) }
      #expect((tried == nil) == (stopped != nil))
      if tried == nil { #expect(stopped?.contains("'\(text)' is no \(type)") == true, "\(stopped ?? "")") }
      return tried
    }
    #expect(try read("255", .uint8) == .integer(255, .uint8))
    #expect(try read("256", .uint8) == nil)
    #expect(try read("-1", .uint8) == nil)
    #expect(try read("-128", .int8) == .integer(-128, .int8))
    #expect(try read("18446744073709551615", .uint64) == .integer(18_446_744_073_709_551_615, .uint64))
    #expect(try read("18446744073709551616", .uint64) == nil)
    let money = DataType.decimal128(precision: 5, scale: 2)
    #expect(try read("123.45", money) == .integer(12345, money))
    #expect(try read("-0.5", money) == .integer(-50, money))
    #expect(try read("1.230", money) == .integer(123, money))
    #expect(try read("1e2", money) == .integer(10000, money))
    #expect(try read("12345e-2", money) == .integer(12345, money))
    #expect(try read("1.234", money) == nil)
    #expect(try read("1000", money) == nil)
    #expect(try read(".", money) == nil)
    #expect(try read("", money) == nil)
    #expect(try read("1.2.3", money) == nil)
    #expect(try read("0000000000000000000000000000000000000000000001", money) == .integer(100, money))
    #expect(try read("0.00000000000000000000000000000000000000000000", money) == .integer(0, money))
    #expect(try read("1e39", .float32) == .float(.infinity, .float32))
    #expect(try read("1e38", .float32) == .float(Double(Float(1e38)), .float32))
    #expect(try read("-70000", .float16) == .float(-.infinity, .float16))
    #expect(try read("inf", .float16) == .float(.infinity, .float16))
    #expect(try read("yes", .bool) == nil)
  }

  private static let bytes: [DataType] = [
    .utf8, .largeUtf8, .utf8View, .binary, .largeBinary, .binaryView, .fixedSizeBinary(3),
  ]

  @Test("text and bytes change their layout and keep their bytes", arguments: bytes)
  func layouts(_ source: DataType) throws {
    var generator = SeededGenerator()
    for nulls in [0, 3] {
      // Three bytes of ASCII are text, and fit each fixed width here.
      let values = RandomColumns.values(.utf8, 1100, nulls: nulls, &generator).map { value -> Literal in
        guard case .utf8(let text) = value else { return .null(source) }
        let bytes = source == .fixedSizeBinary(3) ? Array((text + "abc").utf8.prefix(3)) : Array(text.utf8)
        switch source {
        case .utf8: return .utf8(text)
        case .largeUtf8, .utf8View: return .string(text, source)
        default: return .binary(bytes, source)
        }
      }
      let column = RandomColumns.column(source, values, offset: Int.random(in: 0...9, using: &generator))
      for target in Self.bytes where target != source {
        let found = try evaluate(.tryCast(a, target), [column])
        let (kept, lost) = WideColumns.rows(column, lost: found)
        let wanted = try PyArrow.columns(
          [column.gather(kept)],
          "return [pa.array([v.encode() if isinstance(v, str) else v for v in a.to_pylist()], pa.binary()).cast("
            + "\(WideColumns.python(target == .fixedSizeBinary(3) ? .binary : target)))]")[0]
        let kind = found.gather(kept)
        if target == .fixedSizeBinary(3) {
          #expect(lost.count > 0 || source == target)
          #expect(try evaluate(.cast(a, .binary), [kind]) == wanted, "\(generator): \(source) to \(target)")
        } else {
          #expect(lost.count == 0)
          #expect(difference(kind, wanted) == nil, "\(generator): \(source) to \(target)")
        }
      }
    }
  }

  @Test("bytes that are no UTF-8 are no text")
  func invalidText() throws {
    let values: [Literal?] = [
      .binary([0x61], .binary), nil, .binary([0xFF], .binary), .binary([0xC3, 0xA9], .binary),
      .binary([0xED, 0xA0, 0x80], .binary), .binary([], .binary), .binary([0xC3], .binary),
    ]
    for junk in [0, 3] {
      let column = Column.of(.binary, values, junk: junk)
      for target in [DataType.utf8, .largeUtf8, .utf8View] {
        let found = try evaluate(.tryCast(a, target), [column])
        let text = try evaluate(.cast(a, .utf8), [found]).rows
        #expect(same(text, [.utf8("a"), nil, nil, .utf8("é"), nil, .utf8(""), nil]), "\(target)")
        #expect(
          message { _ = try evaluate(.cast(a, target), [column]) }
            == "cast: the bytes 0xff are no UTF-8, which \(target) is; keep such rows out with a filter or a case")
      }
    }
  }

  private static let encodable: [DataType] = [.int8, .uint64, .float64, .utf8, .binary, .bool, .utf8View, .date32]

  @Test("dictionaries are what their rows name, and are made of distinct values", arguments: encodable)
  func dictionaries(_ value: DataType) throws {
    var generator = SeededGenerator()
    for index in [DataType.uint16, .int32, .int64] {
      let type = DataType.dictionary(index: index, value: value, ordered: false)
      let column = WideColumns.column(value, 1000, &generator)
      let encoded = try evaluate(.cast(a, type), [column])
      #expect(encoded.type == type)
      #expect(encoded.children[0].length <= Set(column.literals.map { "\($0)" }).count)
      #expect(difference(try evaluate(.cast(a, value), [encoded.slice(7..<600)]), column.slice(7..<600)) == nil)
      if value == .utf8View { continue }
      let wanted = try PyArrow.columns([encoded], "return [a.dictionary_decode()]")[0]
      #expect(difference(wanted, column) == nil, "\(generator): \(type)")
    }
    let small = DataType.dictionary(index: .int8, value: .int64, ordered: false)
    let many = Column.of(.int64, (0..<200).map { .int64(Int64($0)) })
    #expect(
      message { _ = try evaluate(.cast(a, small), [many]) }
        == "cast: a batch has more than 128 distinct values, and \(small) counts no more; "
        + "use a dictionary with wider indices, or smaller batches (--batch-rows)")
    #expect(try evaluate(.cast(a, small), [many.slice(0..<128)]).length == 128)
  }

  @Test("lists change their layout and their items, and structs their fields")
  func nested() throws {
    var generator = SeededGenerator()
    let list = WideColumns.column(.list(of: .int32), 1000, &generator)
    for target in [DataType.list(of: .int64), .largeList(Field("item", .utf8)), .largeList(Field("item", .int32))] {
      let found = try evaluate(.cast(a, target), [list])
      let wanted = try PyArrow.columns([list], "return [a.cast(\(WideColumns.python(target)))]")[0]
      let different = difference(found, wanted)
      #expect(different == nil, "\(generator): \(target): \(different ?? "")")
    }
    let fixed = WideColumns.column(.fixedSizeList(Field("item", .int16), size: 3), 1000, &generator)
    let lists = try evaluate(.cast(a, .list(of: .int32)), [fixed])
    let back = try evaluate(.cast(a, fixed.type), [lists])
    #expect(difference(back, fixed) == nil, "\(generator)")
    let wanted = try PyArrow.columns([fixed], "return [a.cast(pa.list_(pa.int32()))]")[0]
    #expect(difference(lists, wanted) == nil, "\(generator)")
    let triple = DataType.fixedSizeList(Field("item", .int32), size: 3)
    #expect(
      message { _ = try evaluate(.cast(a, triple), [list]) }?.contains("does not fit fixed_size_list") == true)
    let record = WideColumns.column(.struct([Field("a", .int64), Field("b", .utf8)]), 1000, &generator)
    let target = DataType.struct([Field("a", .utf8), Field("b", .largeUtf8)])
    let found = try evaluate(.cast(a, target), [record])
    let fields = try PyArrow.columns(
      [record],
      "return [a.cast(pa.struct([('a', pa.string()), ('b', pa.large_string())]))]")[0]
    #expect(difference(found, fields) == nil, "\(generator)")
    let map = WideColumns.column(.map(.utf8, to: .int32), 1100, &generator)
    let wide = try evaluate(.cast(a, .map(.utf8, to: .int64)), [map])
    let entries = try PyArrow.columns([map], "return [a.cast(pa.map_(pa.string(), pa.int64()))]")[0]
    #expect(difference(wide, entries) == nil, "\(generator)")
    #expect(difference(try evaluate(.cast(a, map.type), [wide]), map) == nil, "\(generator)")
  }

  @Test("a null of no type is a null of any", arguments: RandomColumns.types)
  func nulls(_ type: DataType) throws {
    let column = Column.nulls(.null, count: 5)
    #expect(try evaluate(.cast(a, type), [column]) == Column.nulls(type, count: 5))
  }

  @Test("a pair of types has a cast or a sentence that says why not")
  func everyPair() throws {
    var generator = SeededGenerator()
    for source in RandomColumns.types {
      let column = WideColumns.column(source, 40, &generator)
      for target in RandomColumns.types {
        let schema = Schema([Field("a", source)])
        if let refusal = message({ _ = try Expression.tryCast(a, target).resolvedType(in: schema) }) {
          #expect(refusal.contains("cannot be cast to"), "\(refusal)")
        } else {
          let found = try evaluate(.tryCast(a, target), [column])
          #expect(found.type == target && found.length == 40, "\(source) to \(target)")
        }
      }
    }
  }
}
