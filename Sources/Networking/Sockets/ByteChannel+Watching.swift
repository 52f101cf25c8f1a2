import Base
import Glibc

extension ByteChannel {
  /// Bytes went to the kernel: begins to look whether the peer acknowledges them, unless that is under way.
  ///
  /// TCP_USER_TIMEOUT would do it in the kernel, but since Linux 5.11 that also ends a connection whose peer answers and has
  /// had no room for so long: a consumer that pauses is not gone (RFC 9293, section 3.8.6.1: a connection stays open as
  /// long as its window probes are answered).
  func watchAcknowledgements() {
    guard !isWatched, let limit = options.unacknowledgedLimit else { return }
    isWatched = true
    watchedSince = .now
    let timer = acknowledgementTimer ?? loop.timer { [unowned self] in judgeAcknowledgements() }
    acknowledgementTimer = timer
    timer.set(after: limit / Self.looksPerLimit)
  }

  /// A connection that is gone is noticed at most a quarter of the limit late.
  private static let looksPerLimit = 4

  /// The peer has a few chances to answer when its window is closed: what asks and what answers may be lost.
  private static let unansweredProbes = 3

  /// Ends the connection if the peer has been silent for too long, and else looks again as long as bytes are with the kernel.
  private func judgeAcknowledgements() {
    isWatched = false
    guard let limit = options.unacknowledgedLimit, descriptor >= 0,
      SocketCalls.unacknowledgedBytes(descriptor) > 0, let state = SocketCalls.state(descriptor)
    else { return }
    // Bytes waited each time that this looked, so those of now have waited since the last acknowledgement at least.
    let silence = min(Int64(state.tcpi_last_ack_recv) * 1_000_000, .now - watchedSince)
    let isAsked = state.tcpi_unacked > 0 || Int(state.tcpi_probes) >= Self.unansweredProbes
    if isAsked, silence >= limit.wholeNanoseconds {
      return finish(SocketFailure.lost(peerName, ETIMEDOUT), resets: true)
    }
    isWatched = true
    acknowledgementTimer?.set(after: limit / Self.looksPerLimit)
  }
}
