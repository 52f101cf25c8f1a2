import Base
import VolleyPlan

/// The numbers of types in the union `Type` of a schema.
/// Source: https://github.com/apache/arrow/blob/main/format/Schema.fbs
enum IPCType: UInt8 {
  case null = 1
  case int, floatingPoint, binary, utf8, bool, decimal, date, time, timestamp, interval, list, record, union
  case fixedSizeBinary, fixedSizeList, map, duration, largeBinary, largeUtf8, largeList, runEndEncoded
  case binaryView, utf8View, listView, largeListView

  /// The Arrow name of a type that Volley has not, nil for the others.
  var missingName: String? {
    switch self {
    case .union: "union"
    case .runEndEncoded: "run_end_encoded"
    case .listView: "list_view"
    case .largeListView: "large_list_view"
    default: nil
    }
  }
}

extension TimeUnit {
  /// The number of the unit in a schema.
  var number: Int16 {
    switch self {
    case .second: 0
    case .millisecond: 1
    case .microsecond: 2
    case .nanosecond: 3
    }
  }

  init?(number: Int16) {
    guard let unit = Self.allCases.first(where: { $0.number == number }) else { return nil }
    self = unit
  }
}

extension IntervalUnit {
  var number: Int16 {
    switch self {
    case .yearMonth: 0
    case .dayTime: 1
    case .monthDayNano: 2
    }
  }

  init?(number: Int16) {
    guard let unit = Self.allCases.first(where: { $0.number == number }) else { return nil }
    self = unit
  }
}
