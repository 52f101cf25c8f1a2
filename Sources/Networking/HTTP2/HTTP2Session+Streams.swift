import Base
import CNGHTTP2

extension HTTP2Session {
  /// Sends a request. When the peer takes no more streams at the moment, it waits until others are closed.
  ///
  /// - Parameter endsStream: nothing follows the head.
  /// - Throws: the connection is over or drains, or as many requests wait already as may: retryable, on another connection;
  ///   or a field that no peer would take.
  public func open(_ head: HTTPFields, endsStream: Bool = false, handler: any HTTP2StreamHandler) throws(Failure)
    -> HTTP2Stream
  {
    precondition(role == .client, "only a client opens streams")
    try head.check()
    guard native != nil, verdict == nil else { throw failure("is over; open another") }
    guard !drain.isDraining else { throw failure("takes no new requests, because it drains; open another") }
    let stream = HTTP2Stream(self, handler: handler)
    stream.state = endsStream ? [.headSent, .outputEnds] : .headSent
    try checkSize(of: head)
    if waiting.isEmpty, streams.count < peerStreamLimit {
      submit(stream, head, endsStream: endsStream)
    } else {
      guard waiting.count < options.maxWaitingRequests else {
        throw failure(
          "has \(streams.count) streams, as many as the peer takes, and \(waiting.count) requests that wait for them; "
            + "send fewer at a time")
      }
      stream.waitingHead = head
      waiting.append(stream)
    }
    return stream
  }

  /// As nghttp2 bounds the encoded head by an estimate that is not below twice its size.
  private func checkSize(of head: HTTPFields) throws(Failure) {
    let count = head.listByteCount
    guard count <= Self.maxSentHead / 4 else {
      throw Failure(
        .usage, "A head has \(count) bytes of fields; at most \(Self.maxSentHead / 4) can be sent: send less")
    }
  }

  private var peerStreamLimit: Int {
    guard let native else { return 0 }
    return Int(nghttp2_session_get_remote_settings(native, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS))
  }

  private func submit(_ stream: HTTP2Stream, _ head: HTTPFields, endsStream: Bool) {
    let address = Unmanaged.passUnretained(stream).toOpaque()
    let id = head.withNative { natives, count in
      withUnsafePointer(to: Self.provider(for: address)) { provider in
        nghttp2_submit_request(native, nil, natives, count, endsStream ? nil : provider, address)
      }
    }
    guard id > 0 else {
      // The numbers are used up: 2^30 streams.
      forgetOutput(of: stream)
      stream.tell(.unprocessed(failure("has no numbers for streams left; open another")))
      return startDrain(at: now)
    }
    stream.id = id
    streams[id] = stream
    wantOutput()
  }

  private static func provider(for address: UnsafeMutableRawPointer) -> nghttp2_data_provider {
    nghttp2_data_provider(source: nghttp2_data_source(ptr: address), read_callback: dataProvider)
  }

  /// Sends requests that wait, if the peer takes more streams now.
  func submitWaiting() {
    guard role == .client, verdict == nil, !waiting.isEmpty else { return }
    let count = min(waiting.count, max(0, peerStreamLimit - streams.count))
    let ready = Array(waiting[..<count])
    waiting.removeFirst(count)
    for stream in ready {
      guard let head = stream.waitingHead else { preconditionFailure("a waiting request has its head") }
      stream.waitingHead = nil
      let isAll = stream.state.contains(.outputEnds) && stream.output.isEmpty && stream.trailers == nil
      submit(stream, head, endsStream: isAll)
    }
  }

  /// Tells waiting requests that they will not be sent here.
  func refuseWaiting() {
    let refused = waiting
    waiting = []
    for stream in refused {
      forgetOutput(of: stream)
      stream.tell(.unprocessed(failure("takes no new requests, because it drains; open another")))
    }
  }

  func send(_ head: HTTPFields, endsStream: Bool, on stream: HTTP2Stream) {
    do throws(Failure) {
      try head.check()
      try checkSize(of: head)
    } catch {
      return giveUp(stream, error)
    }
    stream.state.insert(.headSent)
    if endsStream { stream.state.insert(.outputEnds) }
    let result = head.withNative { natives, count in
      withUnsafePointer(to: Self.provider(for: Unmanaged.passUnretained(stream).toOpaque())) { provider in
        nghttp2_submit_response(native, stream.id, natives, count, endsStream ? nil : provider)
      }
    }
    guard result == 0 else { return giveUp(stream, failure("cannot send a head (nghttp2: \(result))")) }
    wantOutput()
  }

  /// Resets a stream because of what we would have sent.
  private func giveUp(_ stream: HTTP2Stream, _ failure: Failure) {
    stream.failure = failure
    reset(stream, .internalError)
  }

  func end(trailers: HTTPFields?, on stream: HTTP2Stream) {
    if let trailers, !trailers.isEmpty {
      do throws(Failure) {
        try trailers.check()
        try checkSize(of: trailers)
      } catch {
        return giveUp(stream, error)
      }
      stream.trailers = trailers
    }
    stream.state.insert(.outputEnds)
    resume(stream)
  }

  /// Bytes were appended to the stream's output.
  func added(_ count: Int, on stream: HTTP2Stream) {
    guard count > 0 else { return }
    outputByteCount += count
    if stream.output.byteCount >= options.streamOutputMark { stream.state.insert(.full) }
    guard outputByteCount <= options.maxOutput else {
      end(.internalError, failure("was ended: \(outputByteCount) bytes wait for a peer that does not read them"))
      return settleOutside()
    }
    resume(stream)
  }

  private func resume(_ stream: HTTP2Stream) {
    guard stream.state.contains(.deferred), let native else { return }
    stream.state.remove(.deferred)
    nghttp2_session_resume_data(native, stream.id)
    wantOutput()
  }

  func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    let end = stream.failure.map { HTTP2StreamEnd.failed($0) } ?? .reset(code, byPeer: false)
    if stream.id == 0 {
      waiting.removeAll { $0 === stream }
    } else {
      streams[stream.id] = nil
      // nghttp2 reads no data of a stream that it resets, and tells us nothing of it but that it is closed.
      nghttp2_session_set_stream_user_data(native, stream.id, nil)
      nghttp2_submit_rst_stream(native, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, code.rawValue)
    }
    forgetOutput(of: stream)
    stream.session = nil
    resetStreams.append((stream, end))
    submitWaiting()
    wantOutput()
    settleOutside()
  }

  func forgetOutput(of stream: HTTP2Stream) {
    outputByteCount -= stream.output.byteCount
    stream.output.removeAll()
  }

  func consume(_ count: Int, on stream: HTTP2Stream) {
    stream.unconsumed -= count
    guard let native, verdict == nil, !stream.state.contains(.inputEnded) else { return }
    stream.kept += count
    guard stream.kept >= options.windowStep else { return }
    // nghttp2 by itself would give back half of the window at a time, and a peer that has sent the other half would wait.
    nghttp2_submit_window_update(native, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, Int32(stream.kept))
    stream.kept = 0
    wantOutputIfAny()
  }
}

extension HTTP2Stream {
  /// Tells the handler that this is over.
  func tell(_ end: HTTP2StreamEnd) {
    session = nil
    waitingHead = nil
    trailers = nil
    let handler = handler
    self.handler = nil
    handler?.closed(end, on: self)
  }
}
