import Volley

/// A batch function: takes about one reading in eight, by the host's random numbers, and notes when, by the host's clock.
final class Samples: BatchFunction {
  struct Sample: Codable {
    var meter: Int64
    var at: Timestamp
    var taken: Timestamp
  }

  func process(_ batch: Batch, to output: Output) throws {
    let builder = output.builder()
    let meters = try batch.column("meter", as: Int64.self)
    let times = try batch.column("at", as: Timestamp.self)
    var meter = try builder.column("meter", as: Int64.self)
    var at = try builder.column("at", as: Timestamp.self)
    var taken = try builder.column("taken", as: Timestamp.self)
    let now = output.now
    for row in 0..<batch.rowCount where output.random.next() % 8 == 0 {
      meter.append(meters[row])
      at.append(times[row])
      taken.append(now)
    }
    try output.emit(builder)
  }
}
