import Arrow
import Base
import Flight

/// A stream of rows with a name that clients put rows to, many at a time.
final class FlightInlet: Sendable {
  let name: String
  let schema: IPCSchema
  let intake: FlightIntake
  private let reading: IPCReadOptions

  init(_ name: String, _ schema: Schema, intake: FlightIntake, reading: IPCReadOptions) {
    self.name = name
    self.schema = IPCSchema(schema.fields)
    self.intake = intake
    self.reading = reading
  }

  /// Takes what a client puts from now on. On the stream's loop.
  func take(_ stream: FlightStream) throws(GRPCStatus) -> IncomingFlight {
    guard !intake.isEnding else { throw GRPCStatus(.notFound, "the stream '\(name)' has ended") }
    return IncomingFlight(stream, intake, reader: FlightBatchReader(options: reading))
  }
}

/// A DoPut of which it is not known yet for which stream it is: its first message tells.
///
/// Belongs to the stream's loop.
final class UnnamedPut: FlightStreamHandler {
  private let find: (FlightDescriptor) throws(GRPCStatus) -> FlightInlet

  init(_ find: @escaping (FlightDescriptor) throws(GRPCStatus) -> FlightInlet) { self.find = find }

  override func received(_ data: FlightData, on stream: FlightStream) {
    do throws(GRPCStatus) {
      guard let descriptor = data.descriptor else {
        throw GRPCStatus(.invalidArgument, "the first message of DoPut has no descriptor, which says where the rows go")
      }
      let incoming = try find(descriptor).take(stream)
      stream.handler = incoming
      incoming.received(data, on: stream)
    } catch { stream.finish(error) }
  }

  override func receivedEnd(on stream: FlightStream) {
    stream.finish(GRPCStatus(.invalidArgument, "DoPut ended without a message, which would say where the rows go"))
  }
}
