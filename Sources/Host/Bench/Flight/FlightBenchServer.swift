import Base
import CPlatform
import Flight
import Glibc
import Networking

/// The benchmark's other process: a server of Flight, with TLS and without, and the bare sockets that it is compared with.
enum FlightBenchServer {
  /// The first word of its command line after the verb, which no help text names.
  static let word = "flight-server-of"

  /// Ports where it listens.
  struct Ports {
    var plain: UInt16
    var tls: UInt16
    /// ``BareTCP/sink(_:)`` and ``BareTCP/pong(_:)``.
    var sink: UInt16
    var pong: UInt16
  }

  /// The other end of one that was started.
  struct Handle {
    let peer: BenchPeer
    let ports: Ports

    init(_ certificate: TemporaryCertificate) throws(Failure) {
      peer = try BenchPeer("the benchmark's server", "/proc/self/exe") { descriptor in
        [
          "volley-host", "bench", FlightBenchServer.word, "\(getpid())", "\(descriptor)", certificate.path,
          certificate.keyPath,
        ]
      }
      let ports = try peer.numbers(try peer.receive(), count: 4).map { UInt16($0) }
      self.ports = Ports(plain: ports[0], tls: ports[1], sink: ports[2], pong: ports[3])
    }

    /// Bytes of the server's memory that are resident now.
    func residentBytes() throws(Failure) -> Int { Int(try peer.numbers(try peer.ask("memory"), count: 1)[0]) }

    /// ``FlightBenchService/sentBytes``.
    func sentBytes() throws(Failure) -> Int { Int(try peer.numbers(try peer.ask("sent"), count: 1)[0]) }
  }

  /// Serves until the process that started it goes away.
  ///
  /// - Parameter words: those behind ``word``.
  static func run(_ words: ArraySlice<String>) throws(Failure) -> Int32 {
    let words = Array(words)
    guard words.count == 4, let parent = pid_t(words[0]), let descriptor = Int32(words[1]),
      platform_parent_is(parent) != 0
    else { throw Failure(.usage, "'\(word)' is for the benchmark's own use; write 'volley-host bench flight'") }
    let group = try EventLoopGroup(name: "bench server", count: 1)
    let service = FlightBenchService()
    let here = [Endpoint(host: "127.0.0.1", port: 0)]
    let plain = try FlightServer(service, at: here, on: group)
    var options = FlightServerOptions()
    options.tls = try TLSContext.server(certificate: words[2], key: words[3], report: { _ in })
    let tls = try FlightServer(service, at: here, on: group, options: options)
    let sink = try BenchSocket.listen()
    let pong = try BenchSocket.listen()
    try OSThread(name: "bench sink") { BareTCP.sink(sink.descriptor) }.detach()
    try OSThread(name: "bench pong") { BareTCP.pong(pong.descriptor) }.detach()

    let lines = BenchLines(descriptor)
    var answer = "\(plain.addresses[0].port) \(tls.addresses[0].port) \(sink.port) \(pong.port)"
    while lines.send(answer), let question = lines.receive() {
      switch question {
      case "memory": answer = "\(ProcessUsage.residentBytes)"
      case "sent": answer = "\(service.sentBytes.withLock { $0 })"
      default: answer = "'\(question)' is no question"
      }
    }
    return 0
  }
}
