import Glibc

/// A value behind a lock, and a way to wait until it has changed.
///
/// On pthread's mutex and condition variable, not `Synchronization.Mutex`: that has no waiting, and the thread sanitizer,
/// which does not see into its slow path, reports races where there are none as soon as two threads contend for it.
public final class Monitor<State>: @unchecked Sendable {  // What `state` points to is touched with `mutex` held only.
  @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
  @usableFromInline let changed: UnsafeMutablePointer<pthread_cond_t>
  @usableFromInline let state: UnsafeMutablePointer<State>

  public init(_ state: State) {
    self.state = .allocate(capacity: 1)
    self.state.initialize(to: state)
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    changed = .allocate(capacity: 1)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(changed, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Reads or changes the value. `body` must not come back to this monitor.
  @inlinable
  public func withLock<Result, E: Error>(_ body: (inout State) throws(E) -> Result) throws(E) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&state.pointee)
  }

  /// Waits until `condition` gives a value, which it is asked for at first and after each signal; nil once the deadline has
  /// passed.
  @inlinable
  public func wait<Result>(until deadline: MonotonicTime? = nil, for condition: (inout State) -> Result?) -> Result? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = condition(&state.pointee) { return result }
      guard let deadline else {
        pthread_cond_wait(changed, mutex)
        continue
      }
      var time = timespec(
        tv_sec: Int(deadline.nanoseconds / 1_000_000_000), tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
      if pthread_cond_timedwait(changed, mutex, &time) == ETIMEDOUT { return condition(&state.pointee) }
    }
  }

  /// Wakes one waiting thread.
  public func signal() { pthread_cond_signal(changed) }

  /// Wakes all waiting threads.
  public func broadcast() { pthread_cond_broadcast(changed) }
}
