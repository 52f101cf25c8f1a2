import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@testable import Expressions

/// Every cast that there is, among the types of `RandomColumns`, is compared with a peer over 1,000 random rows that have a
/// value: here those from and to times, and of bools and texts; the others in `WideCastTests`.
@Suite("every cast", .serialized)
struct EveryCastTests {
  private enum Kind {
    case number, bool, text, bytes, time, dictionary, nested
  }

  private static func kind(_ type: DataType) -> Kind? {
    switch type {
    case .bool: .bool
    case .timestamp, .date32, .date64, .time32, .time64, .duration: .time
    case .dictionary: .dictionary
    case .list, .largeList, .fixedSizeList, .struct, .map: .nested
    case _ where type.isNumeric: .number
    case _ where type.isText: .text
    case _ where type.isBinary: .bytes
    default: nil
    }
  }

  /// How a pair is compared; nil when it is not.
  private static func comparison(_ source: DataType, _ target: DataType) -> Comparison? {
    let name = WideColumns.python(target)
    switch (kind(source), kind(target)) {
    case (.text, .time), (.text, .bool):
      // What pyarrow agrees is the text of a value is that value.
      return Comparison(
        "cast", [argument(target)], "a", call: .cast(.cast(.cast(a, .utf8), source), target))
    case (.bool, .text):
      return Comparison("cast", [.wide(.bool)], "a.cast(pa.string()).cast(\(name))", call: .cast(a, target))
    case (.time, .text):
      return Comparison("cast", [argument(source)], "written(a).cast(\(name))", call: .cast(a, target))
    case (.time, .time), (.time, .number), (.number, .time):
      // pyarrow makes timestamps of int64 only.
      var given = "a"
      if source == .int32, case .timestamp = target { given = "a.cast(pa.int64())" }
      return Comparison(
        "cast", [argument(source, for: target)], "\(given).cast(\(name), safe=False)", call: .cast(a, target))
    default: return nil
    }
  }

  private static func argument(_ type: DataType, for target: DataType? = nil) -> RandomArgument {
    switch (type, target) {
    case (.int32, .time32?), (.int64, .time64?): return .between(0...86_399, type)
    case (.int32, .date32?): return .between(-100_000...100_000, type)
    case _ where kind(type) == .time: return .time(type)
    default: return .wide(type)
    }
  }

  private static let pairs = RandomColumns.types.flatMap { source in
    RandomColumns.types.filter { $0 != source && source != .null && CastRules.objection(from: source, to: $0) == nil }
      .map { (source, $0) }
  }

  @Test("from and to times, bools and texts gives its peer's values", arguments: RandomColumns.types)
  func casts(_ source: DataType) throws {
    for (_, target) in Self.pairs.filter({ $0.0 == source }) {
      guard let comparison = Self.comparison(source, target) else { continue }
      var generator = SeededGenerator()
      let count = try comparison.run(rows: 1000, &generator)
      #expect(count.values >= 1000, "\(generator): \(source) to \(target) has \(count.values) values")
    }
  }

  @Test("is compared")
  func complete() {
    for (source, target) in Self.pairs where Self.comparison(source, target) == nil {
      switch (Self.kind(source), Self.kind(target)) {
      case (.number?, .number?), (.number?, .bool?), (.bool?, .number?): break  // "numbers become all other numbers"
      case (.number?, .text?), (.text?, .number?): break  // "numbers are written as text that reads back"
      case (.text?, .text?), (.text?, .bytes?), (.bytes?, .text?), (.bytes?, .bytes?): break  // "text and bytes change"
      case (.dictionary?, _?), (_?, .dictionary?): break  // "dictionaries are what their rows name"
      case (.nested?, .nested?): break  // "lists change their layout"
      default: Issue.record("no test compares casts of \(source) to \(target)")
      }
    }
  }
}
