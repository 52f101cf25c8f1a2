import Arrow
import ArrowTestSupport
import Expressions
import TestSupport
import Testing
import VolleyPlan

/// Arithmetic and comparison of all number types, compared with pyarrow and with Python's exact numbers.
@Suite("arithmetic of all types", .serialized)
struct WideArithmeticTests {
  private static let operations = ["add", "subtract", "multiply", "divide"]
  private static let names = ["add", "subtract", "multiply", "divide", "modulo"]

  /// Random sides and a division now and then by 0.
  private func sides(_ type: DataType, _ generator: inout SeededGenerator) -> [Column] {
    (0..<2).map { _ in WideColumns.column(type, 1200, &generator) }
  }

  @Test("integers compute as in pyarrow where there is a result", arguments: WideColumns.integers)
  func integers(_ type: DataType) throws {
    var generator = SeededGenerator()
    let columns = sides(type, &generator)
    for name in Self.names {
      let found = try evaluate(call("try_\(name)", a, b), columns)
      #expect(found.type == type)
      let both = Column.of(
        .bool, (0..<1200).map { columns[0].isValid($0) && columns[1].isValid($0) ? .bool(true) : nil })
      let (kept, lost) = WideColumns.rows(both, lost: found)
      let script =
        name == "modulo"
        ? "import math\nreturn [pa.array([int(abs(x) % abs(y)) * (-1 if x < 0 else 1) for x, y in "
          + "zip(a.to_pylist(), b.to_pylist())], a.type)]" : "return [pc.\(name)_checked(a, b)]"
      let wanted = try PyArrow.columns(columns.map { $0.gather(kept) }, script)[0]
      let different = difference(found.gather(kept), wanted)
      #expect(different == nil, "\(generator): \(name) of \(type): \(different ?? "")")
      #expect(lost.count > 0, "\(generator): no \(name) of \(type) fails")
      let operation = name == "modulo" ? "divide" : name
      _ = try PyArrow.columns(
        columns.map { $0.gather(lost.prefix(150)) },
        """
        for i in range(len(a)):
            try: pc.\(operation)_checked(a.slice(i, 1), b.slice(i, 1))
            except pa.ArrowInvalid: continue
            raise Exception(f'\(generator): \(name) of {a[i]} and {b[i]} has a result')
        return [a]
        """)
      let row = columns.map { $0.gather(lost.prefix(1)) }
      let text = message { _ = try evaluate(call(name, a, b), columns) } ?? ""
      #expect(text.hasPrefix("\(name): \(row[0].text(at: 0)) "), "\(generator): \(text)")
      #expect(message { _ = try evaluate(call(name, a, b), row) } == text)
      #expect(try evaluate(call(name, a, b), columns.map { $0.gather(kept) }) == found.gather(kept))
      if name == "divide" || name == "modulo" { continue }
      let wrapped = try evaluate(call("\(name)_wrapping", a, b), columns)
      let other = try PyArrow.columns(columns, "return [pc.\(name)(a, b)]")[0]
      #expect(difference(wrapped, other) == nil, "\(generator): \(name)_wrapping of \(type)")
    }
    let wrapped = try evaluate(call("negate_wrapping", a), columns)
    #expect(try wrapped == PyArrow.columns(columns, "return [pc.negate(a)]")[0], "\(generator)")
    let negated = try evaluate(call("try_negate", a), columns)
    for row in 0..<1200 where columns[0].isValid(row) {
      let value = -Int128(columns[0].text(at: row))!
      let (low, high) = WideColumns.range(negated.type)
      let wanted = value < low || value > high ? "null" : "\(value)"
      #expect(negated.text(at: row) == wanted, "\(generator): negate of \(type)")
    }
  }

