import Base

/// Counts what a peer does that costs us more than itself, and says when that is too much. Pure: time is handed in.
///
/// Each kind of act has a bucket of tokens that fills with time and with useful work: a peer that moves data may also ping
/// and update windows as often as its library likes.
public struct HTTP2FloodGuard: Sendable {
  /// Kinds of acts that are cheap for the peer and not for us.
  public enum Act: Int, CaseIterable, Sendable {
    /// PING frames that want an answer.
    case ping
    /// SETTINGS frames that want an answer, and GOAWAY frames.
    case settings
    /// DATA, HEADERS and CONTINUATION frames with nothing in them that do not end a stream.
    case emptyFrame
    case priority
    case windowUpdate
    /// Frames of types that nobody knows.
    case unknownFrame
    /// Streams that the peer gave up: CVE-2023-44487.
    case reset
    /// Streams that we had to give up because what came for them broke the rules: CVE-2025-8671.
    case mistake

    fileprivate var words: String {
      switch self {
      case .ping: "PING frames"
      case .settings: "SETTINGS frames"
      case .emptyFrame: "empty frames"
      case .priority: "PRIORITY frames"
      case .windowUpdate: "WINDOW_UPDATE frames"
      case .unknownFrame: "frames of unknown types"
      case .reset: "reset streams"
      case .mistake: "streams that broke the rules"
      }
    }
  }

  /// How many acts of a kind are taken at once, and how many a second in the long run.
  public struct Rate: Sendable, Hashable {
    public var burst: Int
    public var perSecond: Int

    public init(burst: Int, perSecond: Int) {
      precondition((1...1_000_000_000).contains(burst) && (0...1_000_000_000).contains(perSecond), "a rate has bounds")
      self.burst = burst
      self.perSecond = perSecond
    }
  }

  public struct Limits: Sendable {
    private var rates: [Rate] = Act.allCases.map {
      switch $0 {
      case .ping: Rate(burst: 1_000, perSecond: 100)
      case .settings: Rate(burst: 100, perSecond: 10)
      case .emptyFrame: Rate(burst: 1_000, perSecond: 100)
      case .priority: Rate(burst: 10_000, perSecond: 1_000)
      case .windowUpdate: Rate(burst: 100_000, perSecond: 10_000)
      case .unknownFrame: Rate(burst: 1_000, perSecond: 100)
      case .reset: Rate(burst: 1_000, perSecond: 100)
      case .mistake: Rate(burst: 200, perSecond: 10)
      }
    }
    /// CONTINUATION frames of one head.
    public var continuations = 32
    /// Answers to PING and SETTINGS that may wait for the peer to read them.
    public var unanswered = 1_000

    public init() {}

    public subscript(act: Act) -> Rate {
      get { rates[act.rawValue] }
      set { rates[act.rawValue] = newValue }
    }
  }

  private struct Bucket {
    /// Thousand-millionths of tokens.
    var parts: Int64
    var filledAt: Int64?
    var count = 0
  }

  private let limits: Limits
  private var buckets: [Bucket]
  /// CONTINUATION frames of the head that is being received.
  private var continuations = 0
  /// PING and SETTINGS frames whose answers have not been handed over.
  public private(set) var unanswered = 0

  private static let token: Int64 = 1_000_000_000

  public init(_ limits: Limits = Limits()) {
    self.limits = limits
    buckets = Act.allCases.map { Bucket(parts: Int64(limits[$0].burst) * Self.token) }
  }

  /// How often the peer has done this.
  public func count(of act: Act) -> Int { buckets[act.rawValue].count }

  /// The peer did this.
  ///
  /// - Returns: what it did too often, for people; nil if it may go on.
  public mutating func note(_ act: Act, at now: MonotonicTime) -> String? {
    let rate = limits[act]
    let full = Int64(rate.burst) * Self.token
    buckets[act.rawValue].count += 1
    var bucket = buckets[act.rawValue]
    let elapsed = max(0, now.nanoseconds - (bucket.filledAt ?? now.nanoseconds))
    if rate.perSecond > 0 {
      // A product below `full` cannot overflow: it is at most 10^18.
      let isFilled = elapsed >= full / Int64(rate.perSecond)
      bucket.parts = isFilled ? full : min(full, bucket.parts + elapsed * Int64(rate.perSecond))
    }
    bucket.filledAt = now.nanoseconds
    let isAllowed = bucket.parts >= Self.token
    if isAllowed { bucket.parts -= Self.token }
    buckets[act.rawValue] = bucket
    return isAllowed ? nil : "it sent more than \(rate.burst) \(act.words) at once, or \(rate.perSecond) a second"
  }

  /// Useful work was done that excuses this.
  public mutating func excuse(_ act: Act, count: Int = 1) {
    let full = Int64(limits[act].burst) * Self.token
    buckets[act.rawValue].parts = min(full, buckets[act.rawValue].parts + Int64(count) * Self.token)
  }

  /// A head began with a HEADERS frame, or goes on with a CONTINUATION frame.
  public mutating func noteHead(continues: Bool) -> String? {
    continuations = continues ? continuations + 1 : 0
    return continuations <= limits.continuations
      ? nil : "it sent a head in more than \(limits.continuations) CONTINUATION frames"
  }

  /// A PING or SETTINGS frame came that must be answered.
  public mutating func noteQuestion() -> String? {
    unanswered += 1
    return unanswered <= limits.unanswered
      ? nil : "it leaves more than \(limits.unanswered) answers to its PING and SETTINGS frames unread"
  }

  /// An answer was handed over.
  public mutating func noteAnswer() { unanswered = max(0, unanswered - 1) }
}
