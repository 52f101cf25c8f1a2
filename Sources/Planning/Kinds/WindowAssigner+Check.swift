import Base
import Calendar
import VolleyPlan

extension Plan.WindowAssigner {
  /// - Throws: `.usage` for lengths that make no windows.
  func check() throws(Failure) {
    switch self {
    case .tumbling(let windows):
      try Self.check("size", windows.size)
      try Self.check(offset: windows.offset)
      guard let zone = windows.zone else { return }
      let day = Civil.secondsPerDay * 1_000_000
      guard windows.size % day == 0 else {
        throw Failure(
          .usage,
          "windows of \(microseconds: windows.size) follow the clocks of '\(zone)', and only windows of whole days do; leave the zone out, "
            + "or take a size of whole days")
      }
      _ = try ZoneDatabase.shared.zone(zone)
    case .sliding(let windows):
      try Self.check("size", windows.size)
      try Self.check("slide", windows.slide)
      try Self.check(offset: windows.offset)
      guard windows.slide <= windows.size else {
        throw Failure(
          .usage,
          "windows of \(microseconds: windows.size) slide by \(microseconds: windows.slide), so that rows between two of them would be lost; "
            + "the slide is at most the size, and a filter leaves rows out")
      }
    case .cumulative(let windows):
      try Self.check("size", windows.size)
      try Self.check("step", windows.step)
      try Self.check(offset: windows.offset)
      guard windows.size % windows.step == 0 else {
        throw Failure(
          .usage,
          "windows that grow by \(microseconds: windows.step) never have the size \(microseconds: windows.size); the size is a multiple of the "
            + "step")
      }
    case .session(let windows): try Self.check("gap", windows.gap)
    case .count(let windows):
      let slide = windows.slide ?? windows.size
      guard windows.size >= 1, slide >= 1, slide <= windows.size else {
        throw Failure(
          .usage,
          "windows of \(windows.size) rows slide by \(slide) rows; the size is at least 1, and the slide from 1 to the size"
        )
      }
      guard windows.size <= Self.mostRows else {
        throw Failure(
          .usage, "windows of \(windows.size) rows are too long; the size is at most \(Self.mostRows) rows")
      }
    case .inherited: return
    }
  }

  /// Rows of a window are counted in 32 bits.
  private static let mostRows = Int(Int32.max)

  private static func check(_ what: String, _ length: Int64) throws(Failure) {
    guard length >= 1, length <= WindowColumns.longest else {
      throw Failure(.usage, "the windows' \(what) is \(length) µs; it is at least 1, and at most 9,000 years")
    }
  }

  private static func check(offset: Int64) throws(Failure) {
    guard offset.magnitude <= WindowColumns.longest.magnitude else {
      throw Failure(.usage, "the windows' offset is \(offset) µs; it is at most 9,000 years")
    }
  }

  /// In words, for `inspect`.
  var text: String {
    switch self {
    case .tumbling(let windows):
      "tumbling \(microseconds: windows.size)\(Self.text(offset: windows.offset))"
        + (windows.zone.map { " in \($0)" } ?? "")
    case .sliding(let windows):
      "sliding \(microseconds: windows.size) by \(microseconds: windows.slide)\(Self.text(offset: windows.offset))"
    case .session(let windows): "sessions with a gap of \(microseconds: windows.gap)"
    case .cumulative(let windows):
      "cumulative \(microseconds: windows.size) by \(microseconds: windows.step)\(Self.text(offset: windows.offset))"
    case .count(let windows): "\(windows.size) rows" + (windows.slide.map { " by \($0)" } ?? "")
    case .inherited: "inherited windows"
    }
  }

  private static func text(offset: Int64) -> String { offset == 0 ? "" : " from \(microseconds: offset)" }
}