  @Test("floats of 32 bits compute as in pyarrow, bit by bit")
  func floats() throws {
    var generator = SeededGenerator()
    let columns = sides(.float32, &generator)
    for name in Self.operations {
      for prefix in ["", "try_"] {
        let found = try evaluate(call(prefix + name, a, b), columns)
        let different = difference(found, try PyArrow.columns(columns, "return [pc.\(name)(a, b)]")[0])
        #expect(different == nil, "\(generator): \(name): \(different ?? "")")
      }
    }
    #expect(try evaluate(call("negate", a), columns) == PyArrow.columns(columns, "return [pc.negate(a)]")[0])
    let halves = sides(.float16, &generator)
    let sum = try evaluate(call("add", a, b), halves)
    let wanted = try PyArrow.columns(halves, "return [pc.add(a.cast(pa.float32()), b.cast(pa.float32()))]")[0]
    #expect(difference(sum, wanted) == nil, "\(generator)")
  }

  /// Python's exact results of decimals, null where they do not fit.
  private static let decimals = """
    import decimal
    D = decimal.Decimal
    decimal.getcontext().prec = 120
    def computed(name, a, b, type):
        def one(x, y):
            if x is None or y is None or (y == 0 and name in ('divide', 'modulo')): return None
            if name == 'add': r = x + y
            elif name == 'subtract': r = x - y
            elif name == 'multiply': r = x * y
            elif name == 'modulo': r = abs(x) % abs(y) * (-1 if x < 0 else 1)
            else: r = (x / y)
            r = r.quantize(D(1).scaleb(-type.scale), rounding=decimal.ROUND_DOWN)
            return r if abs(r) < D(10) ** (type.precision - type.scale) else None
        return pa.array([one(x, y) for x, y in zip(a.to_pylist(), b.to_pylist())], type)

    """

