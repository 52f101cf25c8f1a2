import Base
import CNGHTTP2

/// What nghttp2 tells of received frames. Each function returns 0, or an error that makes nghttp2 stop at once when this
/// session has ended meanwhile.
extension HTTP2Session {
  /// What every callback returns to nghttp2.
  var goesOn: Int32 { verdict == nil ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }

  /// The open stream with this number, if its handler still takes part.
  private func find(_ id: Int32) -> HTTP2Stream? {
    guard let native, let address = nghttp2_session_get_stream_user_data(native, id) else { return nil }
    // Set while the stream is in our table, and cleared when it leaves.
    return Unmanaged<HTTP2Stream>.fromOpaque(address).takeUnretainedValue()
  }

  func beginFields() -> Int32 {
    fields.removeAll(keepingCapacity: true)
    fieldsByteCount = 0
    return goesOn
  }

  func received(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, on id: Int32) -> Int32 {
    guard verdict == nil else { return goesOn }
    fieldsByteCount += name.count + value.count + HTTPFields.overhead
    guard fieldsByteCount > options.maxHeaderListSize else {
      fields.append(HTTPCharacter.text(name), HTTPCharacter.text(value))
      return 0
    }
    fields.removeAll()
    let text = "its head or trailers have more than \(options.maxHeaderListSize) bytes of fields"
    if let stream = streams[id] {
      stream.failure = failure("got a stream that was given up: \(text)", retryable: false)
    }
    nghttp2_submit_rst_stream(
      native, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, HTTP2ErrorCode.enhanceYourCalm.rawValue)
    if let excess = floods.note(.mistake, at: now) { calm(excess) }
    // nghttp2 reads the rest of the head, because later ones refer to it, but tells nothing of it.
    return verdict == nil ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue : goesOn
  }

  func received(_ data: UnsafeRawBufferPointer, on id: Int32) -> Int32 {
    guard verdict == nil, let native else { return goesOn }
    nghttp2_session_consume_connection(native, data.count)
    guard let stream = find(id) else { return 0 }
    stream.unconsumed += data.count
    stream.handler?.received(data: data, on: stream)
    return goesOn
  }

  func received(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
    guard verdict == nil else { return goesOn }
    let head = frame.pointee.hd
    switch head.type {
    case HTTP2FrameType.data:
      if head.flags & HTTP2FrameHead.endStream != 0, let stream = find(head.stream_id) { receivedEnd(of: stream) }
    case HTTP2FrameType.headers:
      receivedFields(head, opens: frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST)
    case HTTP2FrameType.reset:
      find(head.stream_id)?.state.insert(.resetByPeer)
    case HTTP2FrameType.settings:
      if head.flags & HTTP2FrameHead.acknowledgement == 0 { receivedSettings() }
    case HTTP2FrameType.ping:
      if head.flags & HTTP2FrameHead.acknowledgement != 0 { receivedAnswer(frame.pointee.ping) }
    case HTTP2FrameType.goAway:
      receivedGoAway(frame.pointee.goaway)
    default: break
    }
    return goesOn
  }

  func beginFrame(_ head: nghttp2_frame_hd) -> Int32 {
    if head.type == HTTP2FrameType.settings, head.flags & HTTP2FrameHead.acknowledgement == 0 {
      // nghttp2 would give up only the streams whose windows SETTINGS make too large; their windows say so before they do.
      widestWindow = streams.keys.reduce(0) { max($0, nghttp2_session_get_stream_remote_window_size(native, $1)) }
    }
    return goesOn
  }

  private func receivedSettings() {
    hasSettings = true
    let window = Int64(nghttp2_session_get_remote_settings(native, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE))
    let widened = Int64(widestWindow) + window - peerStreamWindow
    peerStreamWindow = window
    guard streams.isEmpty || widened <= Int64(Int32.max) else {
      return endForBrokenRule(.flowControlError, "SETTINGS make a stream's window \(widened) bytes")
    }
    submitWaiting()
  }

