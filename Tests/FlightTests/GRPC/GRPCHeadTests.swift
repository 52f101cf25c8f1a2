import Base
import TestSupport
import Testing

@testable import Flight

@Suite("Heads and trailers of gRPC")
struct GRPCHeadTests {
  private static let head: GRPCHeaders = [
    (":method", "POST"), (":scheme", "http"), (":path", "/a.b.Service/Do"), (":authority", "here:1"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
  ]

  private static func changed(_ name: String, _ value: String?) -> GRPCHeaders {
    head.filter { $0.name != name } + (value.map { [(name, $0)] } ?? [])
  }

  private static func refusal(_ headers: GRPCHeaders) -> GRPCRefusal? {
    do throws(GRPCRefusal) {
      _ = try GRPCRequestHead(headers)
      return nil
    } catch {
      return error
    }
  }

  @Test("A call's head is read as it was written")
  func roundTrip() throws {
    var metadata = GRPCMetadata()
    try metadata.add("authorization", "Bearer abc==")
    try metadata.add("trace-bin", bytes: [0, 255, 128, 7])
    try metadata.add("trace-bin", bytes: [])
    try metadata.add("authorization", "again")
    let path = GRPCPath(service: "a.b.Service", method: "Do")
    let head = GRPCRequestHead(path, authority: "here:1", timeout: 1_500_000_000, metadata: metadata)
    let headers = head.headers(isSecure: true)
    #expect(headers.value(":scheme") == "https" && headers.value("te") == "trailers")
    #expect(headers.value("grpc-timeout") == "1500000u" && headers.value("trace-bin") == "AP+ABw")
    // Pseudo fields lead, as HTTP/2 demands.
    #expect(
      headers.prefix(4).allSatisfy { $0.name.hasPrefix(":") }
        && !headers.dropFirst(4).contains { $0.name.hasPrefix(":") })
    let read = try GRPCRequestHead(headers)
    #expect(read.path == path && read.authority == "here:1" && read.timeout == 1_500_000_000 && read.encoding == nil)
    #expect(read.metadata.entries.filter { $0.name != "user-agent" } == metadata.entries)
    #expect(
      read.metadata.text("authorization") == "Bearer abc==" && read.metadata.bytes("trace-bin") == [0, 255, 128, 7])
    #expect(read.metadata.text("trace-bin") == nil && read.metadata.text("no") == nil)
  }

  @Test("What is no call of gRPC is answered with the HTTP status that says so")
  func refusals() {
    for type in ["application/grpc", "application/grpc+proto", "application/grpc;x=y", "Application/GRPC+proto ; x=y"] {
      #expect(Self.refusal(Self.changed("content-type", type)) == nil, "\(type)")
    }
    for type in ["application/grpc+json", "application/grpcx", "application/json", "", nil] {
      guard case .http(415, _) = Self.refusal(Self.changed("content-type", type)) else {
        Issue.record("\(type ?? "nil")")
        continue
      }
    }
    guard case .http(405, _)? = Self.refusal(Self.changed(":method", "GET")) else { return #expect(Bool(false)) }
    #expect(
      GRPCRefusal.http(405, "x").headers.map(\.name) == [":status", "allow"] && GRPCRefusal.http(415, "x").body == "x\n"
    )
    for path in ["", "/", "a/b", "/a", "//b", "/a/", "*"] {
      guard case .status(let status)? = Self.refusal(Self.changed(":path", path)) else {
        Issue.record("\(path)")
        continue
      }
      #expect(status.code == .unimplemented)
    }
    guard case .status(let timeout)? = Self.refusal(Self.head + [("grpc-timeout", "1s")]) else {
      return #expect(Bool(false))
    }
    #expect(timeout.code == .invalidArgument && timeout.message.contains("'1s'"))
    let headers = GRPCRefusal.status(timeout).headers
    #expect(headers.value(":status") == "200" && headers.value("grpc-status") == "3")
    guard case .status(let binary)? = Self.refusal(Self.head + [("x-bin", "!")]) else { return #expect(Bool(false)) }
    #expect(binary.code == .invalidArgument && binary.message.contains("'x-bin'"))
  }

  @Test("Methods are found by their paths")
  func methods() {
    for method in FlightMethod.allCases {
      #expect(GRPCPath("/arrow.flight.protocol.FlightService/\(method.rawValue)").flatMap(FlightMethod.init) == method)
      #expect(method.path.text == "/arrow.flight.protocol.FlightService/\(method.rawValue)")
    }
    #expect(GRPCPath("/grpc.health.v1.Health/Watch").flatMap(HealthMethod.init) == .watch)
    #expect(GRPCPath("/grpc.health.v1.Health/DoGet").flatMap(FlightMethod.init) == nil)
    #expect(GRPCPath("/arrow.flight.protocol.FlightService/doGet").flatMap(FlightMethod.init) == nil)
    #expect(
      FlightMethod.doPut.streamsRequests && !FlightMethod.doGet.streamsRequests
        && !FlightMethod.getSchema.streamsResponses)
  }

  @Test("Names and values without a form are refused when they are added")
  func names() {
    for name in ["", "A", "ä", "a b", "grpc-x", ":path", "te", "content-type", "connection"] {
      #expect(throws: Failure.self, "\(name)") {
        var metadata = GRPCMetadata()
        try metadata.add(name, "x")
      }
    }
    for value in ["ä", "a\n", " a", "a ", "\u{7F}"] {
      #expect(throws: Failure.self, "\(value)") {
        var metadata = GRPCMetadata()
        try metadata.add("name", value)
      }
    }
    #expect(throws: Failure.self) {
      var metadata = GRPCMetadata()
      try metadata.add("x-bin", "text")
    }
    #expect(throws: Failure.self) {
      var metadata = GRPCMetadata()
      try metadata.add("x", bytes: [1])
    }
  }

  @Test("Bytes are Base64 with and without padding, and joined by commas")
  func base64() throws {
    let table: [([UInt8], String, String)] = [
      ([], "", ""), ([0x66], "Zg", "Zg=="), ([0x66, 0x6F], "Zm8", "Zm8="), (Array("foo".utf8), "Zm9v", "Zm9v"),
      (Array("foob".utf8), "Zm9vYg", "Zm9vYg=="), ([0xFB, 0xFF], "+/8", "+/8="),
    ]
    for (bytes, plain, padded) in table {
      #expect(Base64.encode(bytes) == plain && Base64.encode(bytes, padded: true) == padded)
      #expect(Base64.decode(plain) == bytes && Base64.decode(padded) == bytes)
    }
    for bad in ["Z", "Zg=", "Zg===", "Zm9vY", "Z!==", "====", "=", "Zg==Zg==", "Z g", "-_8"] {
      #expect(Base64.decode(bad) == nil, "\(bad)")
    }
    var random = SeededGenerator()
    for count in 0..<100 {
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      #expect(
        Base64.decode(Base64.encode(bytes)) == bytes && Base64.decode(Base64.encode(bytes, padded: true)) == bytes,
        "\(random)")
    }
    let metadata = try GRPCMetadata([("x-bin", "Zg==, Zm8,"), ("grpc-status", "0"), ("y", "a, b")])
    #expect(
      metadata.entries.map(\.value) == [.bytes([0x66]), .bytes([0x66, 0x6F]), .bytes([]), .text("a, b")])
  }

  @Test("An answer's head and trailer are read as they were written")
  func answers() throws {
    var metadata = GRPCMetadata()
    try metadata.add("k", "v")
    let head = try GRPCResponseHead(GRPCResponseHead(metadata: metadata).headers)
    #expect(head.metadata == metadata && head.encoding == nil)
    for code in GRPCStatus.Code.allCases {
      let trailers = GRPCTrailers(GRPCStatus(code, "50 % of größer\n"), metadata: metadata)
      for headers in [trailers.headers, trailers.headersOnly] {
        let read = GRPCTrailers(headers)
        #expect(read.status == trailers.status && read.metadata == metadata)
      }
      #expect(trailers.headersOnly.first?.name == ":status")
    }
    #expect(GRPCTrailers(.ok).headers.map(\.name) == ["grpc-status"])
    let long = GRPCTrailers(GRPCTrailers(GRPCStatus(.internal, String(repeating: "ö", count: 10_000))).headers).status
    #expect(long.message.count > 500 && long.message.utf8.count < 4096 && long.message.allSatisfy { $0 == "ö" })
  }

  @Test("An answer that is none of gRPC has the status that its HTTP head means")
  func foreignAnswers() {
    func status(_ headers: GRPCHeaders) -> GRPCStatus? {
      do throws(GRPCStatus) {
        _ = try GRPCResponseHead(headers)
        return nil
      } catch {
        return error
      }
    }
    #expect(status([(":status", "503"), ("content-type", "text/html")])?.code == .unavailable)
    #expect(status([(":status", "200"), ("content-type", "text/html")])?.message.contains("'text/html'") == true)
    #expect(status([(":status", "200")])?.code == .unknown)
    #expect(status([(":status", "x"), ("content-type", "application/grpc")])?.code == .unknown)
    #expect(status([(":status", "200"), ("content-type", "application/grpc+proto")]) == nil)
    #expect(GRPCTrailers([(":status", "404")]).status.code == .unimplemented)
    // gRPC's own status wins over HTTP's.
    #expect(
      GRPCTrailers([(":status", "404"), ("grpc-status", "5"), ("grpc-message", "m")]).status
        == GRPCStatus(.notFound, "m"))
    // Damaged metadata does not hide the status, nor the rest.
    let damaged = GRPCTrailers([("grpc-status", "5"), ("x-bin", "!"), ("y", "z")])
    #expect(damaged.status.code == .notFound && damaged.metadata.entries.map(\.name) == ["y"])
    #expect(GRPCTrailers([]).status == GRPCStatus(.unknown, "the answer ended without grpc-status"))
    for bad in ["17", "-1", "x", ""] {
      let status = GRPCTrailers([("grpc-status", bad), ("grpc-message", "why")]).status
      #expect(status.code == .unknown && status.message.hasSuffix("why"))
    }
  }

  @Test("The message of Arrow's own servers goes without the details behind it")
  func arrowMessage() {
    let message = Base64.encode(Array("größer".utf8))
    let trailers: GRPCHeaders = [("grpc-status", "3"), ("grpc-message", "x. Detail: y")]
    #expect(GRPCTrailers(trailers).flightStatus == GRPCStatus(.invalidArgument, "x. Detail: y"))
    let arrow = GRPCTrailers(trailers + [("x-arrow-status-message-bin", message)])
    #expect(arrow.flightStatus == GRPCStatus(.invalidArgument, "größer"))
    for bad in ["", "/w", "!"] {
      let damaged = GRPCTrailers(trailers + [("x-arrow-status-message-bin", bad)])
      #expect(damaged.flightStatus.message == "x. Detail: y", "\(bad)")
    }
  }
}
