import Base

/// How far a flight is that is being made.
/// Source: https://github.com/apache/arrow/blob/main/format/Flight.proto
public struct PollInfo: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.PollInfo"

  /// What there is so far.
  public var info: FlightInfo?
  /// What to ask with again; nil: the flight is complete.
  public var descriptor: FlightDescriptor?
  /// 0 to 1; nil: not known.
  public var progress: Double?
  /// Until then it may be asked again.
  public var expirationTime: ProtobufTimestamp?

  public init() {
    self.init(info: nil)
  }

  public init(
    info: FlightInfo? = nil, descriptor: FlightDescriptor? = nil, progress: Double? = nil,
    expirationTime: ProtobufTimestamp? = nil
  ) {
    self.info = info
    self.descriptor = descriptor
    self.progress = progress
    self.expirationTime = expirationTime
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: try field.take(&info)
    case 2: try field.take(&descriptor)
    case 3: field.take(&progress)
    case 4: try field.take(&expirationTime)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, info)
    writer.write(2, descriptor)
    writer.write(3, progress)
    writer.write(4, expirationTime)
  }
}

/// A point in time.
/// Source: https://protobuf.dev/reference/protobuf/google.protobuf/#timestamp
public struct ProtobufTimestamp: ProtobufMessage {
  public static let protobufName = "google.protobuf.Timestamp"

  /// Since 1970-01-01T00:00:00Z.
  public var seconds: Int64
  /// 0 to 999,999,999, which count onwards before 1970 too.
  public var nanoseconds: Int32

  public init() {
    self.init(seconds: 0)
  }

  public init(seconds: Int64, nanoseconds: Int32 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: field.take(&seconds)
    case 2: field.take(&nanoseconds)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, seconds)
    writer.write(2, nanoseconds)
  }
}
