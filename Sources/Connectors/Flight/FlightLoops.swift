import Base
import Networking
import Synchronization

/// The event loops of all Flight connectors of a process: started when the first one needs them, and there as long as the
/// process.
enum FlightLoops {
  private static let started = Mutex<EventLoopGroup?>(nil)

  /// - Throws: when their threads cannot be started; it is tried again the next time.
  static func group() throws(Failure) -> EventLoopGroup {
    try started.withLock { (started) throws(Failure) in
      if let group = started { return group }
      let group = try EventLoopGroup(name: "flight", count: 2)
      started = group
      return group
    }
  }
}
