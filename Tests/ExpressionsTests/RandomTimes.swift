import Arrow
import TestSupport
import VolleyPlan

/// Times of the years 1981 to 2037, for which pyarrow has all zones' rules, some on borders, some null.
enum RandomTimes {
  static func column(
    _ type: DataType, _ generator: inout SeededGenerator, count: Int,
    seconds: ClosedRange<Int64> = 347_000_000...2_120_000_000
  ) -> Column {
    let values = (0..<count).map { _ in
      Int.random(in: 0..<9, using: &generator) == 0 ? nil : value(type, seconds, &generator)
    }
    return .of(type, values, junk: Int.random(in: 0...70, using: &generator))
  }

  /// Some of the seconds at which clocks changed: in Berlin, New York, on Lord Howe, in Samoa, and once in Kathmandu.
  private static let changes: [Int64] = [
    354_675_600, 1_301_187_600, 1_319_936_400, 2_090_451_600, 2_108_595_600, 1_299_999_600, 1_320_559_200,
    1_301_756_400,
    1_317_483_000, 1_301_752_800, 1_316_872_800, 1_325_239_200, 1_333_202_400, 504_901_800,
  ]

  static func value(
    _ type: DataType, _ seconds: ClosedRange<Int64>, _ generator: inout SeededGenerator
  ) -> Literal {
    var second = Int64.random(in: seconds, using: &generator)
    switch Int.random(in: 0..<8, using: &generator) {
    case 0...1: second -= second % 86_400
    // Where a zone's clock changes, in UTC or as the clock shows it, and where its day begins.
    case 2:
      let near = changes.randomElement(using: &generator)! + .random(in: -28...28, using: &generator) * 1800
      if seconds.contains(near) { second = near - (Bool.random(using: &generator) ? 1 : 0) }
    case 3: second -= second % 900
    default: break
    }
    switch type {
    case .timestamp(let unit, let zone):
      let perSecond = scale(unit)
      let fraction = Bool.random(using: &generator) ? 0 : Int64.random(in: 0..<perSecond, using: &generator)
      return .timestamp(second * perSecond + fraction, unit, timezone: zone)
    case .date32: return .integer(Int128(second / 86_400), type)
    case .date64: return .integer(Int128(second / 86_400 * 86_400_000), type)
    case .time32(let unit), .time64(let unit):
      return .integer(Int128(Int64.random(in: 0..<86_400 * scale(unit), using: &generator)), type)
    case .duration(let unit):
      return .integer(Int128(Int64.random(in: -1_000_000...1_000_000, using: &generator) * scale(unit)), type)
    default: preconditionFailure("\(type) is no type of time")
    }
  }

  /// Units in a second.
  static func scale(_ unit: TimeUnit) -> Int64 {
    switch unit {
    case .second: 1
    case .millisecond: 1000
    case .microsecond: 1_000_000
    case .nanosecond: 1_000_000_000
    }
  }
}
