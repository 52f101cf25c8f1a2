import Base
import TestSupport
import Testing

@testable import Networking

/// Another implementation at the other end: Python's `h2`, which takes and gives bytes as our session does. It runs as a program that does the
/// same each time, so that its second run knows what its first one sent.
@Suite("HTTP/2 beside Python's h2")
struct HTTP2InteropTests {
  private static let client = """
    import sys, h2.connection, h2.config, h2.events
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    connection.initiate_connection()
    for index in range(20):
        stream = index * 2 + 1
        connection.send_headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", f"/{index}"),
            (":authority", "volley"), ("te", "trailers"), ("x-same", "again and again"), ("x-index", str(index))])
        connection.send_data(stream, bytes([index]) * (index * 300), pad_length=index if index % 3 == 0 else None)
        connection.end_stream(stream)
    sys.stdout.write(connection.data_to_send().hex() + "\\n")
    for event in connection.receive_data(bytes.fromhex(sys.stdin.read())):
        if isinstance(event, h2.events.ResponseReceived):
            print("head", event.stream_id, dict(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            print("data", event.stream_id, len(event.data), sum(event.data))
        elif isinstance(event, h2.events.TrailersReceived):
            print("trailers", event.stream_id, dict(event.headers))
        elif isinstance(event, h2.events.StreamEnded):
            print("end", event.stream_id)
    """

  private static let server = """
    import sys, h2.connection, h2.config, h2.events
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
    connection.initiate_connection()
    bodies = {}
    for event in connection.receive_data(bytes.fromhex(sys.stdin.read())):
        if isinstance(event, h2.events.RequestReceived):
            bodies[event.stream_id] = (dict(event.headers)[":path"], b"")
        elif isinstance(event, h2.events.DataReceived):
            path, body = bodies[event.stream_id]
            bodies[event.stream_id] = (path, body + event.data)
            connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            path, body = bodies[event.stream_id]
            connection.send_headers(event.stream_id, [(":status", "200"), ("x-path", path)])
            connection.send_data(event.stream_id, body[::-1])
            connection.send_headers(event.stream_id, [("grpc-status", "0")], end_stream=True)
    sys.stdout.write(connection.data_to_send().hex())
    """

  private static func run(_ program: String, _ input: [UInt8]) throws -> [Substring] {
    let digits = Array("0123456789abcdef")
    let text = String(input.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    let outcome = TestProcess.python(program, input: text)
    let hint: Comment = "\(outcome.errors) (this test needs: python3 -m pip install h2)"
    try #require(outcome.status == 0, hint)
    return outcome.output.split(separator: "\n")
  }

  private static func bytes(_ text: Substring) throws -> [UInt8] {
    let digits = try text.utf8.map { try #require(Character(Unicode.Scalar($0)).hexDigitValue) }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }

  @Test("Its requests reach our handlers, and it understands our responses")
  func itsClient() throws {
    let sent = try Self.bytes(try #require(try Self.run(Self.client, []).first))
    let peer = SessionPeer(.server)
    peer.makeRecorder = { _, head in
      let recorder = StreamRecorder()
      recorder.onEnd = { stream in
        stream.send(head: .response(status: 200, ["x-path": head.path ?? "", "x-same": "again and again"]))
        stream.send([UInt8](repeating: 2, count: 1_000))
        stream.end(trailers: ["grpc-status": "0"])
      }
      return recorder
    }
    peer.give(sent)
    let lines = try Self.run(Self.client, peer.take()).dropFirst()
    for index in 0..<20 {
      let recorder = try #require(index < peer.opened.count ? peer.opened[index].recorder : nil)
      #expect(recorder.head?.path == "/\(index)" && recorder.head?["x-index"] == "\(index)")
      #expect(recorder.data == [UInt8](repeating: UInt8(index), count: index * 300) && recorder.end == .finished)
      let id = index * 2 + 1
      #expect(lines.contains("head \(id) {':status': '200', 'x-path': '/\(index)', 'x-same': 'again and again'}"))
      #expect(lines.contains("data \(id) 1000 2000") && lines.contains("end \(id)"))
      #expect(lines.contains("trailers \(id) {'grpc-status': '0'}"))
    }
  }

  @Test("It understands our requests, and its responses reach our handlers")
  func itsServer() throws {
    let peer = SessionPeer(.client)
    let recorders = (0..<10).map { _ in StreamRecorder() }
    for (index, recorder) in recorders.enumerated() {
      let head = HTTPFields.request(
        method: "POST", path: "/\(index)", authority: "volley", ["authorization": "Bearer secret", "te": "trailers"])
      let stream = try peer.session.open(head, handler: recorder)
      stream.send((0..<(index * 500)).map { UInt8(truncatingIfNeeded: $0) })
      stream.end()
    }
    peer.give(try Self.bytes(try #require(try Self.run(Self.server, peer.take()).first)))
    for (index, recorder) in recorders.enumerated() {
      #expect(recorder.head == .response(status: 200, ["x-path": "/\(index)"]) && recorder.end == .finished)
      #expect(recorder.data == (0..<(index * 500)).map { UInt8(truncatingIfNeeded: $0) }.reversed())
      #expect(recorder.trailers == ["grpc-status": "0"])
    }
  }
}
