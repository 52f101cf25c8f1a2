import Arrow
import Base

/// Takes the messages of a stream of batches out of the bytes of a call as they come, in pieces of any size.
///
/// A body is copied once, from the pieces into the one buffer that batches are views of. Lengths are checked before
/// memory is taken, and memory is taken as bytes arrive: at first a field is believed to have ``trustedAtFirst`` bytes,
/// or ``trustedFactor`` times those of it that are here, if that is less, and the buffer doubles with what comes; later on a
/// body is believed to have as many as the largest before it, so that a stream of large batches is copied once after its
/// first. Fields may come in any order; the last of each wins, and unknown ones are skipped. One thread at a time.
public struct FlightDataDecoder {
  /// Bytes that a field is believed to have before all of it has come.
  public static let trustedAtFirst = 64 << 10

  /// A call that only claims costs no more than so many times what it sends.
  static let trustedFactor = 16

  /// Bytes of a descriptor at most: what it is made into takes several times as much.
  public static let descriptorLimit = 4 << 20

  /// What the next byte belongs to.
  private enum State {
    case prefix(GRPCPrefix)
    case tag(ProtobufVarint)
    case length(Int, ProtobufVarint)
    case field(Int, GatheredBytes)
    /// The value of an unknown field.
    case skippedVarint(ProtobufVarint)
    case skipped(Int)

    /// Before a field, or at the end of the message.
    static var between: State { .tag(ProtobufVarint()) }
  }

  private var state = State.prefix(GRPCPrefix())
  private var message = FlightData()
  /// Bytes of the message that have not come.
  private var left = 0
  /// Bytes of the message's descriptor so far.
  private var descriptorBytes = 0
  /// Bytes of the largest body so far.
  private var trusted = 0
  private let limit: Int
  private let encoding: String?

  /// - Parameters:
  ///   - limit: bytes of a message at most, all of its fields together.
  ///   - encoding: the head's ``GRPCRequestHead/encoding``.
  public init(limit: Int = 256 << 20, encoding: String? = nil) {
    self.limit = limit
    self.encoding = encoding
  }

