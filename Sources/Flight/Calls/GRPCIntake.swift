/// Takes the messages of a call out of the bytes of its stream: small ones whole, those with batches into aligned memory.
enum GRPCIntake {
  case none
  case small(GRPCMessageDecoder)
  case data(FlightDataDecoder)

  enum Message {
    case small([UInt8])
    case data(FlightData)
  }

  /// Takes bytes from the front, at most up to the end of the next message.
  mutating func next(_ bytes: inout UnsafeRawBufferPointer) throws(GRPCStatus) -> Message? {
    switch self {
    case .none:
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return nil
    case .small(var decoder):
      // So that the decoder has one owner while it works.
      self = .none
      let message = try decoder.next(&bytes)
      self = .small(decoder)
      return message.map { .small($0) }
    case .data(var decoder):
      self = .none
      let data = try decoder.next(&bytes)
      self = .data(decoder)
      return data.map { .data($0) }
    }
  }

  /// Bytes of memory that a message takes which is not whole.
  var heldByteCount: Int {
    switch self {
    case .none: 0
    case .small(let decoder): decoder.heldByteCount
    case .data(let decoder): decoder.heldByteCount
    }
  }

  func finish() throws(GRPCStatus) {
    switch self {
    case .none: break
    case .small(let decoder): try decoder.finish()
    case .data(let decoder): try decoder.finish()
    }
  }
}
