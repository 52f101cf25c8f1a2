import Base

/// Where the data of a flight is.
/// Source: https://github.com/apache/arrow/blob/main/format/Flight.proto
public struct FlightInfo: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.FlightInfo"

  /// As ``SchemaResult/schema``; may be empty.
  public var schema: [UInt8]
  public var descriptor: FlightDescriptor?
  /// All of them together are the data.
  public var endpoints: [FlightEndpoint]
  /// -1: not known.
  public var totalRecords: Int64
  /// -1: not known.
  public var totalBytes: Int64
  /// Whether the endpoints are in the order of the data.
  public var ordered: Bool
  /// In a form of the server's own.
  public var appMetadata: [UInt8]

  public init() {
    // What is not written is 0, also where -1 is meant to say that it is not known.
    self.init(schema: [], totalRecords: 0, totalBytes: 0)
  }

  public init(
    schema: [UInt8], descriptor: FlightDescriptor? = nil, endpoints: [FlightEndpoint] = [], totalRecords: Int64 = -1,
    totalBytes: Int64 = -1, ordered: Bool = false, appMetadata: [UInt8] = []
  ) {
    self.schema = schema
    self.descriptor = descriptor
    self.endpoints = endpoints
    self.totalRecords = totalRecords
    self.totalBytes = totalBytes
    self.ordered = ordered
    self.appMetadata = appMetadata
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: field.take(&schema)
    case 2: try field.take(&descriptor)
    case 3: try field.take(&endpoints)
    case 4: field.take(&totalRecords)
    case 5: field.take(&totalBytes)
    case 6: field.take(&ordered)
    case 7: field.take(&appMetadata)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, schema)
    writer.write(2, descriptor)
    writer.write(3, endpoints)
    writer.write(4, totalRecords)
    writer.write(5, totalBytes)
    writer.write(6, ordered)
    writer.write(7, appMetadata)
  }
}

/// A part of a flight.
public struct FlightEndpoint: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.FlightEndpoint"

  /// What DoGet is called with.
  public var ticket: Ticket?
  /// Each of which has the part; none: the server that was asked.
  public var locations: [Location]
  /// Until then DoGet may be called again with the ticket.
  public var expirationTime: ProtobufTimestamp?
  /// In a form of the server's own.
  public var appMetadata: [UInt8]

  public init() {
    self.init(ticket: nil)
  }

  public init(
    ticket: Ticket? = nil, locations: [Location] = [], expirationTime: ProtobufTimestamp? = nil,
    appMetadata: [UInt8] = []
  ) {
    self.ticket = ticket
    self.locations = locations
    self.expirationTime = expirationTime
    self.appMetadata = appMetadata
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: try field.take(&ticket)
    case 2: try field.take(&locations)
    case 3: try field.take(&expirationTime)
    case 4: field.take(&appMetadata)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, ticket)
    writer.write(2, locations)
    writer.write(3, expirationTime)
    writer.write(4, appMetadata)
  }
}

/// A server.
public struct Location: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.Location"

  /// "grpc+tcp://host:port", "grpc+tls://host:port".
  public var uri: String

  public init() {
    self.init(uri: "")
  }

  public init(uri: String) {
    self.uri = uri
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: try field.take(&uri)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, uri)
  }
}

/// What a server knows a part of a flight by.
public struct Ticket: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.Ticket"

  /// In a form of the server's own.
  public var ticket: [UInt8]

  public init() {
    self.init(ticket: [])
  }

  public init(ticket: [UInt8]) {
    self.ticket = ticket
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: field.take(&ticket)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, ticket)
  }
}

/// The schema of a flight.
public struct SchemaResult: ProtobufMessage {
  public static let protobufName = "arrow.flight.protocol.SchemaResult"

  /// The schema's message as it begins an Arrow stream: see `IPCSchema.encapsulated()`.
  public var schema: [UInt8]

  public init() {
    self.init(schema: [])
  }

  public init(schema: [UInt8]) {
    self.schema = schema
  }

  public mutating func take(_ field: ProtobufField) throws(Failure) {
    switch field.number {
    case 1: field.take(&schema)
    default: break
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.write(1, schema)
  }
}
