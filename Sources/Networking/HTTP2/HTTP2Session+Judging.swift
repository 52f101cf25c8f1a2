import Base

extension HTTP2Session {
  /// Looks at a frame's head before nghttp2 works on the frame: for floods, and for frames on ended streams, which nghttp2
  /// ignores.
  ///
  /// - Returns: why the connection is to be ended.
  func judge(_ head: HTTP2FrameHead) -> (HTTP2ErrorCode, String)? {
    if let excess = weigh(head) { return (.enhanceYourCalm, excess) }
    guard head.type == HTTP2FrameType.data || head.type == HTTP2FrameType.headers else {
      if head.type == HTTP2FrameType.reset { endedStreams.end(head.stream) }
      // nghttp2 ignores these without a look.
      let isStray = head.type == HTTP2FrameType.priority && head.stream == 0
      return isStray ? (.protocolError, "PRIORITY: stream_id == 0") : nil
    }
    if endedStreams.contains(head.stream) {
      return (.streamClosed, "a frame of type \(head.type) came on stream \(head.stream), which the peer had ended")
    }
    if role == .server, head.type == HTTP2FrameType.headers, !endedStreams.opens(head.stream) {
      return (.protocolError, "stream \(head.stream) was opened after a later one")
    }
    if head.flags & HTTP2FrameHead.endStream != 0 { endedStreams.end(head.stream) }
    return nil
  }

  /// Counts the frame.
  private func weigh(_ head: HTTP2FrameHead) -> String? {
    let isAnswer = head.flags & HTTP2FrameHead.acknowledgement != 0
    switch head.type {
    case HTTP2FrameType.data:
      if head.length == 0 && head.flags & HTTP2FrameHead.endStream == 0 { return floods.note(.emptyFrame, at: now) }
      // gRPC's libraries measure the round trip with a PING while data flow.
      floods.excuse(.ping)
      return nil
    case HTTP2FrameType.headers:
      return floods.noteHead(continues: false) ?? (head.length == 0 ? floods.note(.emptyFrame, at: now) : nil)
    case HTTP2FrameType.continuation:
      return floods.noteHead(continues: true) ?? (head.length == 0 ? floods.note(.emptyFrame, at: now) : nil)
    case HTTP2FrameType.priority: return floods.note(.priority, at: now)
    case HTTP2FrameType.reset: return floods.note(.reset, at: now)
    case HTTP2FrameType.settings:
      return isAnswer ? nil : floods.note(.settings, at: now) ?? floods.noteQuestion()
    case HTTP2FrameType.ping:
      return floods.note(.ping, at: now) ?? (isAnswer ? nil : floods.noteQuestion())
    case HTTP2FrameType.goAway: return floods.note(.settings, at: now)
    case HTTP2FrameType.windowUpdate: return floods.note(.windowUpdate, at: now)
    case HTTP2FrameType.pushPromise: return nil
    default: return floods.note(.unknownFrame, at: now)
    }
  }
}
