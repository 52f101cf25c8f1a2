import Arrow
import Base
import Dataflow
import Testing
import VolleyPlan

@testable import Operators

/// Does with each row what its action says, and tells all that it reads.
final class EverythingCode: KeyedProcessCode {
  private static let timestamp = DataType.timestamp(.microsecond, timezone: nil)
  private static let key = Field("k", .utf8)
  static let rowFields = [
    key, Field("action", .int64, nullable: false), Field("number", .int64, nullable: false), Field("text", .utf8),
    Field("ts", timestamp, nullable: false),
  ]

  static func states(timeToLive: Int64?) -> [Plan.State] {
    let values = [Field("number", .int64, nullable: false), Field("text", .utf8), Field("flag", .bool)]
    return [
      Plan.State(name: "value", kind: .value, schema: values, timeToLive: timeToLive),
      Plan.State(name: "list", kind: .list, schema: values, timeToLive: timeToLive.map { $0 / 2 }),
      Plan.State(
        name: "map", kind: .map, schema: values, mapKey: Field("text", .utf8, nullable: false), timeToLive: timeToLive),
      Plan.State(
        name: "numbers", kind: .map, schema: Array(values.prefix(1)), mapKey: Field("n", .int32, nullable: false),
        timeToLive: timeToLive),
    ]
  }

  static let failure: Int64 = 99

  func open() {}
  func close() {}
  func flush(to output: any Collector) {}

  private var texts: [String] = []
  /// Entries of maps that are read together. An entry with which a page goes on keeps its place when the same call removes it and puts
  /// it again: where calls may be made of parts of a batch all are read at once.
  private let pageLimit: UInt64

  init(pageLimit: UInt64 = 2) { self.pageLimit = pageLimit }

  func process(_ rows: RecordBatch, _ call: KeyedCall, to output: any Collector) throws(Failure) {
    texts = []
    var fails = false
    for row in 0..<call.rowCount {
      var place = call.rowKeys[row]
      let action = rows.columns[1].values(Int64.self)[row]
      fails = fails || action >= Self.failure
      let one = rows.slice(row..<row + 1).compacted()
      let number = one.columns[2].values(Int64.self)[0]
      let flag = Column.constant(.bool(number % 2 == 0), count: 1)
      let lent = [one.columns[2], one.columns[3], flag].map { LentColumn($0) }
      let text = one.columns[3].isValid(0) ? one.columns[3] : Column.constant(.utf8("none"), count: 1)
      let narrow = Column.constant(.int32(Int32(number % 7)), count: 1)
      switch action % Self.failure {
      case 0: try call.states.writeValues(0, &place, count: 1, lent)
      case 1: try call.states.clear(Int(number % 4), &place, count: 1)
      case 2...5: try call.states.appendItems(1, &place, count: 1, lent)
      case 6...8: try call.states.putEntries(2, &place, count: 1, LentColumn(text), lent)
      case 9: try call.states.removeEntries(2, &place, count: 1, LentColumn(text))
      case 10...11: try call.states.putEntries(3, &place, count: 1, LentColumn(narrow), lent)
      case 12: try call.states.removeEntries(3, &place, count: 1, LentColumn(narrow))
      case 13...16:
        var time = (call.times?[row] ?? 0) + number * 4
        try call.timers.change(.event, isRemoval: action % Self.failure == 16, &place, &time, count: 1)
      case 17...19:
        var time = call.processingTime.microseconds + number * 300_000
        time -= time % 500_000
        try call.timers.change(.processing, isRemoval: action % Self.failure == 19, &place, &time, count: 1)
      case 20:
        // The list is written anew.
        try call.states.clear(1, &place, count: 1)
        try call.states.appendItems(1, &place, count: 1, lent)
      default: try tell(place, call, "row")
      }
      withExtendedLifetime((one, text, narrow, flag)) {}
    }
    try emit(to: output)
    if fails { throw Failure(.data, "the rows are poison") }
  }

  func timers(_ clock: TimerClock, _ call: KeyedCall, to output: any Collector) throws(Failure) {
    texts = []
    for index in 0..<call.rowCount {
      let time = call.times?[index] ?? 0
      try tell(call.rowKeys[index], call, "\(clock) \(time)")
      var place = call.rowKeys[index]
      if time % 3 == 0 { try call.states.clear(Int(abs(time) / 3 % 4), &place, count: 1) }
    }
    try emit(to: output)
  }

  /// All that a key has.
  private func tell(_ place: UInt32, _ call: KeyedCall, _ what: String) throws(Failure) {
    var place = place
    let keys = call.keys.columns[0]
    var text = "\(what) of \(keys.isValid(Int(place)) ? keys.text(at: Int(place)) : "null"):"
    let value = try call.states.readValues(0, &place, count: 1)
    if value.presence.load(as: UInt8.self) & 1 != 0 { text += Self.text(value) }
    text += " list" + Self.text(try call.states.readItems(1, place, first: 0, limit: .max))
    for state in 2...3 {
      var cursor: UInt64 = 0
      text += " map"
      repeat {
        let page = try call.states.page(state, place, limit: pageLimit, cursor: &cursor)
        text += Self.text(page.keys) + " =" + Self.text(page.values)
      } while cursor != 0
    }
    texts.append(text)
  }

  private static func text(_ lent: LendingColumns) -> String {
    (0..<lent.rowCount).map { row in
      " (" + lent.copied().map { $0.isValid(row) ? $0.text(at: row) : "null" }.joined(separator: ", ") + ")"
    }.joined()
  }

  private func emit(to output: any Collector) throws(Failure) {
    let builder = Utf8Builder()
    for text in texts { builder.append(text) }
    try output.emit(
      RecordBatch(
        schema: Schema([Field("text", .utf8, nullable: false)]), columns: [builder.finish()], length: texts.count),
      output: 0)
  }
}
