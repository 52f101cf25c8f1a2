import Base
import Synchronization

/// Event loops, among which connections are spread.
public final class EventLoopGroup: Sendable {
  public let loops: [EventLoop]
  private let turn = Atomic(0)

  /// Starts `count` loops, named "NAME 0" and so on.
  public init(name: String, count: Int) throws(Failure) {
    precondition(count > 0, "a group has one event loop at least")
    var loops: [EventLoop] = []
    do throws(Failure) {
      for index in 0..<count { loops.append(try EventLoop(name: "\(name) \(index)")) }
    } catch {
      for loop in loops { loop.stop() }
      throw error
    }
    self.loops = loops
  }

  /// The loops in turn. From any thread.
  public func next() -> EventLoop {
    let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue
    return loops[Int(UInt(bitPattern: number) % UInt(loops.count))]
  }

  /// Stops all of them, and returns when their threads have ended.
  public func stop() { for loop in loops { loop.stop() } }
}
