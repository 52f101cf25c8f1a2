import VolleyPlan

extension EveryFunctionTests {
  private static let integers: [DataType] = [.int8, .int64, .uint32]
  private static let floats: [DataType] = [.float32, .float64]
  static let money = DataType.decimal128(precision: 12, scale: 2)

  static func numbers() -> [Comparison] {
    var list = comparisonsAndLogic() + powers()
    for type in integers {
      let both: [RandomArgument] = [.wide(type), .wide(type)]
      for name in ["add", "subtract", "multiply", "divide"] {
        list.append(Comparison(name, both, "pc.\(name)_checked(a, b)"))
        list.append(Comparison("try_\(name)", both, "tried(pc.\(name)_checked, a, b)"))
        if name != "divide" { list.append(Comparison("\(name)_wrapping", both, "pc.\(name)(a, b)")) }
      }
      list.append(Comparison("modulo", both, "whole_remainder(a, b)"))
      list.append(Comparison("try_modulo", both, "tried(whole_remainder, a, b)"))
      list.append(Comparison("negate_wrapping", [.wide(type)], "pc.negate(a)"))
      list.append(Comparison("sign", [.wide(type)], "pc.sign(a)"))
      for name in ["and", "or", "xor"] { list.append(Comparison("bit_\(name)", both, "pc.bit_wise_\(name)(a, b)")) }
      list.append(Comparison("bit_not", [.wide(type)], "pc.bit_wise_not(a)"))
      for name in ["shift_left", "shift_right"] {
        // pyarrow does not shift int8 by 7 bits.
        list.append(Comparison(name, [.wide(type), .between(0...6, type)], "pc.\(name)_checked(a, b)"))
      }
    }
    for type in [DataType.int8, .int64] {
      list.append(Comparison("negate", [.wide(type)], "pc.negate_checked(a)"))
      list.append(Comparison("try_negate", [.wide(type)], "tried(pc.negate_checked, a)"))
      list.append(Comparison("abs", [.wide(type)], "pc.abs_checked(a)"))
    }
    for type in floats {
      let both: [RandomArgument] = [.wide(type), .wide(type)]
      for name in ["add", "subtract", "multiply", "divide"] {
        list.append(Comparison(name, both, "pc.\(name)(a, b)"))
        list.append(Comparison("try_\(name)", both, "pc.\(name)(a, b)"))
      }
      list.append(Comparison("modulo", both, "each(remainder, a, b)"))
      list.append(Comparison("is_nan", [.wide(type)], "pc.is_nan(a)"))
      list.append(Comparison("is_finite", [.wide(type)], "pc.is_finite(a)"))
      list.append(Comparison("is_infinite", [.wide(type)], "pc.is_inf(a)"))
    }
    for name in ["add", "subtract", "multiply"] {
      list.append(Comparison(name, [.wide(money), .wide(money)], "pc.\(name)_checked(a, b)"))
    }
    for type in floats + [money] {
      for name in ["negate", "abs", "sign"] { list.append(Comparison(name, [.wide(type)], "pc.\(name)(a)")) }
    }
    return list
  }

  private static func comparisonsAndLogic() -> [Comparison] {
    var list: [Comparison] = []
    let ordered: [DataType] = [.uint64, .float32, .float64, .utf8, .timestamp, .binary, money]
    let peers = [
      ("equal", "equal"), ("not_equal", "not_equal"), ("less_than", "less"), ("less_than_or_equal", "less_equal"),
      ("greater_than", "greater"), ("greater_than_or_equal", "greater_equal"),
    ]
    for type in ordered {
      for (name, peer) in peers { list.append(Comparison(name, [.wide(type), .wide(type)], "pc.\(peer)(a, b)")) }
    }
    for type in integers + ordered {
      // Which of 0.0 and -0.0 is the greater is not said.
      let three: [RandomArgument] = [.nonzero(type), .nonzero(type), .nonzero(type)]
      list.append(Comparison("greatest", three, "pc.max_element_wise(a, b, c)"))
      list.append(Comparison("least", three, "pc.min_element_wise(a, b, c)"))
    }
    list.append(Comparison("and", [.wide(.bool), .wide(.bool)], "pc.and_kleene(a, b)"))
    list.append(Comparison("or", [.wide(.bool), .wide(.bool)], "pc.or_kleene(a, b)"))
    list.append(Comparison("not", [.wide(.bool)], "pc.invert(a)"))
    for type in [DataType.int64, .float64, .utf8, .bool, .list(of: .int32)] {
      list.append(Comparison("is_null", [.wide(type)], "pc.is_null(a)"))
      list.append(Comparison("is_not_null", [.wide(type)], "pc.is_valid(a)"))
    }
    return list
  }

  private static func powers() -> [Comparison] {
    var list = [Comparison("pi", [], "pa.array([math.pi] * len(a))")]
    for type in [DataType.float32, .float64, .int64] {
      for name in ["exp", "ln", "log10", "log2", "sin", "cos", "tan", "asin", "acos", "atan"] {
        list.append(Comparison(name, [.wide(type)], "pc.\(name)(real(a))", ulps: 2))
      }
      list.append(Comparison("sqrt", [.wide(type)], "pc.sqrt(real(a))"))
      list.append(Comparison("degrees", [.wide(type)], "each(lambda x: x * (180 / math.pi), a, type=real(a).type)"))
      list.append(Comparison("radians", [.wide(type)], "each(lambda x: x * (math.pi / 180), a, type=real(a).type)"))
      list.append(Comparison("atan2", [.wide(type), .wide(type)], "pc.atan2(real(a), real(b))", ulps: 2))
      let positive: [RandomArgument] = [.between(1...1_000_000, type), .between(2...1000, type)]
      list.append(Comparison("log", positive, "pc.logb(real(a), real(b))", ulps: 4))
    }
    for type in floats { list.append(Comparison("power", [.wide(type), .wide(type)], "pc.power(a, b)", ulps: 2)) }
    for type in integers {
      // An exponent below 0 stops the job, and so does what does not fit.
      let least = type == .uint32 ? 0 : -1
      let sides: [RandomArgument] = [.between(12 * least...12, type), .between(least...24, type)]
      list.append(Comparison("power", sides, "pc.power_checked(a, b)"))
    }
    return list
  }
}
