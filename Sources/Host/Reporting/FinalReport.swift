import Base
import Observability
import VolleyPlan

/// What a job did, told at its end: rows, bytes and time of each stage.
struct FinalReport {
  let name: String
  let snapshot: JobSnapshot
  /// Nil for a run that keeps no checkpoints.
  var epochs: EpochCounts?

  /// An aligned table for people.
  var text: String {
    let seconds = snapshot.elapsed.seconds
    let rate = countText(Double(snapshot.rowsIn) / max(seconds, 1e-9))
    var lines = [
      "\(name): \(grouped(snapshot.rowsIn)) rows in, \(grouped(snapshot.rowsOut)) rows out, "
        + "\(timeText(seconds)), \(rate) rows/s"
    ]
    let header = [
      "stage", "subtasks", "rows in", "rows out", "bytes in", "bytes out", "busy", "idle", "backpressured",
    ]
    var rows = [header]
    for stage in snapshot.stages {
      let counts = stage.counts
      let volumes = [counts.rowsIn, counts.rowsOut].map(grouped) + [counts.bytesIn, counts.bytesOut].map(byteSizeText)
      let times = [counts.busyNanoseconds, counts.idleNanoseconds, counts.backpressuredNanoseconds]
      rows.append([stage.label, "\(stage.parallelism)"] + volumes + times.map { timeText(Double($0) * 1e-9) })
    }
    lines += Self.aligned(rows)
    if let epochs { lines.append(epochs.text) }
    for stage in snapshot.stages {
      let notable = [
        (stage.counts.deadLetters, "dead letters"), (stage.counts.lateRowsDropped, "late rows dropped"),
        (stage.counts.lateRowsRouted, "late rows to their own output"),
      ]
      for (count, what) in notable where count > 0 { lines.append("\(stage.label): \(grouped(count)) \(what)") }
      for counter in stage.counts.userCounters {
        lines.append("\(stage.label): \(counter.name) \(grouped(counter.value))")
      }
    }
    return lines.joined(separator: "\n")
  }

  /// An event like those of the log, one JSON object without a line break, with all numbers.
  var json: String {
    let event = LogEvent(time: EventLog.wallClock(), level: .info, name: "report", message: "what job '\(name)' did")
      .line
    // Two objects become one: both texts begin and end with a brace and are not empty.
    return "\(event.dropLast()),\(numbers.text.dropFirst())"
  }

  private var numbers: JSONValue {
    let stages = snapshot.stages.map { stage in
      let counts = stage.counts
      return JSONValue.object([
        .init("stage", .string(stage.label)), .init("uid", stage.uid.map(JSONValue.string) ?? .null),
        .init("task", .string(stage.taskName)), .init("parallelism", .int(Int64(stage.parallelism))),
        .init("rows_in", .int(Int64(counts.rowsIn))), .init("rows_out", .int(Int64(counts.rowsOut))),
        .init("bytes_in", .int(Int64(counts.bytesIn))), .init("bytes_out", .int(Int64(counts.bytesOut))),
        .init("batches_in", .int(Int64(counts.batchesIn))), .init("batches_out", .int(Int64(counts.batchesOut))),
        .init("busy_seconds", .double(Double(counts.busyNanoseconds) * 1e-9)),
        .init("idle_seconds", .double(Double(counts.idleNanoseconds) * 1e-9)),
        .init("backpressured_seconds", .double(Double(counts.backpressuredNanoseconds) * 1e-9)),
        .init("dead_letters", .int(Int64(counts.deadLetters))),
        .init("late_rows_dropped", .int(Int64(counts.lateRowsDropped))),
        .init("late_rows_routed", .int(Int64(counts.lateRowsRouted))),
        .init("counters", .object(counts.userCounters.map { .init($0.name, .int(Int64($0.value))) })),
      ])
    }
    return .object([
      .init("job", .string(name)),
      .init("seconds", .double(snapshot.elapsed.seconds)), .init("rows_in", .int(Int64(snapshot.rowsIn))),
      .init("rows_out", .int(Int64(snapshot.rowsOut))), .init("bytes_in", .int(Int64(snapshot.bytesIn))),
      .init("bytes_out", .int(Int64(snapshot.bytesOut))), .init("dead_letters", .int(Int64(snapshot.deadLetters))),
      .init("late_rows_dropped", .int(Int64(snapshot.lateRowsDropped))),
      .init("late_rows_routed", .int(Int64(snapshot.lateRowsRouted))),
      .init("epochs", epochs?.json ?? .null), .init("stages", .array(stages)),
    ])
  }

  /// The first column to the left, numbers to the right, two blanks between.
  private static func aligned(_ rows: [[String]]) -> [String] {
    let columns = rows.first?.indices ?? 0..<0
    let widths = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      columns.map { column in
        let fill = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + fill : fill + row[column]
      }.joined(separator: "  ")
    }
  }
}

/// A whole number with its thousands set apart: "1,234,567".
func grouped(_ number: Int) -> String {
  let digits = String(number.magnitude)
  var text = ""
  for (index, digit) in digits.enumerated() {
    if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
    text.append(digit)
  }
  return number < 0 ? "-\(text)" : text
}
