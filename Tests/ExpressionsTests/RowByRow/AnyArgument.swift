import Arrow
import ArrowTestSupport
import TestSupport
import VolleyPlan

@testable import Expressions

/// Arguments for any function, among them the values of each type at which kernels go wrong.
enum AnyArgument {
  static let types: [DataType] =
    RandomColumns.types + WideColumns.numbers + [
      .utf8, .utf8, .int64, .int64, .timestamp, .null, .list(of: .float16), .list(of: .largeUtf8),
      .map(.binaryView, to: .int8), .decimal128(precision: 38, scale: -20), .decimal128(precision: 38, scale: 38),
    ]

  /// Types that functions take together.
  static let families: [[DataType]] = [
    types, WideColumns.numbers, [.utf8], [.bool],
    [
      .timestamp, .timestamp(.nanosecond, timezone: "UTC"), .timestamp(.second, timezone: "Europe/Berlin"),
      .timestamp(.millisecond), .date32, .date64, .time64(.nanosecond), .duration(.second), .interval(.yearMonth),
      .interval(.monthDayNano), .interval(.dayTime), .int64,
    ],
  ]

  private static let texts = [
    "", "a", "é", "b,a", "day", "hours", "month", "year", "nanosecond", "quarter", "UTC", "Europe/Berlin", "+02:00",
    "%Y-%m-%d", "%d", "$", "$.a[0]", "$[-1]", "a%_b", "%", "(a)|(b*)", "a*?", "\\b", "earliest", "latest", "monday",
    "second", "epoch", "iso_year", "2024-03-31 02:30:00", "{\"a\":[1]}", "1e5", "-1", "true",
  ]

  /// Constants that a function takes in one place, which would rarely come by chance.
  static let hints: [String: (place: Int, texts: [String])] = {
    let units = ["nanosecond", "second", "hour", "day", "weeks", "month", "quarter", "year"]
    let fields = ["a", "b", "c"]
    let (zones, formats) = (["UTC", "Europe/Berlin", "-00:30"], ["%Y-%m-%d", "%H:%M:%S", "%j %a %z", "%G-%V"])
    return [
      "date_truncate": (0, units), "date_ceil": (0, units), "date_add": (0, units), "date_diff": (0, units),
      "extract": (0, ["year", "iso_year", "week", "epoch", "hour", "nanosecond", "day_of_year"]),
      "assume_zone": (1, zones), "to_zone": (1, zones), "date_format": (1, formats), "date_parse": (1, formats),
      "try_date_parse": (1, formats), "struct_field": (1, fields),
    ]
  }()

  static func value(_ type: DataType, tame: Bool, _ generator: inout SeededGenerator) -> Literal {
    switch type {
    case .null: return .null(.null)
    case .utf8 where Bool.random(using: &generator): return .utf8(texts.randomElement(using: &generator)!)
    case .int64 where tame || Bool.random(using: &generator):
      return .int64([.min, .min + 1, -3, -1, 0, 1, 2, 3, 7, 100, .max].randomElement(using: &generator)!)
    case .timestamp(let unit, let zone) where Bool.random(using: &generator):
      let limits: [Int64] = [.min, .min + 1, -1, 0, 1, 1_711_850_400_000_000, -62_167_219_200_000_000, .max - 1, .max]
      return .timestamp(limits.randomElement(using: &generator)!, unit, timezone: zone)
    case .date32 where Bool.random(using: &generator):
      return .integer([Int128(Int32.min), -1, 0, 1, Int128(Int32.max)].randomElement(using: &generator)!, type)
    case .date64, .duration:
      guard Bool.random(using: &generator) else { return RandomColumns.value(type, &generator) }
      return .integer([Int128(Int64.min), -1, 0, 1, Int128(Int64.max)].randomElement(using: &generator)!, type)
    case .interval(let unit) where Bool.random(using: &generator):
      let low = Bool.random(using: &generator)
      let extreme = low ? Int32.min : Int32.max
      let nanoseconds = unit == .dayTime ? Int64(extreme) * 1_000_000 : low ? .min : .max
      return .interval(
        months: unit == .dayTime ? 0 : extreme, days: unit == .yearMonth ? 0 : extreme,
        nanoseconds: unit == .yearMonth ? 0 : nanoseconds, unit)
    default:
      return WideColumns.numbers.contains(type) && (!tame || type.integerShape == nil)
        ? WideColumns.value(type, &generator) : small(type, &generator)
    }
  }

  private static func small(_ type: DataType, _ generator: inout SeededGenerator) -> Literal {
    guard type.integerShape != nil else { return RandomColumns.value(type, &generator) }
    return WideColumns.integer(Int128.random(in: 0...9, using: &generator), type)
  }

  /// One argument: a column's name or a constant.
  static func argument(
    of family: [DataType], tame: Bool, _ columns: inout [Column], rows: Int, _ generator: inout SeededGenerator
  ) -> Expression {
    // Of texts that are as long as they are asked to be, no number but the few above is one of characters.
    let any = tame ? [.utf8, .int64, .bool, .null] : types
    let type = (tame || Int.random(in: 0..<5, using: &generator) == 0 ? any : family).randomElement(using: &generator)!
    if Int.random(in: 0..<5, using: &generator) < 2 {
      let constant = Bool.random(using: &generator) ? .utf8 : type
      return .literal(value(constant, tame: tame, &generator))
    }
    let values = (0..<rows).map { _ in
      Int.random(in: 0..<6, using: &generator) == 0 ? Literal.null(type) : value(type, tame: tame, &generator)
    }
    columns.append(RandomColumns.column(type, values, offset: type == .null ? 0 : 3))
    return .column(letter(columns.count - 1))
  }
}
