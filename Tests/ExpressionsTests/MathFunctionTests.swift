import Arrow
import ArrowTestSupport
import Expressions
import TestSupport
import Testing
import VolleyPlan

/// Mathematics, compared with pyarrow value by value.
@Suite("mathematics", .serialized)
struct MathFunctionTests {
  private func check(
    _ expression: Expression, _ columns: [Column], _ python: String, _ generator: SeededGenerator, ulps: Double = 0
  ) throws {
    let found = try evaluate(expression, columns)
    let wanted = try PyArrow.columns(columns, prelude: PeerPrelude.text, "return [\(python)]")[0]
    if ulps == 0 || found.type != wanted.type {
      let different = difference(found, wanted)
      #expect(different == nil, "\(generator): \(python): \(different ?? "")")
      return
    }
    for row in 0..<found.length {
      let isClose =
        found.isValid(row) == wanted.isValid(row)
        && (!found.isValid(row) || close(found.literal(at: row), wanted.literal(at: row), ulps: ulps))
      #expect(isClose, "\(generator): \(python): \(found.text(at: row)) instead of \(wanted.text(at: row))")
      if !isClose { return }
    }
  }

  @Test("functions of a real number are pyarrow's", arguments: [DataType.float64, .float32, .int64, .int8, .uint32])
  func real(_ type: DataType) throws {
    var generator = SeededGenerator()
    let column = WideColumns.column(type, 1200, &generator)
    // pyarrow computes small integers as float64 too.
    for name in ["sqrt", "exp", "ln", "log10", "log2", "sin", "cos", "tan", "asin", "acos", "atan"] {
      try check(call(name, a), [column], "pc.\(name)(real(a))", generator, ulps: name == "sqrt" ? 0 : 2)
    }
    try check(call("degrees", a), [column], "each(lambda x: x * (180 / math.pi), a, type=real(a).type)", generator)
    try check(call("radians", a), [column], "each(lambda x: x * (math.pi / 180), a, type=real(a).type)", generator)
    let other = WideColumns.column(type, 1200, &generator)
    try check(call("atan2", a, b), [column, other], "pc.atan2(real(a), real(b))", generator, ulps: 2)
    let positive = try [column, other].map { column in
      try evaluate(
        .caseWhen([.init(condition: call("greater_than", a, .int(0)), value: a)], otherwise: nil), [column])
    }
    try check(call("log", a, b), positive, "pc.logb(real(a), real(b))", generator, ulps: 4)
    if type == .float64 || type == .float32 {
      try check(call("power", a, b), [column, other], "pc.power(a, b)", generator, ulps: 2)
      for name in ["is_nan", "is_finite"] { try check(call(name, a), [column], "pc.\(name)(a)", generator) }
      try check(call("is_infinite", a), [column], "pc.is_inf(a)", generator)
    } else {
      try check(call("is_finite", a), [column], "pc.is_finite(a)", generator)
      try check(call("is_nan", a), [column], "pc.is_nan(a)", generator)
    }
  }

  @Test("half floats are computed as float32, and decimals as float64")
  func otherReals() throws {
    var generator = SeededGenerator()
    let half = WideColumns.column(.float16, 1000, &generator)
    try check(call("sin", a), [half], "pc.sin(a.cast(pa.float32()))", generator, ulps: 2)
    try check(call("floor", a), [half], "pc.floor(a.cast(pa.float32()))", generator)
    let decimal = WideColumns.column(.decimal128(precision: 12, scale: 2), 1000, &generator)
    try check(
      call("sqrt", a), [decimal],
      "pc.sqrt(pa.array([None if v is None else float(v) for v in a.to_pylist()], pa.float64()))", generator)
    #expect(try evaluate(call("pi"), [decimal]).rows.allSatisfy { $0 == .float64(.pi) })
  }

