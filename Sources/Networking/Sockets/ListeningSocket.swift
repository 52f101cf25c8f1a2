import Base
import CPlatform
import Glibc

/// A socket that accepts, in a loop.
final class ListeningSocket: LoopMember, @unchecked Sendable {  // Touched on its loop's thread only.
  private let listener: Listener
  private let address: SocketAddress
  private var descriptor: Int32
  private let isShared: Bool
  /// Runs while nothing can be accepted.
  private var timer: LoopTimer?

  /// Connections that are accepted in one turn at most.
  private static let turnLimit = 64
  /// How long nothing is accepted after the process ran out of descriptors or memory: the kernel says nothing when there are some
  /// again, and asking all the time would take a core.
  private static let shortageDelay = Duration.milliseconds(100)

  init(_ listener: Listener, _ socket: BoundSocket) {
    self.listener = listener
    address = socket.address
    descriptor = socket.descriptor
    isShared = socket.isShared
  }

  /// Begins to accept, or gives the socket back.
  func begin() throws(Failure) {
    do throws(Failure) {
      try listener.loop.add(self, descriptor)
    } catch {
      close(descriptor)
      descriptor = -1
      throw error
    }
    // What was there before: nobody tells it.
    listener.loop.turnAgain(self)
  }

  func end() {
    timer?.cancel()
    timer = nil
    guard descriptor >= 0 else { return }
    listener.loop.remove(self, descriptor)
    // A process that is just being started has the descriptor too, until it is another program: closing ours would not
    // end the listening before.
    if !isShared { shutdown(descriptor, Int32(SHUT_RDWR)) }
    close(descriptor)
    descriptor = -1
  }

  override func loopEnds() {
    end()
    listener.forget(self)
  }

  override func ready(_ events: UInt32) { if timer?.isSet != true { turn() } }

  override func turn() {
    for _ in 0..<Self.turnLimit {
      guard descriptor >= 0 else { return }
      var made: Int32 = -1
      let peer = SocketCalls.address { address, length in
        made = platform_accept(descriptor, address, length)
        return made
      }
      guard made >= 0 else {
        let code = errno
        switch code {
        case EAGAIN: return
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: return wait(code)
        // The connection was over before it was accepted, or a signal came: accept(2) tells these of the next one.
        default: continue
        }
      }
      listener.accepted(made, peer ?? SocketAddress(.v4(0), port: 0))
    }
    listener.loop.turnAgain(self)
  }

  private func wait(_ code: Int32) {
    listener.reportSometimes(
      Failure(
        .io, retryable: true,
        "connections wait at \(address) and cannot be accepted (\(systemText(code))); raise the limit of open files (ulimit -n) or close connections"
      ))
    let timer = timer ?? listener.loop.timer { [weak self] in self?.turn() }
    self.timer = timer
    timer.set(after: Self.shortageDelay)
  }
}
