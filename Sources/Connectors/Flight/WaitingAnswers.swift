import Base
import Flight

/// What a client that puts rows is told of them.
struct FlightAnswer {
  let flight: IncomingFlight
  /// Acknowledges a message that had this; nil: all was acknowledged, and the stream ends with OK.
  let metadata: [UInt8]?

  func say() {
    let (flight, metadata) = (flight, metadata)
    flight.stream.execute { flight.answer(metadata) }
  }
}

/// Answers that wait until an epoch with the rows that they are for is complete. One thread at a time.
struct WaitingAnswers {
  private var answers: [FlightAnswer] = []
  /// The epochs that have been reached and are not complete, and how many of the answers belong to each and those before it.
  private var reached: [(epoch: Epoch, count: Int)] = []
  /// What they take of memory, about.
  private(set) var byteCount = 0

  var count: Int { answers.count }

  private static func bytes(_ answer: FlightAnswer) -> Int { 64 + (answer.metadata?.count ?? 0) }

  mutating func append(_ answer: FlightAnswer) {
    answers.append(answer)
    byteCount += Self.bytes(answer)
  }

  /// All that waits belongs to the epoch.
  mutating func reach(_ epoch: Epoch) { reached.append((epoch, answers.count)) }

  /// Says what belongs to the epoch, and to those before it, which may have been given up.
  mutating func say(upTo epoch: Epoch) {
    let epochs = reached.prefix { $0.epoch <= epoch }
    guard let count = epochs.last?.count else { return }
    for answer in answers.prefix(count) {
      answer.say()
      byteCount -= Self.bytes(answer)
    }
    answers.removeFirst(count)
    reached.removeFirst(epochs.count)
    for index in reached.indices { reached[index].count -= count }
  }
}
