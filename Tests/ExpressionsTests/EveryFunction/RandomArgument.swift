import Arrow
import ArrowTestSupport
import TestSupport
import VolleyPlan

/// What the random columns of a comparison hold. All have nulls, and begin somewhere in larger buffers.
enum RandomArgument {
  /// Values of the whole type, its extremes among them, NaN and -0.0 too.
  case wide(DataType)
  /// Numbers as `wide`, with 0.5 in place of floats beyond 1e30.
  case tame(DataType)
  /// As `wide`, with 1 in place of both zeros.
  case nonzero(DataType)
  /// Whole numbers of a range, of any type of numbers.
  case between(ClosedRange<Int>, DataType)
  /// One of these, or null.
  case oneOf([Literal])
  /// `RandomText`.
  case text
  /// Texts of at most two characters.
  case shortText
  /// Valid JSON without spaces and escapes.
  case json
  /// "2021-05-01 12:30:15", and one in eight is none.
  case dateText
  /// `RandomTimes`.
  case time(DataType)
  /// As `time`, and one in a hundred at an end of what the type holds.
  case timeOrExtreme(DataType)
  /// Months, days and whole microseconds.
  case interval

  func column(_ count: Int, _ generator: inout SeededGenerator) -> Column {
    switch self {
    case .wide(let type): return WideColumns.column(type, count, &generator)
    case .time(let type): return RandomTimes.column(type, &generator, count: count)
    case .timeOrExtreme(let type): return made(type, count, &generator)
    case .interval: return made(.interval(.monthDayNano), count, &generator)
    case .tame(let type), .nonzero(let type), .between(_, let type): return made(type, count, &generator)
    case .oneOf(let values): return made(values[0].type, count, &generator)
    case .text, .shortText, .json, .dateText: return made(.utf8, count, &generator)
    }
  }

  private func made(_ type: DataType, _ count: Int, _ generator: inout SeededGenerator) -> Column {
    let values = (0..<count).map { _ in
      Int.random(in: 0..<8, using: &generator) == 0 ? Literal.null(type) : value(&generator)
    }
    return RandomColumns.column(type, values, offset: Int.random(in: 0...70, using: &generator))
  }

  private func value(_ generator: inout SeededGenerator) -> Literal {
    switch self {
    case .wide(let type), .time(let type): return WideColumns.value(type, &generator)
    case .timeOrExtreme(let type):
      if Int.random(in: 0..<100, using: &generator) > 0 {
        return RandomTimes.value(type, 347_000_000...2_120_000_000, &generator)
      }
      let end = Int64.random(in: 0...2, using: &generator)
      let value = Bool.random(using: &generator) ? Int64.max - end : Int64.min + end
      switch type {
      case .timestamp(let unit, let zone): return .timestamp(value, unit, timezone: zone)
      case .date32: return .integer(Int128(Int32(clamping: value)), type)
      default: return .integer(Int128(value), type)
      }
    case .tame(let type):
      let value = WideColumns.value(type, &generator)
      return Self.number(value).map { $0.magnitude >= 1e30 } == true ? Self.whole(0, type, plus: 0.5) : value
    case .nonzero(let type):
      let value = WideColumns.value(type, &generator)
      return Self.number(value) == 0 ? Self.whole(1, type) : value
    case .between(let range, let type): return Self.whole(.random(in: range, using: &generator), type)
    case .oneOf(let values): return values.randomElement(using: &generator)!
    case .text: return .utf8(RandomText.value(&generator))
    case .shortText: return .utf8(String(RandomText.value(&generator).prefix(2)))
    case .json:
      let value = Self.json(depth: 2, &generator)
      // So that paths find something.
      let documents = [value, "{\"a\":\(value)}", "{\"b\":1,\"a\":{\"b\":\(value)}}", "[\(value)]", "[1,\(value)]"]
      return .utf8(documents.randomElement(using: &generator)!)
    case .dateText:
      if Int.random(in: 0..<8, using: &generator) == 0 { return .utf8("soon") }
      func two(_ range: ClosedRange<Int>) -> String {
        String("\(100 + Int.random(in: range, using: &generator))".dropFirst())
      }
      let year = Int.random(in: 1800...2200, using: &generator)
      return .utf8("\(year)-\(two(1...12))-\(two(1...28)) \(two(0...23)):\(two(0...59)):\(two(0...59))")
    case .interval:
      return .interval(
        months: .random(in: -30...30, using: &generator), days: .random(in: -40...40, using: &generator),
        nanoseconds: Int64.random(in: -1_000_000_000...1_000_000_000, using: &generator) * 1000, .monthDayNano)
    }
  }

  /// The value of a float; nil for other types.
  private static func number(_ literal: Literal) -> Double? {
    switch literal {
    case .float64(let value), .float(let value, _): value
    default: nil
    }
  }

  private static func whole(_ value: Int, _ type: DataType, plus fraction: Double = 0) -> Literal {
    switch type {
    case .float64: .float64(Double(value) + fraction)
    case .float32, .float16: .float(Double(value) + fraction, type)
    default: WideColumns.integer(Int128(value), type)
    }
  }

  private static func json(depth: Int, _ generator: inout SeededGenerator) -> String {
    switch Int.random(in: 0..<(depth == 0 ? 4 : 8), using: &generator) {
    case 0: return "\(Int.random(in: -99...99, using: &generator))"
    case 1: return ["true", "false", "null"].randomElement(using: &generator)!
    case 2, 3:
      return ["\"\"", "\"x\"", "\"é日😀\"", "\"a longer text than sixteen bytes\""].randomElement(using: &generator)!
    case 4, 5:
      let items = (0..<Int.random(in: 0...3, using: &generator)).map { _ in json(depth: depth - 1, &generator) }
      return "[\(items.joined(separator: ","))]"
    default:
      let members = ["a", "b", "é"].shuffled(using: &generator).prefix(.random(in: 0...3, using: &generator)).map {
        "\"\($0)\":\(json(depth: depth - 1, &generator))"
      }
      return "{\(members.joined(separator: ","))}"
    }
  }
}
