import CPlatform
import State

/// When sessions are looked at, because they may have ended. An open session has one timer at most, and knows its time:
/// a timer that it knows nothing of is of a session that was joined to another.
extension SessionTable {
  /// Has a timer look at an open session at a time, or before it. The last time of all needs none.
  func schedule(_ slot: UInt32, at time: Int64, _ timers: TimerOrder) {
    let owner = owners.values[Int(slot)]
    schedule(session(owner.key, owner.place), of: owner.key, at: time, timers)
  }

  /// The same for a session of a key.
  @inline(__always)  // Most of a loop over timers.
  func schedule(_ session: UnsafeMutablePointer<Session>, of key: UInt32, at time: Int64, _ timers: TimerOrder) {
    guard time < session.pointee.scheduled else { return }
    session.pointee.scheduled = time
    timers.push(Timer(time: time, slot: session.pointee.slot, tag: key))
  }

  /// Asks for the memory of the session that a timer looks at.
  @inline(__always)  // A part of a loop over timers.
  func prefetch(_ timer: Timer) {
    if Int(timer.tag) < latest.count { platform_prefetch(latest.values + Int(timer.tag)) }
  }

  /// The session that a timer looks at, which has none from now on; nil when it was joined to another, or has another
  /// timer.
  @inline(__always)  // As above.
  func take(_ timer: Timer) -> UnsafeMutablePointer<Session>? {
    guard let session = scheduled(timer) else { return nil }
    session.pointee.scheduled = .max
    return session
  }

  /// Whether a timer looks at a session.
  func counts(_ timer: Timer) -> Bool { scheduled(timer) != nil }

  @inline(__always)  // As above.
  private func scheduled(_ timer: Timer) -> UnsafeMutablePointer<Session>? {
    // Nearly all are their keys' latest ones, which are found without their owners.
    if Int(timer.tag) < latest.count {
      let session = latest.values + Int(timer.tag)
      if session.pointee.slot == timer.slot { return session.pointee.scheduled == timer.time ? session : nil }
    }
    return earlier(timer)
  }

  @inline(never)
  private func earlier(_ timer: Timer) -> UnsafeMutablePointer<Session>? {
    guard Int(timer.slot) < owners.count else { return nil }
    let owner = owners.values[Int(timer.slot)]
    guard owner.place != Self.none, owner.key == timer.tag else { return nil }
    let session = session(owner.key, owner.place)
    return session.pointee.scheduled == timer.time ? session : nil
  }
}