  @Test("rounding is pyarrow's, with halves away from zero", arguments: WideColumns.numbers.filter { $0 != .float16 })
  func rounding(_ type: DataType) throws {
    var generator = SeededGenerator()
    let column = WideColumns.column(type, 1200, &generator)
    let isInteger = WideColumns.integers.contains(type)
    for digits in [-3, -1, 0, 1, 2, 5] {
      let round = call("round", a, .int(Int64(digits)))
      if type.description.hasPrefix("float") || isInteger && digits >= 0 {
        // pyarrow stops for values that become infinite on the way.
        let tame =
          isInteger
          ? column
          : try evaluate(
            .caseWhen([.init(condition: call("less_than", call("abs", a), .float(1e30)), value: a)], otherwise: nil),
            [column])
        try check(
          round, [tame], "pc.round(a, ndigits=\(digits), round_mode='half_towards_infinity')", generator)
        continue
      }
      // What does not fit stops, so the rows that do are found first.
      let fits = try PyArrow.columns(
        [column], prelude: PeerPrelude.text,
        """
        def one(x):
            r = D(x).quantize(D(1).scaleb(\(-digits)), rounding=decimal.ROUND_HALF_UP)
            try: return pa.array([int(r) if pa.types.is_integer(a.type) else r], a.type)[0].as_py() is not None
            except (pa.ArrowInvalid, OverflowError): return False
        return [each(one, a, type=pa.bool_())]
        """)[0]
      let kept = column.gather(Selection((0..<1200).filter { fits.literal(at: $0) == .bool(true) }))
      let lost = column.gather(Selection((0..<1200).filter { fits.literal(at: $0) == .bool(false) }))
      try check(
        round, [kept],
        "each(lambda x: (int if pa.types.is_integer(a.type) else D)(D(x).quantize(D(1).scaleb(\(-digits)), "
          + "rounding=decimal.ROUND_HALF_UP)), a)", generator)
      for row in 0..<min(lost.length, 20) {
        let text = message { _ = try evaluate(round, [lost.slice(row..<(row + 1))]) }
        #expect(
          text?.hasPrefix("round: round of \(lost.text(at: row)) does not fit \(type)") == true, "\(text ?? "nil")")
      }
    }
    for name in ["ceil", "floor", "trunc"] {
      if isInteger {
        #expect(try evaluate(call(name, a), [column]) == column)
      } else if type.description.hasPrefix("float") {
        try check(call(name, a), [column], "pc.\(name)(a)", generator)
      } else {
        let inner = try evaluate(
          .caseWhen(
            [
              .init(
                condition: call("less_than", call("abs", a), .literal(WideColumns.value(.int8, &generator))), value: a)
            ],
            otherwise: nil), [column])
        try check(call(name, a), [inner], "pc.\(name)(a)", generator)
      }
    }
    try check(call("sign", a), [column], "pc.sign(a)", generator)
    let least = WideColumns.integer(WideColumns.range(type).0, type)
    let isSigned = isInteger && !type.description.hasPrefix("u")
    let safe = column.gather(
      Selection((0..<1200).filter { !isSigned || !column.isValid($0) || column.literal(at: $0) != least }))
    try check(call("abs", a), [safe], "pc.abs_checked(a)", generator)
  }

  @Test("the least integer has no absolute value")
  func abs() throws {
    for type in [DataType.int8, .int16, .int32, .int64] {
      let (low, _) = WideColumns.range(type)
      let column = Column.of(type, [nil, WideColumns.integer(low, type)])
      let text = message { _ = try evaluate(call("abs", a), [column]) }
      #expect(text?.hasPrefix("abs: abs(\(low)) does not fit \(type); ") == true, "\(text ?? "nil")")
    }
  }

  @Test("bits of integers are pyarrow's", arguments: WideColumns.integers)
  func bits(_ type: DataType) throws {
    var generator = SeededGenerator()
    let columns = (0..<2).map { _ in WideColumns.column(type, 1200, &generator) }
    for (name, peer) in [("bit_and", "bit_wise_and"), ("bit_or", "bit_wise_or"), ("bit_xor", "bit_wise_xor")] {
      try check(call(name, a, b), columns, "pc.\(peer)(a, b)", generator)
    }
    try check(call("bit_not", a), columns, "pc.bit_wise_not(a)", generator)
    let width = Int(type.description.drop { !$0.isNumber })!
    let shifts = Column.of(
      type,
      (0..<1200).map { _ in WideColumns.integer(Int128(Int.random(in: 0..<(width - 1), using: &generator)), type) })
    for name in ["shift_left", "shift_right"] {
      try check(call(name, a, b), [columns[0], shifts], "pc.\(name)_checked(a, b)", generator)
      let far = Column.of(type, [WideColumns.integer(Int128(width), type)])
      #expect(
        message { _ = try evaluate(call(name, a, a), [far]) }?.hasPrefix(
          "\(name): \(width) cannot be shifted by \(width) bits") == true)
    }
  }

  @Test("integers to the power of integers are pyarrow's, or stop", arguments: WideColumns.integers)
  func powers(_ type: DataType) throws {
    var generator = SeededGenerator()
    var failures = 0
    var good: [(Literal, Literal)] = []
    for _ in 0..<1200 {
      let (low, high) = WideColumns.range(type)
      let base = WideColumns.integer(Int128.random(in: max(low, -12)...min(high, 12), using: &generator), type)
      let exponent = WideColumns.integer(Int128.random(in: max(low, -1)...24, using: &generator), type)
      let row = [Column.of(type, [base]), Column.of(type, [exponent])]
      if (try? evaluate(call("power", a, b), row)) == nil { failures += 1 } else { good.append((base, exponent)) }
    }
    #expect(failures > 10 && good.count > 200)
    let columns = [Column.of(type, good.map(\.0)), Column.of(type, good.map(\.1))]
    try check(call("power", a, b), columns, "pc.power_checked(a, b)", generator)
  }

  private static let ordered: [DataType] =
    WideColumns.integers + WideColumns.decimals + [
      .float32, .float64, .utf8, .date32, .timestamp, .binary,
    ]

  @Test("the greatest and the least pass over nulls and NaN as in pyarrow", arguments: ordered)
  func extremes(_ type: DataType) throws {
    var generator = SeededGenerator()
    let columns = (0..<3).map { _ -> Column in
      let column = WideColumns.column(type, 1100, &generator)
      // -0.0 and 0.0 are equal: which of them is the greater is not said.
      if type == .float32 || type == .float64 {
        let zero = Expression.Branch(condition: call("equal", a, .int(0)), value: .literal(.null(type)))
        return (try? evaluate(.caseWhen([zero], otherwise: a), [column])) ?? column
      }
      return column
    }
    for (name, peer) in [("greatest", "max"), ("least", "min")] {
      try check(.call(name, [a, b, c]), columns, "pc.\(peer)_element_wise(a, b, c)", generator)
      try check(.call(name, [a]), columns, "a", generator)
    }
  }
}
