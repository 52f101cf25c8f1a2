/// Lets so many rows a second pass. What was not used within a second is lost, so that a pause is not followed by a flood.
struct GeneratorPace {
  private let rowsPerSecond: Double
  /// Rows that may pass now.
  private var credit: Double = 0
  private var last: ContinuousClock.Instant?

  init(rowsPerSecond: Double) { self.rowsPerSecond = rowsPerSecond }

  /// How many rows may pass now, at most `limit`.
  mutating func take(upTo limit: Int, at now: ContinuousClock.Instant) -> Int {
    if let last { credit += (now - last) / .seconds(1) * rowsPerSecond }
    last = now
    // At least one row, however slow the pace.
    credit = min(credit, max(1, rowsPerSecond))
    let rows = min(limit, Int(credit))
    credit -= Double(rows)
    return rows
  }

  /// How long until the next row may pass; at least a millisecond, so that a fast pace makes batches and not single rows.
  func pause(at now: ContinuousClock.Instant) -> Duration {
    max(.milliseconds(1), .seconds(max(0, (1 - credit) / rowsPerSecond)))
  }
}
