import Base
import Flight

/// A stream of batches that somebody gives.
///
/// `stream` never changes, and what is held belongs to the stream's loop, as do all calls of the handler; all other fields
/// belong to the thread that reads: that is what makes it `Sendable`.
final class IncomingFlight: FlightStreamHandler, @unchecked Sendable {
  /// Why the peer is given no room.
  struct Hold: OptionSet {
    var rawValue: UInt8
    /// Much waits to be read.
    static let intake = Hold(rawValue: 1)
    /// It does not read its answers.
    static let answers = Hold(rawValue: 2)
  }

  let stream: FlightStream
  private let intake: FlightIntake
  private(set) var holds: Hold = []
  var reader: FlightBatchReader
  var columns: ArrowColumns?
  /// Rows that came.
  var rows: Int64 = 0
  /// It was ended for what it sent: the rest of it counts for nothing.
  var isRefused = false

  init(_ stream: FlightStream, _ intake: FlightIntake, reader: FlightBatchReader) {
    self.stream = stream
    self.intake = intake
    self.reader = reader
    super.init()
    intake.opened(self)
  }

  // MARK: The loop

  /// Bytes of answers that wait for a client that does not read them, until nothing more is read of it. Enough for a million
  /// messages without metadata: clients that write all they have before they read come to their end.
  private static let unreadAnswers = 16 << 20

  /// Acknowledges a message that had this; nil: all was acknowledged, and the stream ends with OK.
  func answer(_ metadata: [UInt8]?) {
    guard let metadata else { return stream.finish() }
    stream.send(PutResult(appMetadata: metadata))
    if stream.waitingByteCount >= Self.unreadAnswers { hold(.answers) }
  }

  /// Gives the peer no room for now.
  func hold(_ reason: Hold) {
    if holds.isEmpty { stream.pause() }
    holds.insert(reason)
  }

  /// Gives it room again, if nothing else holds it.
  func release(_ reason: Hold) {
    guard holds.remove(reason) != nil, holds.isEmpty else { return }
    stream.resume()
  }

  override func received(_ data: FlightData, on stream: FlightStream) { intake.take(.data(data), of: self) }

  override func receivedEnd(on stream: FlightStream) { intake.take(.sentAll, of: self) }

  override func hasRoom(on stream: FlightStream) { release(.answers) }

  override func closed(_ status: GRPCStatus, on stream: FlightStream) { intake.take(.closed(status), of: self) }
}
