import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Flight

@Suite("Flight's messages beside protobuf's own library")
struct MessagePeerTests {
  private static let types: [any ProtobufMessage.Type] = [
    HandshakeRequest.self, HandshakeResponse.self, BasicAuth.self, Empty.self, ActionType.self, Criteria.self,
    Action.self,
    ActionResult.self, CancelFlightInfoRequest.self, CancelFlightInfoResult.self, RenewFlightEndpointRequest.self,
    SchemaResult.self, FlightDescriptor.self, FlightInfo.self, FlightEndpoint.self, Location.self, Ticket.self,
    PollInfo.self,
    PutResult.self, HealthCheckRequest.self, HealthCheckResponse.self,
  ]

  private static let endpoint = FlightEndpoint(
    ticket: Ticket(ticket: [1, 2]), locations: [Location(uri: "grpc://a"), Location(uri: "grpc://b")],
    expirationTime: ProtobufTimestamp(seconds: 1, nanoseconds: 500_000_000), appMetadata: [3])
  private static let info = FlightInfo(
    schema: [4], descriptor: .path("p", "q"), endpoints: [endpoint], totalRecords: -1, totalBytes: 6, ordered: true,
    appMetadata: [7])
  private static let endpointJSON =
    #"{"app_metadata":"Aw==","expiration_time":"1970-01-01T00:00:01.500Z","location":[{"uri":"grpc://a"},{"uri":"grpc://b"}],"#
    + #""ticket":{"ticket":"AQI="}}"#
  private static let infoJSON =
    #"{"app_metadata":"Bw==","endpoint":["# + endpointJSON
    + #"],"flight_descriptor":{"path":["p","q"],"type":1},"ordered":true,"schema":"BA==","total_bytes":"6","total_records":"-1"}"#