  private func receivedFields(_ head: nghttp2_frame_hd, opens: Bool) {
    let fields = fields
    self.fields.removeAll(keepingCapacity: true)
    let ends = head.flags & HTTP2FrameHead.endStream != 0
    guard !opens else { return opened(head.stream_id, fields, ends) }
    guard let stream = find(head.stream_id) else { return }
    if stream.state.contains(.headReceived) {
      stream.handler?.received(trailers: fields, on: stream)
    } else {
      // Responses before the last one (RFC 9110 section 15.2) say nothing that a client here waits for.
      if let status = fields.status, status < 200 { return }
      stream.state.insert(.headReceived)
      stream.handler?.received(head: fields, endsStream: ends, on: stream)
    }
    if ends { receivedEnd(of: stream) }
  }

  private func opened(_ id: Int32, _ head: HTTPFields, _ ends: Bool) {
    guard let native else { return }
    let stream = HTTP2Stream(self, handler: nil)
    stream.id = id
    stream.state = .headReceived
    streams[id] = stream
    nghttp2_session_set_stream_user_data(native, id, Unmanaged.passUnretained(stream).toOpaque())
    // Streams take turns, frame by frame, whatever the client would like.
    var priority = nghttp2_extpri(urgency: UInt32(NGHTTP2_EXTPRI_DEFAULT_URGENCY), inc: 1)
    nghttp2_session_change_extpri_stream_priority(native, id, &priority, 1)
    let chosen = handler?.opened(stream, head: head, in: self)
    guard stream.isOpen else { return }
    guard let chosen else { return reset(stream, .refusedStream) }
    stream.handler = chosen
    chosen.received(head: head, endsStream: ends, on: stream)
    if ends { receivedEnd(of: stream) }
  }

  private func receivedEnd(of stream: HTTP2Stream) {
    guard stream.isOpen, !stream.state.contains(.inputEnded) else { return }
    stream.state.insert(.inputEnded)
    stream.handler?.receivedEnd(on: stream)
  }

  private func receivedAnswer(_ ping: nghttp2_ping) {
    let id = withUnsafeBytes(of: ping.opaque_data) { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
    if drain.isAnswered(by: id) { return announceLastStream() }
    guard let index = pings.firstIndex(where: { $0.id == id }) else { return }
    let sentAt = pings.remove(at: index).sentAt
    handler?.answered(ping: id, after: now - sentAt, in: self)
  }

  private func receivedGoAway(_ frame: nghttp2_goaway) {
    let code = HTTP2ErrorCode(rawValue: frame.error_code)
    if code != .noError {
      let text = HTTPCharacter.text(
        UnsafeBufferPointer(start: frame.opaque_data, count: min(frame.opaque_data_len, 200)))
      goAwayFailure = failure("was ended by the peer: \(code)\(text.isEmpty ? "" : ", '\(text)'")")
    }
    let isFirst = !drain.peerDrains
    drain.peerDrains = true
    refuseWaiting()
    if isFirst { handler?.peerDrains(self) }
  }

  /// A frame broke the rules and nghttp2 gives its stream, or all of them, up. Streams in our table are counted when they are
  /// closed, which happens once to each.
  func receivedInvalidFrame(on id: Int32) -> Int32 {
    if verdict == nil, streams[id] == nil, let excess = floods.note(.mistake, at: now) { calm(excess) }
    return goesOn
  }

  /// nghttp2 is done with the stream.
  func closed(_ id: Int32, _ code: HTTP2ErrorCode) -> Int32 {
    guard let stream = streams.removeValue(forKey: id) else { return goesOn }
    nghttp2_session_set_stream_user_data(native, id, nil)
    forgetOutput(of: stream)
    let end = end(of: stream, code)
    if case .finished = end { floods.excuse(.reset) }
    if case .reset(_, byPeer: false) = end, verdict == nil, let excess = floods.note(.mistake, at: now) { calm(excess) }
    stream.tell(end)
    submitWaiting()
    return goesOn
  }

  private func end(of stream: HTTP2Stream, _ code: HTTP2ErrorCode) -> HTTP2StreamEnd {
    if let failure = stream.failure { return .failed(failure) }
    let isByPeer = stream.state.contains(.resetByPeer)
    if code == .noError, stream.state.contains(.inputEnded), isByPeer || stream.state.contains(.outputEnded) {
      return .finished
    }
    if code == .refusedStream, role == .client {
      return .unprocessed(failure("has a peer that did not begin with the request; send it again, or to another"))
    }
    return .reset(code, byPeer: isByPeer)
  }
}
