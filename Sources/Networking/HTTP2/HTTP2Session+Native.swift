import Base
import CNGHTTP2

extension HTTP2Session {
  /// nghttp2's session with our callbacks and options.
  func makeNative() -> OpaquePointer {
    var callbacks: OpaquePointer?
    var option: OpaquePointer?
    var made: OpaquePointer?
    guard nghttp2_session_callbacks_new(&callbacks) == 0, let callbacks, nghttp2_option_new(&option) == 0, let option
    else { preconditionFailure("nghttp2 has no memory for a session") }
    defer {
      nghttp2_session_callbacks_del(callbacks)
      nghttp2_option_del(option)
    }
    Self.setCallbacks(callbacks)
    nghttp2_option_set_no_auto_window_update(option, 1)
    // Closed streams would be kept for a tree of priorities that nobody uses, and their addresses of ours with them.
    nghttp2_option_set_no_closed_streams(option, 1)
    // We count these ourselves, say ENHANCE_YOUR_CALM and why. nghttp2's own counters stay as a second wall.
    let limits = options.flood
    nghttp2_option_set_max_outbound_ack(option, limits.unanswered * 2 + 16)
    nghttp2_option_set_stream_reset_rate_limit(
      option, UInt64(limits[.reset].burst) * 4, UInt64(limits[.reset].perSecond) * 4 + 1)
    nghttp2_option_set_max_continuations(option, limits.continuations * 2)
    nghttp2_option_set_max_deflate_dynamic_table_size(option, options.headerTableSize)
    nghttp2_option_set_max_send_header_block_length(option, Self.maxSentHead)
    let context = Unmanaged.passUnretained(self).toOpaque()
    let result =
      switch role {
      case .client: nghttp2_session_client_new2(&made, callbacks, context, option)
      case .server: nghttp2_session_server_new2(&made, callbacks, context, option)
      }
    guard result == 0, let made else { preconditionFailure("nghttp2 has no memory for a session") }
    return made
  }

  /// Bytes of a head that we send, encoded: more is refused where the head is handed in.
  static let maxSentHead = 256 * 1024

  /// Queues our SETTINGS, and the connection's window beyond the 65,535 bytes with which it begins.
  func greet() {
    var settings = [
      setting(NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, options.headerTableSize),
      setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.streamWindow),
      setting(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, options.maxFrameSize),
      setting(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.maxHeaderListSize),
    ]
    switch role {
    case .client:
      settings.append(setting(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
    case .server:
      settings.append(setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.maxConcurrentStreams))
      // Priorities of RFC 7540 are a tree that peers may rearrange at our cost (RFC 9218 section 2.1).
      settings.append(setting(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1))
    }
    let result = nghttp2_submit_settings(native, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
    precondition(result == 0, "nghttp2 takes SETTINGS whose values were checked")
    nghttp2_session_set_local_window_size(
      native, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(options.connectionWindow))
  }

  private func setting(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
    nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(value))
  }
}

extension HTTP2Session {
  /// Functions without context: nghttp2 hands in the session's address, so nothing is allocated for a frame.
  fileprivate static func setCallbacks(_ callbacks: OpaquePointer) {
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, context in
      guard let frame else { return 0 }
      return HTTP2Session.at(context).received(frame)
    }
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { _, head, context in
      guard let head else { return 0 }
      return HTTP2Session.at(context).beginFrame(head.pointee)
    }
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, _, context in
      HTTP2Session.at(context).beginFields()
    }
    nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, frame, name, nameCount, value, valueCount, _, context in
      guard let frame else { return 0 }
      return HTTP2Session.at(context).received(
        UnsafeBufferPointer(start: name, count: nameCount), UnsafeBufferPointer(start: value, count: valueCount),
        on: frame.pointee.hd.stream_id)
    }
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, stream, bytes, count, context in
      HTTP2Session.at(context).received(UnsafeRawBufferPointer(start: bytes, count: count), on: stream)
    }
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) { _, frame, _, context in
      guard let frame else { return 0 }
      return HTTP2Session.at(context).receivedInvalidFrame(on: frame.pointee.hd.stream_id)
    }
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, context in
      HTTP2Session.at(context).closed(stream, HTTP2ErrorCode(rawValue: code))
    }
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, context in
      guard let frame else { return 0 }
      return HTTP2Session.at(context).sent(frame)
    }
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) { _, frame, error, context in
      guard let frame else { return 0 }
      return HTTP2Session.at(context).notSent(frame, error)
    }
    nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks) {
      _, _, _, connectionWindow, streamWindow, frameLimit, context in
      HTTP2Session.at(context).frameLength(connectionWindow, streamWindow, frameLimit)
    }
    nghttp2_session_callbacks_set_send_data_callback(callbacks) { _, frame, head, count, source, context in
      guard let frame, let head, let source else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
      return HTTP2Session.at(context).sendData(frame, head, count, HTTP2Session.stream(of: source))
    }
  }

  /// Asks a stream for data.
  static var dataProvider: nghttp2_data_source_read_callback {
    { _, _, _, limit, flags, source, context in
      guard let flags, let source else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
      return HTTP2Session.at(context).read(HTTP2Session.stream(of: source), atMost: limit, &flags.pointee)
    }
  }

  /// The session whose address nghttp2 was given: it lives as long as nghttp2's does, which it deletes.
  private static func at(_ context: UnsafeMutableRawPointer?) -> HTTP2Session {
    guard let context else { preconditionFailure("nghttp2 hands back the session's address") }
    return Unmanaged<HTTP2Session>.fromOpaque(context).takeUnretainedValue()
  }

  /// The stream of a data source: nghttp2 asks for data only of streams that are open there, and those are in our table.
  private static func stream(of source: UnsafeMutablePointer<nghttp2_data_source>) -> HTTP2Stream {
    guard let address = source.pointee.ptr else { preconditionFailure("a data source has its stream's address") }
    return Unmanaged<HTTP2Stream>.fromOpaque(address).takeUnretainedValue()
  }
}

extension HTTPFields {
  /// Calls `body` with the fields as nghttp2 wants them, valid during the call.
  func withNative<Result>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result) -> Result {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(listByteCount)
    for field in self {
      bytes.append(contentsOf: field.name.utf8)
      bytes.append(contentsOf: field.value.utf8)
    }
    return bytes.withUnsafeMutableBufferPointer { bytes in
      withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: count) { natives in
        var offset = 0
        for (index, field) in enumerated() {
          let nameCount = field.name.utf8.count
          let valueCount = field.value.utf8.count
          let start = bytes.baseAddress.map { $0 + offset }
          // A secret is not put into a table from which it could be guessed: RFC 7541 section 7.1.3.
          let isSecret = field.name == "authorization"
          natives.initializeElement(
            at: index,
            to: nghttp2_nv(
              name: start, value: start.map { $0 + nameCount }, namelen: nameCount, valuelen: valueCount,
              flags: UInt8(isSecret ? NGHTTP2_NV_FLAG_NO_INDEX.rawValue : NGHTTP2_NV_FLAG_NONE.rawValue)))
          offset += nameCount + valueCount
        }
        return body(natives.baseAddress, count)
      }
    }
  }
}
