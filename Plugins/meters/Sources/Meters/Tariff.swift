import Volley

/// An asynchronous function: the price of a kilowatt-hour is asked for at the time of each reading. A real one asks a service.
enum Tariff {
  struct Reading: Codable {
    var meter: Int64
    var at: Timestamp
    var watts: Int64
  }
  struct Priced: Codable {
    var meter: Int64
    var at: Timestamp
    var watts: Int64
    /// Thousandths.
    var price: Int64
  }

  static func priced(_ reading: Reading) async throws -> Priced {
    // Somebody else's turn, as while one waits for an answer.
    await Task.yield()
    let hour = reading.at.microseconds / 3_600_000_000 % 24
    return Priced(
      meter: reading.meter, at: reading.at, watts: reading.watts, price: 6 <= hour && hour < 22 ? 310 : 240)
  }
}
