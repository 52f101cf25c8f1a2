import Dataflow
import VolleyPlan

extension DeliveryReport {
  /// For people: the whole, then each source and sink with the reason and what to do.
  public var text: String {
    var lines = ["delivery of a job with checkpoints: \(whole.name), end to end"]
    for end in ends {
      var line = "  \(end.place) [\(end.label)]: \(end.guarantee.name)"
      if let reason = end.guarantee.reason { line += ", for \(reason)" }
      if let remedy = end.remedy { line += "; \(remedy)" }
      if !end.isSource, end.endToEnd.name != end.guarantee.name { line += " (\(end.endToEnd.name) with its sources)" }
      lines.append(line)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// For programs: the same.
  public var json: JSONValue {
    .object([
      .init("guarantee", .string(whole.name)),
      .init(
        "ends",
        .array(
          ends.map { end in
            .object([
              .init("uid", end.uid.map { .string($0) } ?? .null),
              .init("kind", .string(end.isSource ? "source" : "sink")), .init("connector", .string(end.label)),
              .init("guarantee", .string(end.guarantee.name)), .init("end_to_end", .string(end.endToEnd.name)),
              .init("reason", end.guarantee.reason.map { .string($0) } ?? .null),
              .init("remedy", end.remedy.map { .string($0) } ?? .null),
            ])
          })),
    ])
  }
}
