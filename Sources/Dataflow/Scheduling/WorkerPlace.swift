import Glibc

/// Which scheduler's thread is calling, and its index there: kept in a word of the thread.
final class WorkerPlace {
  private unowned(unsafe) let scheduler: Scheduler  // Alive while the thread is in its `work`.
  private let index: Int

  private init(scheduler: Scheduler, index: Int) {
    self.scheduler = scheduler
    self.index = index
  }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let status = pthread_key_create(&key, nil)
    precondition(status == 0, "a process has room for a few thread-local keys")
    return key
  }()

  /// The calling thread is that scheduler's, until `leave`.
  static func enter(_ scheduler: Scheduler, index: Int) {
    pthread_setspecific(key, Unmanaged.passRetained(WorkerPlace(scheduler: scheduler, index: index)).toOpaque())
  }

  static func leave() {
    guard let place = pthread_getspecific(key) else { return }
    pthread_setspecific(key, nil)
    Unmanaged<WorkerPlace>.fromOpaque(place).release()
  }

  /// The calling thread's index; nil when it is not one of that scheduler's.
  static func index(on scheduler: Scheduler) -> Int? {
    guard let word = pthread_getspecific(key) else { return nil }
    return Unmanaged<WorkerPlace>.fromOpaque(word)._withUnsafeGuaranteedRef { place in
      place.scheduler === scheduler ? place.index : nil
    }
  }
}
