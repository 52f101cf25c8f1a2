import Volley

/// An aggregate: how even the load is, its mean as a part of its peak.
struct Load: AggregateFunction {
  struct Reading: Codable {
    var watts: Int64
  }
  struct Sums: Codable {
    var sum: Int64 = 0
    var readings: Int64 = 0
    var peak: Int64 = 0
  }

  func makeAccumulator() -> Sums { Sums() }

  func add(_ reading: Reading, to sums: inout Sums) {
    sums.sum += reading.watts
    sums.readings += 1
    sums.peak = max(sums.peak, reading.watts)
  }

  func merge(_ other: Sums, into sums: inout Sums) {
    sums.sum += other.sum
    sums.readings += other.readings
    sums.peak = max(sums.peak, other.peak)
  }

  func result(of sums: Sums) -> Double {
    sums.peak == 0 ? 0 : Double(sums.sum) / Double(sums.readings) / Double(sums.peak)
  }
}
