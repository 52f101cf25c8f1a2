import Volley

/// A watermark assigner: a reading was made when its meter says so, and comes at most ten seconds late.
final class Clocks: WatermarkAssigner {
  struct Reading: Codable {
    var at: Timestamp
  }

  private static let lateness: Int64 = 10_000_000

  func eventTime(of reading: Reading) -> Timestamp? { reading.at }

  func watermark(after reading: Reading, at time: Timestamp) -> Timestamp? {
    Timestamp(microseconds: time.microseconds - Self.lateness)
  }
}
