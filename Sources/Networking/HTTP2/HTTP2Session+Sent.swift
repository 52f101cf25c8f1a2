import Base
import CNGHTTP2

/// What nghttp2 asks for, and tells of, when frames are sent.
extension HTTP2Session {
  /// How many bytes the next DATA frame may have: as many as windows and the peer's bound allow, ours on fairness, and what
  /// is left of what the caller wants.
  func frameLength(_ connectionWindow: Int32, _ streamWindow: Int32, _ frameLimit: UInt32) -> Int {
    let room = target.map { max(targetLimit - $0.pointee.byteCount, Self.smallestCut) } ?? Self.smallestCut
    return max(1, min(Int(connectionWindow), Int(streamWindow), Int(frameLimit), options.maxSentFrameSize, room))
  }

  /// A frame is not made shorter than this to meet a caller's limit, which is passed by as much instead.
  private static let smallestCut = 16_384

  /// A stream's next data: how many bytes, of which ``sendData(_:_:_:_:)`` is told next.
  func read(_ stream: HTTP2Stream, atMost limit: Int, _ flags: inout UInt32) -> Int {
    guard verdict == nil else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
    let count = min(stream.output.byteCount, limit)
    let isLast = stream.state.contains(.outputEnds) && count == stream.output.byteCount
    guard count > 0 || isLast else {
      stream.state.insert(.deferred)
      return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    if count > 0 { flags |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue }
    if isLast {
      flags |= NGHTTP2_DATA_FLAG_EOF.rawValue
      if let trailers = stream.trailers {
        stream.trailers = nil
        flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
        let result = trailers.withNative { nghttp2_submit_trailer(native, stream.id, $0, $1) }
        if result != 0 { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
      }
    }
    return count
  }

  /// Moves a frame from its stream's output to the connection's.
  func sendData(
    _ frame: UnsafePointer<nghttp2_frame>, _ head: UnsafePointer<UInt8>, _ count: Int, _ stream: HTTP2Stream
  ) -> Int32 {
    guard let target, verdict == nil, frame.pointee.data.padlen == 0 else {
      return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
    }
    target.pointee.append(copying: UnsafeRawBufferPointer(start: head, count: HTTP2FrameHead.byteCount))
    stream.output.move(count, to: &target.pointee)
    outputByteCount -= count
    floods.excuse(.windowUpdate, count: 2)
    if stream.state.contains(.full), stream.output.byteCount < options.streamOutputMark {
      stream.state.remove(.full)
      stream.handler?.hasRoom(on: stream)
      if verdict != nil { return goesOn }
    }
    return target.pointee.byteCount < targetLimit ? 0 : NGHTTP2_ERR_PAUSE.rawValue
  }

  func sent(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
    let head = frame.pointee.hd
    switch head.type {
    case HTTP2FrameType.data, HTTP2FrameType.headers:
      if head.flags & HTTP2FrameHead.endStream != 0 { streams[head.stream_id]?.state.insert(.outputEnded) }
    case HTTP2FrameType.settings, HTTP2FrameType.ping:
      if head.flags & HTTP2FrameHead.acknowledgement != 0 { floods.noteAnswer() }
    case HTTP2FrameType.goAway:
      let goAway = frame.pointee.goaway
      let code = HTTP2ErrorCode(rawValue: goAway.error_code)
      if code != .noError, goAwayFailure == nil {
        let text = HTTPCharacter.text(UnsafeBufferPointer(start: goAway.opaque_data, count: goAway.opaque_data_len))
        let reason = text.isEmpty ? "" : ": \(text)"
        goAwayFailure = failure("was ended because the peer broke the rules\(reason) (\(code))")
      }
    default: break
    }
    return goesOn
  }

  /// nghttp2 does not send a frame that was submitted.
  func notSent(_ frame: UnsafePointer<nghttp2_frame>, _ error: Int32) -> Int32 {
    let head = frame.pointee.hd
    guard head.type == HTTP2FrameType.headers, let stream = streams[head.stream_id] else { return goesOn }
    // A stream that is closing, or was refused by GOAWAY, is told so by `closed`.
    let expected = [
      NGHTTP2_ERR_STREAM_CLOSED, NGHTTP2_ERR_STREAM_CLOSING, NGHTTP2_ERR_START_STREAM_NOT_ALLOWED,
      NGHTTP2_ERR_STREAM_SHUT_WR,
    ]
    guard !expected.contains(where: { $0.rawValue == error }) else { return goesOn }
    stream.failure = failure(
      "cannot send a head or trailers: \(String(cString: nghttp2_strerror(error)))", retryable: false)
    nghttp2_submit_rst_stream(
      native, UInt8(NGHTTP2_FLAG_NONE.rawValue), head.stream_id, HTTP2ErrorCode.internalError.rawValue)
    return goesOn
  }
}
