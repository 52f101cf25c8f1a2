import Arrow
import Base
import State
import TestSupport
import Testing
import VolleyPlan

@testable import Dataflow
@testable import Operators

@Suite("Event time that is cut")
struct EventTimeCutTests {
  private static let input = Schema([Field("ts", .timestamp(.microsecond, timezone: nil), nullable: false)])

  private final class Watermarks: Collector {
    var last = Int64.min
    func emit(_ batch: RecordBatch, output: Int) {}
    func advance(to time: EventTime) { last = max(last, time.microseconds) }
  }

  private struct Subtask {
    let cursor = InputCursor()
    let operation: EventTimeOperator

    init(parallelism: Int) {
      cursor.expectSplits()
      operation = EventTimeOperator(
        Plan.EventTime(column: "ts", outOfOrderness: 5), input: input, output: input,
        in: SubtaskContext(id: SubtaskID(task: 0, index: 0), parallelism: parallelism, input: cursor))
      operation.trackChanges()
    }

    /// One after the other, as sources tell of them.
    func begin(_ splits: some Sequence<Int>, _ watermarks: Watermarks) throws {
      for split in splits {
        _ = cursor.apply(.begins(SplitID(split)))
        try operation.splitsChanged(to: watermarks)
      }
    }

    func give(_ time: Int64, of split: Int, to watermarks: Watermarks) throws {
      _ = cursor.apply(.gives(SplitID(split)))
      let builder = ColumnBuilder(input.fields[0].type)
      builder.append(.timestamp(time, .microsecond, timezone: nil))
      try operation.process(
        RecordBatch(schema: input, columns: [builder.finish()], length: 1), input: 0, to: watermarks)
    }
  }

  @Test("knows how far each split had come, and of other subtasks' splits nothing")
  func random() throws {
    var random = SeededGenerator()
    for _ in 0..<100 {
      var splits: Set<Int> = [0, 1, 2]
      let plain = Subtask(parallelism: 2)
      var cut = Subtask(parallelism: 2)
      let (expected, found) = (Watermarks(), Watermarks())
      try plain.begin(splits, expected)
      try cut.begin(splits, found)
      var model = StateModel(cut.operation.stateTables)
      for step in 0..<40 {
        if step == 20, let ended = splits.randomElement(using: &random) {
          splits.remove(ended)
          for subtask in [plain, cut] {
            _ = subtask.cursor.apply(.ends(SplitID(ended)))
            try subtask.operation.splitsChanged(to: subtask.cursor === plain.cursor ? expected : found)
          }
        }
        if Int.random(in: 0..<8, using: &random) == 0 {
          for isSecond in [false, true] {
            var changes = StateChanges()
            try cut.operation.takeChanges(into: &changes)
            #expect(!isSecond || changes.parts.isEmpty)
            try model.apply(changes, subtask: 0, parallelism: 2)
          }
          cut = Subtask(parallelism: 2)
          try model.restore(subtask: 0, parallelism: 2, rows: 2) { entries, table throws(Failure) in
            try cut.operation.restore(entries, table: table)
          }
          try cut.begin(splits.shuffled(using: &random), found)
          #expect(found.last == expected.last, "\(random), begun again at step \(step)")
        }
        guard let split = splits.randomElement(using: &random) else { continue }
        let time = Int64(step * 3) + Int64.random(in: -20...20, using: &random)
        try plain.give(time, of: split, to: expected)
        try cut.give(time, of: split, to: found)
        #expect(found.last == expected.last, "\(random), step \(step)")
      }
      // Splits have other numbers where there are other subtasks.
      let other = Subtask(parallelism: 1)
      try model.restore(subtask: 0, parallelism: 1, rows: 5) { entries, table throws(Failure) in
        try other.operation.restore(entries, table: table)
      }
      let watermarks = Watermarks()
      try other.begin(0...1, watermarks)
      try other.give(7, of: 0, to: watermarks)
      #expect(watermarks.last == .min)
      try other.give(9, of: 1, to: watermarks)
      #expect(watermarks.last == 2)
    }
  }
}
