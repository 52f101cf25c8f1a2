import Base
import Synchronization

/// Time that pauses add up to, of which one may be going on: it counts before its end.
///
/// Written by one thread at a time, once at each end of a pause; read by any thread at any time. One word says both what the
/// sum is and since when it grows, so that a reader never sees a pause twice or not at all. Readings never fall by more than
/// what passes between the writer's look at its clock and its store.
struct PauseTime: ~Copyable, Sendable {
  /// The sum, in nanoseconds. While a pause goes on: below zero, and its complement is the time on the monotonic clock at
  /// which a sum of zero would have begun to grow.
  private let word = Atomic<Int64>(0)

  /// A pause that is over, while none goes on.
  func add(nanoseconds: Int64) {
    word.store(word.load(ordering: .relaxed) &+ nanoseconds, ordering: .relaxed)
  }

  func begin(at now: MonotonicTime) {
    // The process has not waited for longer than the machine has been there.
    word.store(~max(0, now.nanoseconds &- total(now: now)), ordering: .relaxed)
  }

  /// Does nothing when none goes on.
  func end(at now: MonotonicTime) { word.store(total(now: now), ordering: .relaxed) }

  /// Nanoseconds of all pauses until now.
  func total(now: MonotonicTime) -> Int64 {
    let word = word.load(ordering: .relaxed)
    return word >= 0 ? word : max(0, now.nanoseconds &- ~word)
  }
}