  @Test("Every field has the name that the protocol file gives its number")
  func fields() throws {
    let table: [(any ProtobufMessage, String)] = [
      (HandshakeRequest(protocolVersion: 5, payload: [1]), #"{"payload":"AQ==","protocol_version":"5"}"#),
      (HandshakeResponse(protocolVersion: 6, payload: [2]), #"{"payload":"Ag==","protocol_version":"6"}"#),
      (BasicAuth(username: "u", password: "p"), #"{"password":"p","username":"u"}"#), (Empty(), "{}"),
      (ActionType(type: "t", description: "ü"), #"{"description":"ü","type":"t"}"#),
      (Criteria(expression: [1]), #"{"expression":"AQ=="}"#),
      (Action(type: "t", body: [1]), #"{"body":"AQ==","type":"t"}"#),
      (ActionResult(body: [1]), #"{"body":"AQ=="}"#),
      (CancelFlightInfoRequest(info: Self.info), #"{"info":\#(Self.infoJSON)}"#),
      (CancelFlightInfoResult(status: .notCancellable), #"{"status":3}"#),
      (RenewFlightEndpointRequest(endpoint: Self.endpoint), #"{"endpoint":\#(Self.endpointJSON)}"#),
      (SchemaResult(schema: [1]), #"{"schema":"AQ=="}"#), (FlightDescriptor.command([1]), #"{"cmd":"AQ==","type":2}"#),
      (Self.info, Self.infoJSON), (Self.endpoint, Self.endpointJSON), (Location(uri: "u"), #"{"uri":"u"}"#),
      (Ticket(ticket: [1]), #"{"ticket":"AQ=="}"#),
      (
        PollInfo(
          info: Self.info, descriptor: .command([1]), progress: 0.25,
          expirationTime: ProtobufTimestamp(seconds: 0, nanoseconds: 0)),
        #"{"expiration_time":"1970-01-01T00:00:00Z","flight_descriptor":{"cmd":"AQ==","type":2},"info":\#(Self.infoJSON),"progress":0.25}"#
      ), (PutResult(appMetadata: [1]), #"{"app_metadata":"AQ=="}"#),
      (HealthCheckRequest(service: "s"), #"{"service":"s"}"#),
      (HealthCheckResponse(status: .notServing), #"{"status":2}"#),
    ]
    #expect(Set(table.map { "\(type(of: $0.0))" }) == Set(Self.types.map { "\($0)" }))
    let answers = try ProtobufPeer.ask(
      table.map { "dump \(type(of: $0.0)) \(ProtobufPeer.hex($0.0.serialized()))" })
    for ((_, expected), answer) in zip(table, answers) { #expect(answer == expected) }
  }

  @Test("Random messages are read, and written with the same bytes")
  func random() throws {
    var random = SeededGenerator()
    var cases: [(any ProtobufMessage.Type, String)] = []
    for type in Self.types {
      for _ in 0..<40 { cases.append((type, "random \(type) \(UInt32.random(in: 0 ... .max, using: &random))")) }
    }
    let answers = try ProtobufPeer.ask(cases.map(\.1))
    var lengths = 0
    for ((type, command), answer) in zip(cases, answers) {
      let bytes = ProtobufPeer.bytes(answer)
      lengths += bytes.count
      let message = try type.init(protobuf: bytes)
      #expect(ProtobufPeer.hex(message.serialized()) == answer, "\(command)")
    }
    #expect(lengths > 10_000)
  }

  @Test("Fields of a later version are skipped")
  func laterFields() throws {
    var random = SeededGenerator()
    let commands = (0..<200).map { _ in "random LaterFlightEndpoint \(UInt32.random(in: 0 ... .max, using: &random))" }
    let answers = try ProtobufPeer.ask(commands)
    let known = try answers.map { try FlightEndpoint(protobuf: ProtobufPeer.bytes($0)) }
    let dumps = try ProtobufPeer.ask(answers.map { "dump FlightEndpoint \($0)" })
    let ours = try ProtobufPeer.ask(known.map { "dump FlightEndpoint \(ProtobufPeer.hex($0.serialized()))" })
    #expect(dumps == ours, "\(random)")
    #expect(dumps.contains { $0.count > 200 })
  }

  /// Prints what pyarrow writes, or, when it is given that by another, says whether it reads the same.
  private static let script = """
    import sys
    import pyarrow as pa
    import pyarrow.flight as flight
    schema = pa.schema([('x', pa.int64())])
    end = flight.FlightEndpoint(b'tick', ['grpc://a:1', 'grpc+tls://b:2'], pa.scalar(1500000000, pa.timestamp('s', 'UTC')), b'meta')
    info = flight.FlightInfo(schema, flight.FlightDescriptor.for_path('a', 'b'), [end, end], 7, -1, True, b'app')
    items = [info, end, flight.FlightDescriptor.for_command(b'cmd'), flight.FlightDescriptor.for_path('x', 'y'),
             flight.Ticket(b'tick'), flight.Action('act', b'body'), flight.Result(b'body'), flight.BasicAuth('u', 'p'),
             flight.SchemaResult(schema)]
    def seen(item):
        if isinstance(item, flight.Action): return item.type, item.body.to_pybytes()
        if isinstance(item, flight.Result): return item.body.to_pybytes()
        if isinstance(item, flight.BasicAuth): return item.username, item.password
        if isinstance(item, flight.SchemaResult): return item.schema
        # By its parts: as a whole it is compared with the schema's bytes, which may lie differently.
        if isinstance(item, flight.FlightInfo):
            return (item.schema, item.descriptor, item.endpoints, item.total_records, item.total_bytes, item.ordered,
                    item.app_metadata)
        return item
    if len(sys.argv) == 1:
        for item in items: print(item.serialize().hex())
    else:
        for item, other in zip(items, sys.argv[1:], strict=True):
            print(seen(type(item).deserialize(bytes.fromhex(other))) == seen(item))
    """

  @Test("pyarrow's messages are read, and pyarrow reads those that are made here")
  func pyarrow() throws {
    let written = TestProcess.python(Self.script)
    try #require(written.status == 0, "\(written.errors)")
    let lines = written.output.split(separator: "\n").map { ProtobufPeer.bytes(String($0)) }
    let schema = try IPCSchema([Field("x", .int64)]).encapsulated()
    let endpoint = FlightEndpoint(
      ticket: Ticket(ticket: Array("tick".utf8)),
      locations: [Location(uri: "grpc://a:1"), Location(uri: "grpc+tls://b:2")],
      expirationTime: ProtobufTimestamp(seconds: 1_500_000_000), appMetadata: Array("meta".utf8))
    let info = FlightInfo(
      schema: schema, descriptor: .path("a", "b"), endpoints: [endpoint, endpoint], totalRecords: 7, totalBytes: -1,
      ordered: true, appMetadata: Array("app".utf8))
    let ours: [any ProtobufMessage] = [
      info, endpoint, FlightDescriptor.command(Array("cmd".utf8)), FlightDescriptor.path("x", "y"),
      Ticket(ticket: Array("tick".utf8)), Action(type: "act", body: Array("body".utf8)),
      ActionResult(body: Array("body".utf8)),
      BasicAuth(username: "u", password: "p"), SchemaResult(schema: schema),
    ]
    try #require(lines.count == ours.count)
    for (line, message) in zip(lines, ours) {
      // The FlatBuffers of a schema may lie differently; what they say is compared below.
      switch message {
      case is SchemaResult:
        #expect(try IPCSchema(encapsulated: SchemaResult(protobuf: line).schema).fields == [Field("x", .int64)])
      case is FlightInfo:
        var theirs = try FlightInfo(protobuf: line)
        #expect(try IPCSchema(encapsulated: theirs.schema).fields == [Field("x", .int64)])
        theirs.schema = schema
        #expect(theirs == info)
      default: #expect(line == message.serialized())
      }
    }
    let read = TestProcess.python(Self.script, arguments: ours.map { ProtobufPeer.hex($0.serialized()) })
    #expect(read.output == String(repeating: "True\n", count: ours.count), "\(read.errors)")
  }

  @Test("A schema that is none is refused")
  func badSchema() throws {
    let bytes = try IPCSchema([Field("x", .int64)]).encapsulated()
    for count in [0, 3, 7, 8, bytes.count - 1] {
      #expect(throws: Failure.self, "\(count)") { try IPCSchema(encapsulated: Array(bytes.prefix(count))) }
    }
  }
}
