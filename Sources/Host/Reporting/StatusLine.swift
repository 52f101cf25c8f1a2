import Observability

/// The line that tells a person at a terminal how a job does: rates over the time between two snapshots, and how far each
/// stage is behind.
enum StatusLine {
  /// - Parameters:
  ///   - before: an earlier snapshot of the same job.
  ///   - width: columns; a longer line would wrap and could not be redrawn.
  static func text(name: String, before: JobSnapshot, now: JobSnapshot, width: Int) -> String {
    let seconds = max((now.elapsed - before.elapsed).seconds, 1e-3)
    func rate(_ count: (JobSnapshot) -> Int) -> String { countText(Double(count(now) - count(before)) / seconds) }
    var parts = [
      "\(name) \(clock(now.elapsed))", "in \(rate(\.rowsIn)) rows/s", "out \(rate(\.rowsOut)) rows/s",
    ]
    let lags = now.stages.indices.compactMap { index -> String? in
      let earlier = index < before.stages.count ? before.stages[index] : nil
      return lag(of: now.stages[index], since: earlier, seconds: seconds)
    }
    parts.append(lags.isEmpty ? "no lag" : "lag \(lags.joined(separator: ", "))")
    if now.deadLetters > 0 { parts.append("\(now.deadLetters) dead letters") }
    if now.lateRowsDropped > 0 { parts.append("\(now.lateRowsDropped) late rows dropped") }
    let line = parts.joined(separator: " | ")
    return line.count < width ? line : String(line.prefix(max(0, width - 2))) + "…"
  }

  /// How long what waits in front of a stage would take at its present rate; nil when nothing waits.
  private static func lag(of stage: StageReport, since earlier: StageReport?, seconds: Double) -> String? {
    guard stage.queuedBytes > 0 else { return nil }
    let rate = Double(stage.counts.bytesIn - (earlier?.counts.bytesIn ?? 0)) / seconds
    guard rate > 0 else { return "\(stage.label) stalled (\(byteSizeText(stage.queuedBytes)))" }
    return "\(stage.label) \(timeText(Double(stage.queuedBytes) / rate))"
  }

  private static func clock(_ time: Duration) -> String {
    let seconds = Int(time.seconds)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let minutes = "\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    return seconds < 3600 ? minutes : "\(seconds / 3600):\(minutes)"
  }
}

/// A count or rate in three or four digits: "999", "12.3 k", "1.25 M".
func countText(_ value: Double) -> String {
  let units = ["", " k", " M", " G", " T"]
  var unit = 0
  var value = value
  while value >= 999.5, unit < units.count - 1 {
    value /= 1000
    unit += 1
  }
  let digits = unit == 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2
  return fixed(value, digits: digits) + units[unit]
}

/// A time in seconds, for people: "850 µs", "12 ms", "3.4 s".
func timeText(_ seconds: Double) -> String {
  if seconds < 1e-3 { return "\(fixed(seconds * 1e6, digits: 0)) µs" }
  if seconds < 1 { return "\(fixed(seconds * 1e3, digits: 0)) ms" }
  return "\(fixed(seconds, digits: seconds < 100 ? 1 : 0)) s"
}
