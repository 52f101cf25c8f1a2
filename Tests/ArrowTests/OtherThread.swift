import CVolley
import Glibc

/// Runs something on a thread that has ended when `run` returns.
enum OtherThread {
  private final class Box {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
  }

  static func run(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { argument in
        Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
        return nil
      }, Unmanaged.passRetained(Box(body)).toOpaque())
    precondition(status == 0, "a test can start a thread")
    pthread_join(thread, nil)
  }
}

/// A C struct to export into, where `CVolley` is not imported.
struct ArrowArrayBox {
  var array = ArrowArray()
}
