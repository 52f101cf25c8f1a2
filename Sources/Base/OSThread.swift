import CPlatform
import Glibc

/// A thread of the operating system that runs one closure. It has to be joined or detached, once.
public struct OSThread: @unchecked Sendable {  // A handle; `join` or `detach` is called once, by the owner.
  private let handle: pthread_t

  private final class Body {
    let name: String
    let run: @Sendable () -> Void
    init(name: String, run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }
  }

  /// - Parameter name: what tools show.
  public init(name: String, _ run: @escaping @Sendable () -> Void) throws(Failure) {
    let body = Unmanaged.passRetained(Body(name: name, run: run))
    var handle = pthread_t()
    let status = pthread_create(
      &handle, nil,
      { argument in
        // The argument is the body that was retained above; pthread hands over what it got.
        let body = Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
        platform_name_thread(body.name)
        // Without that stack a stack overflow would go unexplained, nothing else.
        _ = platform_use_crash_stack()
        body.run()
        return nil
      }, body.toOpaque())
    guard status == 0 else {
      body.release()
      throw Failure(
        .software, domain: .external, retryable: true,
        "the thread '\(name)' could not be started (errno \(status)); raise the limit of processes (ulimit -u, pids.max) or lower --threads"
      )
    }
    self.handle = handle
  }

  /// Waits until the thread has ended.
  public func join() { pthread_join(handle, nil) }

  /// Lets the thread end by itself: nobody waits for it.
  public func detach() { pthread_detach(handle) }
}
