extension Plan {
  /// Which windows a row belongs to. A window has its start, and has not its end. In JSON an object of one key, the
  /// kind.
  public enum WindowAssigner: Sendable, Hashable {
    /// One after the other.
    case tumbling(TumblingWindows)
    /// Of one size, beginning at regular distances, so that a row is in several.
    case sliding(SlidingWindows)
    /// Of a key's rows that follow each other closely.
    case session(SessionWindows)
    /// Growing by steps from one start to the whole size.
    case cumulative(CumulativeWindows)
    /// Of a number of rows.
    case count(CountWindows)
    /// What the row's own columns `window_start` and `window_end` say: results of a window operator.
    case inherited
  }

  public struct TumblingWindows: Codable, Sendable, Hashable {
    /// Microseconds.
    public var size: Int64
    /// Microseconds: windows begin so much after a multiple of the size, counted from 1970-01-01T00:00:00Z, or on a
    /// zone's clocks.
    public var offset: Int64
    /// The time zone whose days the windows are, 23 and 25 hours long as they may be; the size is whole days then.
    /// Absent: UTC.
    public var zone: String?

    enum CodingKeys: String, CodingKey, CaseIterable { case size, offset, zone }

    public init(size: Int64, offset: Int64 = 0, zone: String? = nil) {
      self.size = size
      self.offset = offset
      self.zone = zone
    }
  }

  public struct SlidingWindows: Codable, Sendable, Hashable {
    /// Microseconds.
    public var size: Int64
    /// Microseconds from one window's start to the next one's, at most `size`.
    public var slide: Int64
    /// Microseconds: windows begin so much after a multiple of `slide`, counted from 1970-01-01T00:00:00Z.
    public var offset: Int64

    enum CodingKeys: String, CodingKey, CaseIterable { case size, slide, offset }

    public init(size: Int64, slide: Int64, offset: Int64 = 0) {
      self.size = size
      self.slide = slide
      self.offset = offset
    }
  }

  public struct SessionWindows: Codable, Sendable, Hashable {
    /// Microseconds: a row that is so much or more after the one before it begins a new session. The window ends so
    /// much after its last row.
    public var gap: Int64

    enum CodingKeys: String, CodingKey, CaseIterable { case gap }

    public init(gap: Int64) { self.gap = gap }
  }

  public struct CumulativeWindows: Codable, Sendable, Hashable {
    /// Microseconds: of the longest window; a multiple of `step`.
    public var size: Int64
    /// Microseconds by which a window is longer than the one before it.
    public var step: Int64
    /// Microseconds: windows begin so much after a multiple of `size`, counted from 1970-01-01T00:00:00Z.
    public var offset: Int64

    enum CodingKeys: String, CodingKey, CaseIterable { case size, step, offset }

    public init(size: Int64, step: Int64, offset: Int64 = 0) {
      self.size = size
      self.step = step
      self.offset = offset
    }
  }

  /// The last `size` rows, each time `slide` rows have come, and at the end of the input.
  public struct CountWindows: Codable, Sendable, Hashable {
    /// Rows.
    public var size: Int
    /// Rows from one result to the next, at most `size`; absent: `size`.
    public var slide: Int?

    enum CodingKeys: String, CodingKey, CaseIterable { case size, slide }

    public init(size: Int, slide: Int? = nil) {
      self.size = size
      self.slide = slide
    }
  }
}

extension Plan.WindowAssigner: Codable {
  private enum Kind: String, CodingKey, CaseIterable { case tumbling, sliding, session, cumulative, count, inherited }
  private struct Inherited: Codable {
    init() {}
    init(from decoder: any Decoder) throws { try decoder.expectEmptyObject() }
  }

  public init(from decoder: any Decoder) throws {
    let (kind, container) = try decoder.soleKey(Kind.self, of: "a window assigner")
    switch kind {
    case .tumbling: self = .tumbling(try container.decode(Plan.TumblingWindows.self, forKey: kind))
    case .sliding: self = .sliding(try container.decode(Plan.SlidingWindows.self, forKey: kind))
    case .session: self = .session(try container.decode(Plan.SessionWindows.self, forKey: kind))
    case .cumulative: self = .cumulative(try container.decode(Plan.CumulativeWindows.self, forKey: kind))
    case .count: self = .count(try container.decode(Plan.CountWindows.self, forKey: kind))
    case .inherited:
      _ = try container.decode(Inherited.self, forKey: kind)
      self = .inherited
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .tumbling(let windows): try container.encode(windows, forKey: .tumbling)
    case .sliding(let windows): try container.encode(windows, forKey: .sliding)
    case .session(let windows): try container.encode(windows, forKey: .session)
    case .cumulative(let windows): try container.encode(windows, forKey: .cumulative)
    case .count(let windows): try container.encode(windows, forKey: .count)
    case .inherited: try container.encode(Inherited(), forKey: .inherited)
    }
  }
}