  /// Takes bytes from the front of `bytes`, at most up to the end of the next message, which it returns. nil: all of
  /// the bytes are taken, and the message is not whole. After a status was thrown the decoder is good for nothing.
  public mutating func next(_ bytes: inout UnsafeRawBufferPointer) throws(GRPCStatus) -> FlightData? {
    if case .prefix(var prefix) = state {
      let length = try prefix.take(&bytes, limit: limit, encoding: encoding)
      guard let length else {
        state = .prefix(prefix)
        return nil
      }
      left = length
      descriptorBytes = 0
      state = .between
    }
    do throws(Failure) {
      // What is here of the message; `left` counts down with it.
      var part = UnsafeRawBufferPointer(rebasing: bytes.prefix(left))
      let count = part.count
      while !part.isEmpty { try step(&part) }
      bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(count))
      guard left == 0 else { return nil }
      guard case .tag(let tag) = state, tag.isEmpty else {
        throw Failure(.data, "it ends within a field; it is damaged")
      }
    } catch {
      throw GRPCStatus(.internal, error.within("a message arrow.flight.protocol.FlightData").message)
    }
    state = .prefix(GRPCPrefix())
    defer { message = FlightData() }
    return message
  }

  /// Bytes of memory that the message takes which is not whole; 0 between two.
  var heldByteCount: Int {
    if case .prefix = state { return 0 }
    // What a descriptor is made into is larger than its bytes.
    var count = message.body.count + (message.header?.count ?? 0) + message.appMetadata.count + 4 * descriptorBytes
    if case .field(_, let gathered) = state { count += gathered.capacity }
    return count
  }

  /// Says that no more bytes come.
  ///
  /// - Throws: INTERNAL when they end within a message.
  public func finish() throws(GRPCStatus) {
    if case .prefix(let prefix) = state, prefix.isEmpty { return }
    throw GRPCStatus(.internal, "the call ends within a message; it was cut off")
  }

  /// Takes at least one byte of those of the message that are here.
  private mutating func step(_ part: inout UnsafeRawBufferPointer) throws(Failure) {
    switch state {
    case .prefix: preconditionFailure("a message's bytes come after its prefix")
    case .tag(var varint):
      if try varint.take(takeFirst(&part)) { try begin(tag: varint.value) } else { state = .tag(varint) }
    case .length(let number, var varint):
      if try varint.take(takeFirst(&part)) {
        try begin(number, byteCount: varint.value, here: part.count)
      } else {
        state = .length(number, varint)
      }
    case .field(let number, var gathered):
      // So that the buffer has one owner while it grows.
      state = .between
      let before = part.count
      let isWhole = gathered.take(&part)
      left -= before - part.count
      if isWhole { try end(number, gathered.bytes) } else { state = .field(number, gathered) }
    case .skippedVarint(var varint):
      state = try varint.take(takeFirst(&part)) ? .between : .skippedVarint(varint)
    case .skipped(let count):
      let step = min(count, part.count)
      part = UnsafeRawBufferPointer(rebasing: part.dropFirst(step))
      left -= step
      state = count == step ? .between : .skipped(count - step)
    }
  }

  private mutating func takeFirst(_ part: inout UnsafeRawBufferPointer) -> UInt8 {
    let byte = part[0]
    part = UnsafeRawBufferPointer(rebasing: part.dropFirst())
    left -= 1
    return byte
  }

  /// Fields that are known are all delimited by a length; one of another wire type is as an unknown one.
  private mutating func begin(tag: UInt64) throws(Failure) {
    let (number, wire) = try ProtobufWire.tag(tag)
    switch wire {
    case .varint: state = .skippedVarint(ProtobufVarint())
    case .fixed64: state = .skipped(try checked(8, number))
    case .fixed32: state = .skipped(try checked(4, number))
    case .lengthDelimited: state = .length(number, ProtobufVarint())
    }
  }

  /// - Parameter here: bytes of the message that are here, this field's first of all.
  private mutating func begin(_ number: Int, byteCount: UInt64, here: Int) throws(Failure) {
    let count = try checked(byteCount, number)
    if number == FlightData.Number.descriptor {
      descriptorBytes += count
      guard descriptorBytes <= Self.descriptorLimit else {
        throw Failure(
          .data, "its descriptor has \(descriptorBytes) bytes or more, and at most \(Self.descriptorLimit) are taken")
      }
    }
    switch number {
    case FlightData.Number.descriptor, FlightData.Number.header, FlightData.Number.appMetadata, FlightData.Number.body:
      let believed = min(Self.trustedAtFirst, Self.trustedFactor * max(here, 16))
      let isBody = number == FlightData.Number.body
      let gathered = GatheredBytes(count, trusted: isBody ? max(believed, trusted) : believed)
      if count == 0 { try end(number, gathered.bytes) } else { state = .field(number, gathered) }
    default: state = count == 0 ? .between : .skipped(count)
    }
  }

  /// A length that the message has bytes for.
  private func checked(_ byteCount: UInt64, _ number: Int) throws(Failure) -> Int {
    guard byteCount <= UInt64(left) else {
      throw Failure(.data, "field \(number) has \(byteCount) bytes, and \(left) are left of the message; it is damaged")
    }
    return Int(byteCount)
  }

  private mutating func end(_ number: Int, _ bytes: SharedBytes) throws(Failure) {
    state = .between
    switch number {
    case FlightData.Number.descriptor:
      var descriptor = message.descriptor ?? FlightDescriptor()
      // What it holds has one owner now, and grows in place: a copy for each of many parts would be quadratic.
      message.descriptor = nil
      try bytes.withBytes { bytes throws(Failure) in try descriptor.merge(bytes) }
      message.descriptor = descriptor
    case FlightData.Number.header: message.header = bytes
    case FlightData.Number.appMetadata: message.appMetadata = bytes.withBytes { Array($0) }
    case FlightData.Number.body:
      message.body = bytes
      trusted = max(trusted, bytes.count)
    default: preconditionFailure("a field that is gathered is known")
    }
  }
}
