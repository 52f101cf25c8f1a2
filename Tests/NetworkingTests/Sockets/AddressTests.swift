import Base
import Testing

@testable import Networking

/// Addresses as people write them.
@Suite("Addresses")
struct AddressTests {
  @Test(
    "Endpoints are read",
    arguments: [
      ("localhost:50051", "localhost", 50051), ("127.0.0.1:0", "127.0.0.1", 0), ("[::1]:8080", "::1", 8080),
      (":80", "", 80), ("*:65535", "*", 65535), ("[fe80::1%lo]:1", "fe80::1%lo", 1),
    ])
  func endpoints(_ text: String, _ host: String, _ port: UInt16) throws {
    let endpoint = try Endpoint(parsing: text)
    #expect(endpoint == Endpoint(host: host, port: port) && endpoint.description == text)
  }

  @Test(
    "What is no endpoint is refused with a sentence",
    arguments: [
      "", "localhost", "localhost:", "localhost:65536", "localhost:-1", "localhost:+1", "localhost:8o", "::1:80",
      "[::1]", "[]:80", "[::1:80", "[host]:80", "a b:80", "http://host:80", "a\u{0}b:80",
    ])
  func wrongEndpoints(_ text: String) {
    let failure = #expect(throws: Failure.self) { try Endpoint(parsing: text) }
    #expect(failure?.message.contains("expected HOST:PORT") == true && failure?.kind == .usage)
  }

  @Test(
    "A machine's own addresses that no network knows are told from others",
    arguments: [
      ("127.0.0.1", true), ("127.255.3.4", true), ("::1", true), ("::ffff:127.0.0.1", true), ("126.0.0.1", false),
      ("128.0.0.1", false), ("::", false), ("::2", false), ("::ffff:10.0.0.1", false), ("fe80::1", false),
      ("1::1", false), ("0.0.0.0", false),
    ])
  func loopback(_ text: String, _ expected: Bool) throws {
    #expect(try #require(SocketAddress(digits: text, port: 7)).isLoopback == expected)
  }

  @Test(
    "Addresses in digits are read and written",
    arguments: [
      ("127.0.0.1", "127.0.0.1:7"), ("255.1.2.3", "255.1.2.3:7"), ("::1", "[::1]:7"), ("::", "[::]:7"),
      ("2001:db8::12:345", "[2001:db8::12:345]:7"), ("::ffff:10.0.0.1", "10.0.0.1:7"),
    ])
  func digits(_ text: String, _ expected: String) throws {
    let address = try #require(SocketAddress(digits: text, port: 7))
    #expect(address.description == expected)
    // What the kernel is given is what it gives back.
    #expect(address.withSockaddr { SocketAddress($0, $1) } == address)
  }

  @Test("Names are no addresses in digits", arguments: ["localhost", "", "1", "example.com", "1.2.3.4.5", "::g", "7f"])
  func names(_ text: String) { #expect(SocketAddress(digits: text, port: 7) == nil) }
}
