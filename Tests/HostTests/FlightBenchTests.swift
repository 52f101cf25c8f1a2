import Arrow
import Base
import Flight
import Networking
import TestSupport
import Testing

@testable import Host

@Suite struct FlightBenchTests {
  @Test("a receiver has to find the rows and the sum of all batches", arguments: [(1, 1), (2, 3), (1000, 7)])
  func expected(rows: Int, count: Int) {
    var found = Checksum()
    for _ in 0..<count { found.add(firstColumnOf: FlightBenchBatch.make(rows: rows)) }
    #expect(found == FlightBenchBatch.expected(rows: rows, count: count))
    #expect(Checksum(acknowledgement: found.acknowledgement) == found)
    #expect(FlightBenchBatch.count(rows: rows, bytes: count * rows * FlightBenchBatch.rowBytes) == count)
  }

  @Test("rows that are missing and values that are wrong are a failure")
  func check() {
    let right = FlightBenchBatch.expected(rows: 8, count: 2)
    #expect(
      failure { () throws(Failure) in try FlightBenchClient.check(right, "volley", .get, rows: 8, count: 2) } == nil)
    for wrong in [
      Checksum(), Checksum(rows: right.rows - 8, bits: right.bits), Checksum(rows: right.rows, bits: right.bits + 1),
    ] {
      let told = failure { () throws(Failure) in
        try FlightBenchClient.check(wrong, "pyarrow", .get, rows: 8, count: 2)
      }
      #expect(told?.kind == .software)
      #expect(
        told?.message
          == "a DoGet of pyarrow brought \(wrong.rows) rows whose first column sums up to \(wrong.bits), where 16 with 224 "
          + "were sent")
    }
    for text in ["", "16", "16 224 1", "16 x", "-"] { #expect(Checksum(acknowledgement: Array(text.utf8)) == nil) }
  }

  @Test("batches go over in every way, in the clear and with TLS; other batches than were asked for are a failure")
  func transfers() throws {
    let certificate = try TemporaryCertificate()
    let group = try EventLoopGroup(name: "server", count: 1)
    defer { group.stop() }
    let service = FlightBenchService()
    let here = [Endpoint(host: "127.0.0.1", port: 0)]
    let plain = try FlightServer(service, at: here, on: group)
    var options = FlightServerOptions()
    options.tls = try TLSContext.server(certificate: certificate.path, key: certificate.keyPath, report: { _ in })
    let tls = try FlightServer(service, at: here, on: group, options: options)
    let client = try FlightBenchClient(
      .init(plain: plain.addresses[0].port, tls: tls.addresses[0].port, sink: 0, pong: 0), certificate)
    for transfer in FlightTransfer.allCases {
      for one in [client.plain, client.tls] {
        let time = try FlightBenchClient.run(
          transfer, on: one, FlightBenchBatch.make(rows: 100), count: 50, streams: 3)
        #expect(time > 0)
      }
    }
    // As if the transport had changed the values: the check is of a batch whose column is not what was asked for.
    let right = FlightBenchBatch.make(rows: 100)
    let other = RecordBatch(schema: right.schema, columns: right.columns.reversed(), length: 100)
    for transfer in [FlightTransfer.put, .exchange] {
      let told = failure { () throws(Failure) in
        _ = try FlightBenchClient.run(transfer, on: client.plain, other, count: 5)
      }
      #expect(told?.kind == .software)
    }
  }

  @Test("bare TCP moves all bytes, and its pings come back")
  func bareTCP() throws {
    let sink = try BenchSocket.listen()
    let pong = try BenchSocket.listen()
    // They serve as long as the process lives.
    try OSThread(name: "sink") { BareTCP.sink(sink.descriptor) }.detach()
    try OSThread(name: "pong") { BareTCP.pong(pong.descriptor) }.detach()
    for blocks in [3, 1] {
      #expect(try BareSender(to: sink.port, congestionControl: nil).rate(bytes: blocks * BareTCP.block) > 0)
    }
    let sender = try BareSender(to: sink.port, congestionControl: "reno")
    #expect(sender.congestionControl == "reno")
    let failure = #expect(throws: Failure.self) { try BareSender(to: sink.port, congestionControl: "nothing") }
    #expect(failure?.message.contains("has no congestion control 'nothing'") == true)
    for _ in 0..<3 { #expect(try sender.rate(bytes: 2 * BareTCP.block) > 0) }
    #expect(try BareTCP.roundTrips(to: pong.port, count: 10).count == 10)
    #expect(try BareTCP.roundTrips(to: pong.port, count: 1).count == 1)
  }

  @Test("what was not measured is a dash in the table, and null in JSON")
  func table() {
    var result = TransferResult(
      name: "put", rows: 8192, bytes: 1000, repeats: 5, rates: [.tcp: 4, .volley: 3, .volleyTLS: 1.5],
      checksum: Checksum(rows: 1, bits: 255))
    #expect(
      result.line
        == "put              8192     4.00     3.00     0.75        -        -     1.50     0.50           -        -")
    #expect(
      result.json.text
        == #"{"case":"put","rows_per_batch":8192,"bytes":1000,"repeats":5,"tcp_gb_per_s":4.0,"gb_per_s":3.0,"#
        + #""ratio_to_tcp":0.75,"pyarrow_gb_per_s":null,"ratio_to_pyarrow":null,"tls_gb_per_s":1.5,"#
        + #""tls_ratio_to_plain":0.5,"pyarrow_tls_gb_per_s":null,"tls_ratio_to_pyarrow":null,"checksum":"ff"}"#)
    result.rates[.pyarrow] = 2
    #expect(result.line.contains("     2.00     1.50 "))
    let heading = TransferResult.heading.split(separator: "\n").last ?? ""
    #expect(heading.count == result.line.count)
  }

  @Test("a case that there is not, and a Python that is not there, are told before anything is measured")
  func refusals() {
    let unknown = HostProgram.run("bench", "flight", "--case", "putt")
    #expect(unknown.status == 64)
    #expect(unknown.errors.contains("there is no case 'putt' of flight; did you mean 'put'?"))
    let python = HostProgram.run("bench", "flight", "--case", "put", "--python", "/nonexistent/python")
    #expect(python.status == 66)
    #expect(python.errors.contains("there is no pyarrow to compare with: '/nonexistent/python' did not run as Python"))
    #expect(HostProgram.run("bench", FlightBenchServer.word, "1", "0", "x", "y").status == 64)
  }
}
