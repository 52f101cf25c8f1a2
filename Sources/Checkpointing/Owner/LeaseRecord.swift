import Base
import VolleyPlan

/// What a generation's owner says of itself in `lease/GENERATION`.
public struct LeaseRecord: Codable, Sendable, Hashable {
  public var host: String
  public var pid: Int
  /// Of the running kernel: of two records with the same one, `flock` tells whether the process lives.
  public var boot: String
  /// Rises as long as the owner lives.
  public var counter: UInt64
  /// The owner has ended in order.
  public var released: Bool

  enum CodingKeys: String, CodingKey, CaseIterable { case host, pid, boot, counter, released }

  public init(host: String, pid: Int, boot: String, counter: UInt64 = 0, released: Bool = false) {
    self.host = host
    self.pid = pid
    self.boot = boot
    self.counter = counter
    self.released = released
  }

  /// Nil when it was torn.
  init?(_ bytes: [UInt8]) {
    guard let json = try? JSONValue.parse(bytes), let record = try? PlanDecoder().decode(LeaseRecord.self, from: json)
    else { return nil }
    self = record
  }

  var bytes: [UInt8] {
    guard let json = try? PlanEncoder().encode(self) else { preconditionFailure("a record is JSON") }
    return Array((json.text + "\n").utf8)
  }
}

/// Decides whether a directory may be taken from whoever has it: a value, told what is seen.
public struct LeaseWatch: Sendable, Hashable {
  /// Nanoseconds after which an owner whose counter stands still is gone.
  public static let duration: Int64 = 6_000_000_000
  /// Nanoseconds from one renewal to the next.
  public static let renewal: Int64 = 2_000_000_000
  /// Nanoseconds before the end of its lease at which an owner that could not renew it stops.
  public static let margin: Int64 = 1_000_000_000

  public enum Verdict: Sendable, Hashable {
    /// The generation to create; it may be lost to another.
    case take(Generation)
    /// Its owner lives; nil: it does not say who it is.
    case refuse(LeaseRecord?)
    /// It cannot be told yet: look again soon.
    case wait
  }

  private let boot: String
  private var seen: Generation?
  private var record: LeaseRecord?
  private var since = MonotonicTime(nanoseconds: 0)

  /// - Parameter boot: of the running kernel.
  public init(boot: String) { self.boot = boot }

  /// - Parameters:
  ///   - newest: the highest generation that there is.
  ///   - record: its owner's; nil when it cannot be read.
  ///   - isLocked: whether this process has the directory's `flock`.
  ///   - now: by this process's own clock: no clocks are compared.
  public mutating func see(
    _ newest: Generation?, _ record: LeaseRecord?, isLocked: Bool, now: MonotonicTime
  ) -> Verdict {
    guard isLocked else { return .refuse(record) }
    guard let newest else { return .take(Generation(1)) }
    // A process of this machine that lives has the lock; one that has ended in order says so.
    if let record, record.released || record.boot == boot { return .take(newest.next) }
    guard seen == newest, self.record == record else {
      // It has moved while it was looked at: its owner lives.
      if seen != nil { return .refuse(record) }
      (seen, self.record, since) = (newest, record, now)
      return .wait
    }
    return now >= since + Self.duration ? .take(newest.next) : .wait
  }
}
