import Base
import Calendar
import VolleyPlan

/// Windows that lie at fixed places in time, and the panes that they are made up of: a row is kept once, in its pane,
/// however many windows it is in.
struct WindowSeries {
  private enum Kind {
    /// Each pane is a window.
    case tumbling
    case sliding(size: Int64, slide: FloorDivisor, offset: Int64)
    case cumulative(size: FloorDivisor, step: FloorDivisor, offset: Int64)
  }

  private let kind: Kind
  private var grid: PaneGrid
  /// Times have to be so far away from the ends of what 64 bits hold.
  private let margin: Int64

  /// The longest window, and the largest offset, in microseconds: some 9,000 years.
  static let longest: Int64 = 1 << 58

  /// - Throws: a `usage` failure for a zone that is not known.
  /// - Returns: nil for windows whose places depend on the rows.
  init?(_ assigner: Plan.WindowAssigner, zones: ZoneDatabase = .shared) throws(Failure) {
    switch assigner {
    case .tumbling(let windows):
      kind = .tumbling
      if let zone = windows.zone {
        grid = PaneGrid(days: windows.size, offset: windows.offset, zone: try zones.zone(zone))
      } else {
        grid = PaneGrid(length: windows.size, offset: windows.offset)
      }
      margin = windows.size
    case .sliding(let windows):
      let offset = floorDivide(windows.offset, windows.slide).remainder
      kind = .sliding(size: windows.size, slide: FloorDivisor(windows.slide), offset: offset)
      grid = PaneGrid(size: windows.size, slide: windows.slide, offset: windows.offset)
      margin = windows.size
    case .cumulative(let windows):
      let offset = floorDivide(windows.offset, windows.size).remainder
      kind = .cumulative(size: FloorDivisor(windows.size), step: FloorDivisor(windows.step), offset: offset)
      grid = PaneGrid(length: windows.step, offset: windows.offset)
      margin = windows.size
    case .session, .count, .inherited: return nil
    }
  }

  static func commonDivisor(_ first: Int64, _ second: Int64) -> Int64 {
    var (larger, smaller) = (first, second)
    while smaller > 0 { (larger, smaller) = (smaller, larger % smaller) }
    return larger
  }

  /// What tells its panes from those of others; microseconds.
  var text: String {
    switch kind {
    case .tumbling: "tumbling"
    case .sliding(let size, let slide, let offset): "size \(size) slide \(slide.divisor) offset \(offset)"
    case .cumulative(let size, let step, let offset): "size \(size.divisor) step \(step.divisor) offset \(offset)"
    }
  }

  /// Whether a pane is a window of its own.
  var isTumbling: Bool { if case .tumbling = kind { true } else { false } }

  /// Whether windows begin together and differ in their ends.
  var isCumulative: Bool { if case .cumulative = kind { true } else { false } }

  /// Whether times up to these may be looked for.
  func holds(_ earliest: Int64, _ latest: Int64) -> Bool {
    // Four lengths and two days, for offsets and clocks.
    let room = 4 * margin + 172_800_000_000
    return earliest > .min + room && latest < .max - room
  }

  /// The pane that a time is in; see `holds`.
  mutating func pane(at time: Int64) -> WindowSpan { grid.pane(at: time) }

  /// The end of the last window that a pane is part of.
  func lastEnd(of pane: WindowSpan) -> Int64 {
    switch kind {
    case .tumbling: pane.end
    case .sliding(let size, let slide, let offset): slide.floor(pane.start - offset) + offset + size
    case .cumulative(let size, _, let offset): size.floor(pane.start - offset) + offset + size.divisor
    }
  }

  /// The first window that a pane is part of and that ends after `time`; nil when there is none.
  func first(of pane: WindowSpan, endingAfter time: Int64) -> WindowSpan? {
    switch kind {
    case .tumbling: return pane.end > time ? pane : nil
    case .sliding(let size, let slide, let offset):
      // The least start from which the window reaches the pane's end, and the least with which it ends after the time.
      let reaching = slide.floor(pane.end - size - offset - 1) + slide.divisor
      // A time before all panes asks for nothing.
      let later = max(time, pane.start)
      let ending = slide.floor(later - size - offset) + slide.divisor
      let start = max(reaching, ending) + offset
      return start <= pane.start ? WindowSpan(start: start, end: start + size) : nil
    case .cumulative(let size, let step, let offset):
      let start = size.floor(pane.start - offset) + offset
      let later = min(max(time, pane.start), start + size.divisor)
      let end = start + max(pane.end - start, step.floor(later - start) + step.divisor)
      return end <= start + size.divisor ? WindowSpan(start: start, end: end) : nil
    }
  }

  /// The start of the window behind `window`: panes before it are part of none that is still to come.
  func nextStart(after window: WindowSpan) -> Int64 {
    switch kind {
    case .tumbling: window.end
    case .sliding(_, let slide, _): window.start + slide.divisor
    case .cumulative(let size, _, _): window.end - window.start == size.divisor ? window.end : window.start
    }
  }
}
