import Arrow
import Base
import Flight
import VolleyPlan

/// What the benchmark's server does: DoGet gives a batch so many times, DoPut reads and acknowledges at its end,
/// DoExchange sends back.
final class FlightBenchService: FlightService {
  /// Of DoPut whose descriptor has this path nothing is read.
  static let stoppedPath = "stopped"

  /// Bytes of bodies that the last DoGet has sent so far.
  let sentBytes = Monitor(0)

  /// A ticket for so many batches.
  static func ticket(rows: Int, count: Int) -> Ticket { Ticket(ticket: Array("\(rows) \(count)".utf8)) }

  func get(_ ticket: Ticket, _ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler {
    let numbers = String(decoding: ticket.ticket, as: UTF8.self).split(separator: " ").compactMap { Int($0) }
    guard numbers.count == 2, numbers.allSatisfy({ $0 > 0 && $0 <= 1 << 40 }) else {
      throw GRPCStatus(.invalidArgument, "the ticket has to say rows of a batch and how many, such as '8192 100'")
    }
    return TransferStream(sending: FlightBenchBatch.make(rows: numbers[0]), times: numbers[1], countingIn: sentBytes)
  }

  func put(_ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler { PutStream() }
  func exchange(_ stream: FlightStream) throws(GRPCStatus) -> FlightStreamHandler { EchoStream() }
}

/// A DoPut whose first message tells whether it is read.
private final class PutStream: FlightStreamHandler {
  override func received(_ data: FlightData, on stream: FlightStream) {
    if data.descriptor?.path == [FlightBenchService.stoppedPath] {
      stream.handler = FlightStreamHandler()
      return stream.pause()
    }
    let transfer = TransferStream()
    stream.handler = transfer
    transfer.received(data, on: stream)
  }

  override func receivedEnd(on stream: FlightStream) {
    stream.finish(GRPCStatus(.invalidArgument, "a DoPut begins with its schema"))
  }
}
