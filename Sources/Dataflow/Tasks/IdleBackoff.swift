/// How long a source that the scheduler reads is left alone when it had nothing: longer each time, up to a limit.
struct IdleBackoff {
  private static let shortest: Int64 = 100_000
  private static let longest: Int64 = 5_000_000

  private var next = shortest

  /// It had nothing: nanoseconds until it is read again.
  mutating func delay() -> Int64 {
    defer { next = min(next * 2, IdleBackoff.longest) }
    return next
  }

  /// It had something.
  mutating func reset() { next = IdleBackoff.shortest }
}