  @Test("decimals compute exactly, in pyarrow's types")
  func decimals() throws {
    var generator = SeededGenerator()
    let types: [DataType] = [
      .decimal128(precision: 38, scale: 10), .decimal128(precision: 12, scale: 2), .decimal128(precision: 7, scale: 5),
      .decimal128(precision: 20, scale: 0),
    ]
    for left in types {
      for right in types {
        let columns = [WideColumns.column(left, 1000, &generator), WideColumns.column(right, 1000, &generator)]
        for name in Self.names {
          // Sides that are brought to one scale may not fit it: those rows stop.
          let found = try? evaluate(call("try_\(name)", a, b), columns)
          guard let found else {
            #expect(left != right, "\(generator): \(name) of \(left) and \(right)")
            continue
          }
          let wanted = try PyArrow.columns(
            columns, prelude: Self.decimals,
            "return [computed('\(name)', a, b, \(WideColumns.python(found.type)))]")[0]
          let different = difference(found, wanted)
          #expect(different == nil, "\(generator): \(name) of \(left) and \(right): \(different ?? "")")
          if name == "modulo" { continue }
          let peer = try PyArrow.columns(
            columns.map { $0.slice(0..<0) },
            "try: return [pc.\(name)(a, b)]\nexcept pa.ArrowInvalid: return [pa.array([], pa.null())]")[0]
          if peer.type != .null { #expect(peer.type == found.type, "\(name) of \(left) and \(right)") }
        }
      }
    }
    let money = DataType.decimal128(precision: 38, scale: 2)
    let big = Column.of(money, [.integer(99_999_999_999_999_999_999_999_999_999_999_999_999, money)])
    #expect(
      message { _ = try evaluate(call("add", a, a), [big]) }
        == "add: 999999999999999999999999999999999999.99 + 999999999999999999999999999999999999.99 does not fit "
        + "decimal128(38, 2); cast to float64 first, or keep such rows out with a filter or a case")
    let zero = Column.of(money, [.integer(0, money)])
    #expect(
      message { _ = try evaluate(call("divide", a, b), [big, zero]) }?.hasPrefix(
        "divide: 999999999999999999999999999999999999.99 / 0.00 has no result; keep such rows out") == true)
  }

  private static let comparisons: [(String, String)] = [
    ("equal", "equal"), ("not_equal", "not_equal"), ("less_than", "less"), ("less_than_or_equal", "less_equal"),
    ("greater_than", "greater"), ("greater_than_or_equal", "greater_equal"),
  ]

  private static let comparable: [DataType] =
    WideColumns.integers + WideColumns.decimals + [
      .bool, .float32, .float64, .date32, .date64, .time32(.second), .time64(.nanosecond), .duration(.second), .utf8,
      .largeUtf8, .utf8View, .binary, .largeBinary, .binaryView, .fixedSizeBinary(3), .timestamp,
    ]

  @Test("every type compares as in pyarrow, with columns and constants", arguments: comparable)
  func comparison(_ type: DataType) throws {
    var generator = SeededGenerator()
    // Few values, so that some are equal.
    let few = (0..<12).map { _ in WideColumns.value(type, &generator) }
    let columns = (0..<2).map { _ in
      RandomColumns.column(
        type,
        (0..<1100).map { _ in
          Int.random(in: 0..<6, using: &generator) == 0 ? .null(type) : few.randomElement(using: &generator)!
        }, offset: Int.random(in: 0...67, using: &generator))
    }
    let plain: String =
      switch type {
      case .utf8View: ".cast(pa.string())"
      case .binaryView: ".cast(pa.binary())"
      default: ""
      }
    for (name, peer) in Self.comparisons {
      let wanted = try PyArrow.columns(columns, "return [pc.\(peer)(a\(plain), b\(plain))]")[0]
      #expect(try evaluate(call(name, a, b), columns) == wanted, "\(generator): \(name) of \(type)")
      let constant = Column.constant(few[0], count: 1100)
      let same = try PyArrow.columns([columns[0], constant], "return [pc.\(peer)(a\(plain), b\(plain))]")[0]
      #expect(try evaluate(call(name, a, .literal(few[0])), columns) == same, "\(generator): \(name) of \(type)")
    }
  }

  @Test("times of different units compare as in pyarrow")
  func temporalPromotion() throws {
    var generator = SeededGenerator()
    let pairs: [(DataType, DataType)] = [
      (.date32, .date64), (.date32, .timestamp(.second)), (.timestamp(.millisecond), .date32),
      (.time32(.second), .time32(.millisecond)), (.time32(.second), .time64(.nanosecond)),
      (.time64(.microsecond), .time32(.millisecond)), (.time64(.microsecond), .time64(.nanosecond)),
    ]
    for (left, right) in pairs {
      func column(_ type: DataType) -> Column {
        let values = (0..<1000).map { _ in
          Int.random(in: 0..<6, using: &generator) == 0 ? nil : Int64.random(in: -3...3, using: &generator)
        }
        let days = type == .date32 || type == .date64
        let scale: Int64 =
          switch type {
          case .date64: 86_400_000
          case .timestamp(.second, _), .time32(.second): days ? 1 : 3600
          case .timestamp(.millisecond, _), .time32(.millisecond): 3_600_000
          case .time64(.microsecond): 3_600_000_000
          case .time64(.nanosecond): 3_600_000_000_000
          default: 1
          }
        return Column.of(
          type,
          values.map { value in
            guard let value else { return nil }
            if case .timestamp(let unit, let zone) = type {
              return .timestamp(value * scale * 24, unit, timezone: zone)
            }
            return .integer(Int128((days ? value : value + 3) * scale), type)
          }, junk: 3)
      }
      let columns = [column(left), column(right)]
      for (name, peer) in Self.comparisons {
        let wanted = try PyArrow.columns(columns, "return [pc.\(peer)(a, b)]")[0]
        #expect(try evaluate(call(name, a, b), columns) == wanted, "\(generator): \(name) of \(left) and \(right)")
      }
    }
  }

  @Test("a case merges columns of every type, literals and nulls", arguments: RandomColumns.types)
  func cases(_ type: DataType) throws {
    var generator = SeededGenerator()
    for rows in [0, 1, 70, 1100] {
      let choices = WideColumns.column(.bool, rows, &generator)
      let (left, right) = (WideColumns.column(type, rows, &generator), WideColumns.column(type, rows, &generator))
      let constant = WideColumns.value(type, &generator)
      func wanted(_ other: (Int) -> Literal) -> [Literal] {
        (0..<rows).map { choices.literal(at: $0) == .bool(true) ? left.literal(at: $0) : other($0) }
      }
      func decoded(_ literals: [Literal]) -> [String] { literals.map { "\($0)" } }
      let branch = Expression.Branch(condition: a, value: b)
      let merged = try evaluate(.caseWhen([branch], otherwise: c), [choices, left, right])
      #expect(merged.length == rows)
      let same = { (column: Column, values: [Literal]) in
        column.literals.map { Self.plain($0) } == values.map { Self.plain($0) }
      }
      #expect(same(merged, wanted { right.literal(at: $0) }), "\(generator): \(type)")
      let nulls = try evaluate(.caseWhen([branch], otherwise: nil), [choices, left])
      #expect(same(nulls, wanted { _ in .null(type) }), "\(generator): \(type)")
      let constants = try evaluate(.caseWhen([branch], otherwise: .literal(constant)), [choices, left])
      #expect(same(constants, wanted { _ in constant }), "\(generator): \(type)")
      let filled = try evaluate(call("coalesce", a, b), [left, right])
      #expect(
        same(filled, (0..<rows).map { left.isValid($0) ? left.literal(at: $0) : right.literal(at: $0) }),
        "\(generator): coalesce of \(type)")
      // Python has no arrays of the other intervals.
      if rows < 1000 || type == .interval(.yearMonth) || type == .interval(.dayTime) { continue }
      let peers = try PyArrow.columns(
        [choices, left, right],
        """
        def plain(c):
            # pyarrow merges no views, and keeps dictionaries.
            if pa.types.is_dictionary(c.type): return c.dictionary_decode()
            return c.cast({'string_view': pa.string(), 'binary_view': pa.binary()}.get(str(c.type), c.type))
        x, y = plain(b), plain(c)
        type = x.type if pa.types.is_dictionary(b.type) else b.type
        return [pc.if_else(pc.fill_null(a, False), x, y).cast(type), pc.coalesce(x, y).cast(type)]
        """)
      #expect(difference(merged, peers[0]) == nil, "\(generator): \(type)")
      #expect(difference(filled, peers[1]) == nil, "\(generator): coalesce of \(type)")
    }
  }

  /// A value whatever the dictionary or the type of its null; every NaN is one.
  private static func plain(_ literal: Literal) -> String {
    if case .null = literal { return "null" }
    return "\(literal)"
  }

  @Test("mixed numbers meet in pyarrow's type, but where the table of differences says otherwise")
  func promotion() throws {
    let types = WideColumns.integers + [.float32, .float64] + [.decimal128(precision: 12, scale: 2)]
    for left in types {
      for right in types {
        let columns = [Column.nulls(left, count: 0), Column.nulls(right, count: 0)]
        let found = try evaluate(call("add", a, b), columns).type
        let peer = try PyArrow.columns(columns, "return [pc.add(a, b)]")[0].type
        let isWide = [left, right].contains(.float32) && [left, right].contains { Self.wide.contains($0) }
        if isWide {
          #expect(found == .float64 && peer == .float32, "\(left) and \(right)")
        } else if [left, right].contains(.float32), [left, right].contains(where: { $0.description.hasPrefix("dec") }) {
          #expect(found == .float64, "\(left) and \(right)")
        } else {
          #expect(found == peer, "\(left) and \(right)")
        }
      }
    }
  }

  private static let wide: [DataType] = [.int32, .int64, .uint32, .uint64]
}
