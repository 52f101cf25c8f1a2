import VolleyPlan

extension EveryFunctionTests {
  static func rounding() -> [Comparison] {
    var list: [Comparison] = []
    let widest = DataType.decimal128(precision: 38, scale: 10)
    // One digit more in front of the point does not fit.
    let fractions = DataType.decimal128(precision: 38, scale: 37)
    for name in ["ceil", "floor", "trunc"] {
      for type in [DataType.float32, .float64, money, widest, fractions] {
        list.append(Comparison(name, [.wide(type)], "pc.\(name)(a)"))
      }
      for type in [DataType.int8, .int64, .uint64] { list.append(Comparison(name, [.wide(type)], "a")) }
    }
    let halves = "round_mode='half_towards_infinity'"
    for type in [DataType.float32, .float64, money] {
      list.append(Comparison("round", [.tame(type)], "pc.round(a, \(halves))"))
      list.append(
        Comparison("round", [.tame(type)], "pc.round(a, ndigits=1, \(halves))", call: call("round", a, .int(1))))
    }
    for type in [widest, fractions] {
      for digits in [Int64(0), 1, 3] {
        let python = "each(lambda x: x.quantize(D(1).scaleb(\(-digits)), rounding=decimal.ROUND_HALF_UP), a)"
        list.append(Comparison("round", [.wide(type)], python, call: call("round", a, .int(digits))))
      }
    }
    for type in [DataType.int8, .int64, .uint64] {
      let python = "each(lambda x: int(D(x).quantize(D('1E1'), rounding=decimal.ROUND_HALF_UP)), a)"
      list.append(Comparison("round", [.wide(type)], python, call: call("round", a, .int(-1))))
    }
    return list
  }
}
