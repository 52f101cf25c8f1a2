import Volley

/// Which events there are, and in which batches.
struct EventSettings: Sendable {
  /// How many.
  var events: Int
  /// Events a second of event time.
  var rate: Double
  var seed: Int
  /// The number of the first one.
  var firstEvent: Int
  /// The most rows of a batch.
  var batchRows: Int
  /// How many microseconds an event may come after one that happened later.
  var outOfOrder: Int64

  /// Event numbers stay below this, so that no time is beyond the year 9999 and no product beyond 64 bits.
  private static let largestNumber = 1 << 48

  /// - Throws: a setting is out of its bounds.
  func check() throws {
    func refuse(_ name: String, _ value: some CustomStringConvertible, _ expected: String) -> VolleyError {
      VolleyError("the parameter '\(name)' is \(value), expected \(expected)")
    }
    let numbers = 0...Self.largestNumber
    guard numbers.contains(events) else { throw refuse("events", events, "0 to 2^48") }
    guard numbers.contains(firstEvent) else { throw refuse("firstEvent", firstEvent, "0 to 2^48") }
    guard rate >= 1, rate <= 1e9 else { throw refuse("rate", rate, "1 to 1000000000 events a second") }
    let last = Double(events + firstEvent) / rate
    guard last < 2.5e11 else {
      throw VolleyError("the last event would be beyond the year 9999: raise 'rate' or lower 'firstEvent' or 'events'")
    }
    guard (1...8192).contains(batchRows) else { throw refuse("batchRows", batchRows, "1 to 8192 rows") }
    guard (0...3_600_000_000).contains(outOfOrder) else {
      throw refuse("shuffle", outOfOrder, "0 to 3600000000 microseconds")
    }
  }
}
