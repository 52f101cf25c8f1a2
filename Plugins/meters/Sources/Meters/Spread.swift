import Volley

/// A window function: needs all watts of five minutes at once, for their median.
struct Spread: ProcessWindowFunction {
  struct Reading: Codable {
    var watts: Int64
  }
  struct Result: Codable {
    var meter: Int64
    var end: Timestamp
    var spread: Int64
    /// Of an even number of readings the lower one of the two in the middle.
    var median: Int64
  }

  func process(_ readings: [Reading], context: WindowContext<Int64, Result>) throws {
    let watts = readings.map(\.watts).sorted()
    guard let least = watts.first, let most = watts.last, let end = context.end else { return }
    try context.emit(
      Result(meter: context.key, end: end, spread: most - least, median: watts[(watts.count - 1) / 2]))
  }
}
