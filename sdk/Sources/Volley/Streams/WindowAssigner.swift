import VolleyPlan

/// Which windows a row belongs to. A window has its start, and has not its end. Parts of durations finer than
/// microseconds are dropped.
public struct WindowAssigner: Sendable {
  enum Kind: Sendable {
    case tumbling(size: Duration, offset: Duration, zone: String?)
    case sliding(size: Duration, slide: Duration, offset: Duration)
    case session(gap: Duration)
    case cumulative(size: Duration, step: Duration, offset: Duration)
    case count(Int, slide: Int?)
    case inherited
  }

  let kind: Kind

  /// One after the other.
  ///
  /// - Parameters:
  ///   - offset: windows begin so much after a multiple of the size, counted from 1970-01-01T00:00:00Z, or on the
  /// zone's clocks.
  ///   - zone: the time zone whose days the windows are ("Europe/Berlin"), 23 and 25 hours long as they may be; the
  /// size is whole
  ///     days then. Nil: UTC.
  public static func tumbling(_ size: Duration, offset: Duration = .zero, zone: String? = nil) -> WindowAssigner {
    WindowAssigner(kind: .tumbling(size: size, offset: offset, zone: zone))
  }

  /// Of one size, beginning at regular distances, so that a row is in several. What they cost does not grow with `size
  /// / slide`.
  ///
  /// - Parameters:
  ///   - slide: from one window's start to the next one's, at most `size`.
  ///   - offset: windows begin so much after a multiple of `slide`, counted from 1970-01-01T00:00:00Z.
  public static func sliding(_ size: Duration, by slide: Duration, offset: Duration = .zero) -> WindowAssigner {
    WindowAssigner(kind: .sliding(size: size, slide: slide, offset: offset))
  }

  /// Of rows of a key that follow each other closely. A window ends `gap` after its last row, and a row that comes
  /// exactly then begins the next one.
  public static func session(gap: Duration) -> WindowAssigner { WindowAssigner(kind: .session(gap: gap)) }

  /// Growing by `step` from one start to the whole size, and then anew.
  ///
  /// - Parameters:
  ///   - step: a part of `size`.
  ///   - offset: windows begin so much after a multiple of `size`, counted from 1970-01-01T00:00:00Z.
  public static func cumulative(_ size: Duration, step: Duration, offset: Duration = .zero) -> WindowAssigner {
    WindowAssigner(kind: .cumulative(size: size, step: step, offset: offset))
  }

  /// The last `size` rows of a key, each time `slide` rows have come, by default `size`, and at the end of the input.
  public static func count(_ size: Int, slide: Int? = nil) -> WindowAssigner {
    WindowAssigner(kind: .count(size, slide: slide))
  }

  /// The window that the row's own columns `window_start` and `window_end` tell: for the results of another window,
  /// which are grouped or taken together once more.
  public static var inherited: WindowAssigner { WindowAssigner(kind: .inherited) }

  func plan(_ environment: StreamExecutionEnvironment, _ place: String) -> Plan.WindowAssigner {
    func length(_ duration: Duration) -> Int64 { environment.microseconds(duration, place) }
    switch kind {
    case .tumbling(let size, let offset, let zone):
      return .tumbling(.init(size: length(size), offset: length(offset), zone: zone))
    case .sliding(let size, let slide, let offset):
      return .sliding(.init(size: length(size), slide: length(slide), offset: length(offset)))
    case .session(let gap): return .session(.init(gap: length(gap)))
    case .cumulative(let size, let step, let offset):
      return .cumulative(.init(size: length(size), step: length(step), offset: length(offset)))
    case .count(let size, let slide): return .count(.init(size: size, slide: slide))
    case .inherited: return .inherited
    }
  }
}

/// Which time the rows are put into windows by.
public enum WindowTime: Sendable {
  /// The time that the column of `eventTime` says. Windows fire as the watermark passes their ends.
  case event
  /// The time at which a row comes.
  case processing
}
