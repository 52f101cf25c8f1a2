import Testing
import VolleyTesting

/// The events are the same, whoever makes them.
@Suite("Splits") struct SplitTests {
  @Test("all subtasks together make the events that one makes", arguments: [2, 3])
  func parallel(subtasks: Int) throws {
    let expected = try Event.made(3456, batchRows: 10)
    let events = try Event.made(3456, batchRows: 10, parallelism: subtasks)
    #expect(events.count == 3456)
    #expect(Set(events) == Set(expected))
  }

  @Test("batches of any size, and any part of the stream, have the same events")
  func parts() throws {
    let expected = try Event.made(1000)
    #expect(try Event.made(1000, batchRows: 7) == expected)
    #expect(try Event.made(400, from: 600) == Array(expected[600...]))
    #expect(try Event.made(1000, seed: 8) != expected)
  }

  @Test("shuffled events are the same ones, late by no more than the bound, and not in order", arguments: [1, 2])
  func shuffled(subtasks: Int) throws {
    let expected = try Event.made(4321)
    let events = try Event.made(4321, shuffle: 50_000, batchRows: 64, parallelism: subtasks)
    #expect(events.count == expected.count)
    #expect(Set(events) == Set(expected))
    #expect(events != expected)
    if subtasks > 1 { return }
    var latest = Int64.min
    var greatest: Int64 = 0
    for event in events {
      latest = max(latest, event.dateTime.microseconds)
      greatest = max(greatest, latest - event.dateTime.microseconds)
    }
    #expect((25_000...50_000).contains(greatest))
  }

  @Test("settings out of their bounds are refused by name")
  func refusals() throws {
    let cases = [
      ("batchRows", "8193", "the parameter 'batchRows' is 8193, expected 1 to 8192 rows"),
      ("rate", "0", "the parameter 'rate' is 0.0, expected 1 to 1000000000 events a second"),
      ("events", "-1", "the parameter 'events' is -1, expected 0 to 2^48"),
    ]
    for (name, value, message) in cases {
      let failure = #expect(throws: PipelineTestFailure.self) {
        try PipelineTest("nexmark", pipeline: "q0").set(name, value).run()
      }
      #expect(failure?.log.contains(message) == true)
    }
  }
}
