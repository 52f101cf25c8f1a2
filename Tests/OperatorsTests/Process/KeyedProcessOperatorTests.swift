import Arrow
import Base
import Dataflow
import TestSupport
import Testing
import VolleyPlan

@testable import Operators

/// The host's half of keyed process functions by itself, with user code of the test's that speaks of batches and places.
struct KeyedProcessOperatorTests {
  private struct Row: Equatable {
    var key: Int64?
    var value: Int64
    var time: Int64
  }

  /// What both sides tell: a running sum of a key after a row, or when a timer fires.
  private struct Told: Hashable, Comparable {
    var key: Int64?
    var sum: Int64
    /// The timer's; -1 of a row.
    var timer: Int64 = -1

    static func < (left: Told, right: Told) -> Bool {
      (left.timer, left.key ?? .min, left.sum) < (right.timer, right.key ?? .min, right.sum)
    }
  }

  private static let schema = Schema([
    Field("key", .int64), Field("value", .int64, nullable: false), Field("time", .timestamp, nullable: false),
  ])
  private static let told = Schema([
    Field("key", .int64), Field("sum", .int64, nullable: false), Field("timer", .int64, nullable: false),
  ])
  private static let states = [
    Plan.State(name: "sum", kind: .value, schema: [Field("sum", .int64, nullable: false)])
  ]

  /// Adds each row's value to its key's sum. A value that 5 divides clears the sum, one that 3 divides sets a timer, 7 removes one.
  /// A row of `poison` makes the call fail at its end.
  private final class Sums: KeyedProcessCode {
    static let poison: Int64 = 4_444
    private let values = UnsafeMutablePointer<Int64>.allocate(capacity: 1)
    private let place = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
    private let time = UnsafeMutablePointer<Int64>.allocate(capacity: 1)

    deinit {
      values.deallocate()
      place.deallocate()
      time.deallocate()
    }

    func open() {}
    func close() {}
    func flush(to output: any Collector) throws(Failure) {
      try output.emit(batch([Told(key: nil, sum: -1, timer: -2)]), output: 0)
    }

    private func sum(_ key: UInt32, _ call: KeyedCall) throws(Failure) -> Int64? {
      place.pointee = key
      let lent = try call.states.readValues(0, place, count: 1)
      guard lent.presence.load(as: UInt8.self) & 1 != 0 else { return nil }
      return lent.pointers(0).values.load(as: Int64.self)
    }

    private func key(_ place: UInt32, _ call: KeyedCall) -> Int64? {
      let keys = call.keys.columns[0]
      return keys.isValid(Int(place)) ? keys.values(Int64.self)[Int(place)] : nil
    }

    func process(_ rows: RecordBatch, _ call: KeyedCall, to output: any Collector) throws(Failure) {
      var told: [Told] = []
      var fails = false
      for row in 0..<call.rowCount {
        let value = rows.columns[0].values(Int64.self)[row]
        let key = call.rowKeys[row]
        place.pointee = key
        values.pointee = (try sum(key, call) ?? 0) + value
        fails = fails || value == Self.poison
        told.append(Told(key: self.key(key, call), sum: values.pointee))
        if value % 5 == 0 {
          try call.states.clear(0, place, count: 1)
        } else {
          var column = LentColumn(validity: nil, values: UnsafeRawPointer(values), bytes: nil, offset: 0)
          try call.states.writeValues(0, place, count: 1, &column)
        }
        guard let times = call.times else { continue }
        time.pointee = times[row] + value % 50
        if value % 3 == 0 { try call.timers.change(.event, isRemoval: false, place, time, count: 1) }
        if value % 7 == 0 { try call.timers.change(.event, isRemoval: true, place, time, count: 1) }
      }
      try output.emit(batch(told), output: 0)
      if fails { throw Failure(.data, "the row is poison") }
    }

    func timers(_ clock: TimerClock, _ call: KeyedCall, to output: any Collector) throws(Failure) {
      guard let times = call.times else { return }
      var told: [Told] = []
      for index in 0..<call.rowCount {
        let key = call.rowKeys[index]
        told.append(Told(key: self.key(key, call), sum: try sum(key, call) ?? 0, timer: times[index]))
      }
      try output.emit(batch(told), output: 0)
    }

    private func batch(_ told: [Told]) -> RecordBatch {
      RecordBatch(
        schema: KeyedProcessOperatorTests.told,
        columns: [column(told.map(\.key)), column(told.map(\.sum)), column(told.map(\.timer))], length: told.count)
    }
  }

  /// The same row by row.
  private struct Reference {
    var sums: [Int64?: Int64] = [:]
    var timers: Set<[Int64?]> = []

    mutating func process(_ row: Row) -> Told {
      let sum = (sums[row.key] ?? 0) + row.value
      sums[row.key] = row.value % 5 == 0 ? nil : sum
      let time = row.time + row.value % 50
      if row.value % 3 == 0 { timers.insert([row.key, time]) }
      if row.value % 7 == 0 { timers.remove([row.key, time]) }
      return Told(key: row.key, sum: sum)
    }

    mutating func fire(upTo time: Int64) -> [Told] {
      let due = timers.filter { $0[1] ?? 0 <= time }
      timers.subtract(due)
      return due.map { Told(key: $0[0], sum: sums[$0[0]] ?? 0, timer: $0[1] ?? 0) }
    }

    var keyCount: Int { Set(sums.keys).union(timers.map { $0[0] }).count }
  }

  private final class Kept: Collector {
    var told: [Told] = []
    func emit(_ batch: RecordBatch, output: Int) {
      let columns = batch.columns
      for row in 0..<batch.length {
        told.append(
          Told(
            key: columns[0].isValid(row) ? columns[0].values(Int64.self)[row] : nil,
            sum: columns[1].values(Int64.self)[row], timer: columns[2].values(Int64.self)[row]))
      }
    }
    func taken() -> [Told] {
      defer { told = [] }
      return told
    }
  }

  private func make(_ memory: StateMemory = StateMemory(limit: .max)) -> KeyedProcessOperator {
    KeyedProcessOperator(
      Sums(), states: Self.states, columns: .init(keys: [0], rows: [1], time: 2), input: Self.schema,
      clock: SubtaskClock(.manual(ManualClock())), memory: memory)
  }

  private func batch(_ rows: [Row]) -> RecordBatch {
    RecordBatch(
      schema: Self.schema,
      columns: [
        column(rows.map(\.key)), column(rows.map(\.value)), column(rows.map(\.time), .timestamp),
      ], length: rows.count)
  }

  @Test("random rows, failures and watermarks give what a row-by-row reference gives, and forget the same keys")
  func random() throws {
    var generator = SeededGenerator()
    for _ in 0..<30 {
      let made = make()
      var reference = Reference()
      let kept = Kept()
      var watermark: Int64 = .min
      try made.open()
      for _ in 0..<60 {
        if Int.random(in: 0..<4, using: &generator) == 0 {
          watermark = max(watermark, Int64.random(in: -500...500, using: &generator))
          try made.watermark(EventTime(microseconds: watermark), to: kept)
          try made.giveRest(to: kept)
          #expect(kept.taken().sorted() == reference.fire(upTo: watermark).sorted(), "\(generator)")
          continue
        }
        var rows = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
          Row(
            key: Int.random(in: 0..<8, using: &generator) == 0 ? nil : Int64.random(in: 0..<12, using: &generator),
            value: Int64.random(in: 0..<60, using: &generator), time: Int64.random(in: -400...600, using: &generator))
        }
        if Int.random(in: 0..<6, using: &generator) == 0 {
          rows[rows.count - 1].value = Sums.poison
          #expect(throws: Failure.self, "\(generator)") { try made.process(batch(rows), input: 0, to: kept) }
          #expect(kept.taken() == [], "\(generator)")
          continue
        }
        try made.process(batch(rows), input: 0, to: kept)
        try made.giveRest(to: kept)
        let told = kept.taken()
        #expect(Array(told.prefix(rows.count)) == rows.map { reference.process($0) }, "\(generator)")
        // What is due already fires right after the call.
        #expect(
          told.dropFirst(rows.count).sorted() == reference.fire(upTo: watermark).sorted(), "\(generator)")
        #expect(made.keyCount == reference.keyCount, "\(generator)")
      }
      try made.finish(to: kept)
      try made.giveRest(to: kept)
      var last = reference.fire(upTo: .max).sorted()
      last.append(Told(key: nil, sum: -1, timer: -2))
      let told = kept.taken()
      #expect(told.dropLast().sorted() + told.suffix(1) == last, "\(generator)")
      #expect(made.keyCount == Set(reference.sums.keys).count, "\(generator)")
      try made.close()
    }
  }

  /// Emits a batch again and again.
  private final class Talker: KeyedProcessCode {
    var made = 0
    func open() {}
    func close() {}
    func flush(to output: any Collector) {}
    func timers(_ clock: TimerClock, _ call: KeyedCall, to output: any Collector) {}
    func process(_ rows: RecordBatch, _ call: KeyedCall, to output: any Collector) throws(Failure) {
      for _ in 0..<1000 {
        let batch = RecordBatch(
          schema: Schema([Field("n", .int64, nullable: false)]),
          columns: [column([Int64](repeating: 0, count: 131_072))], length: 131_072)
        try output.emit(batch, output: 0)
        made += 1
      }
    }
  }

  private final class Nothing: Collector {
    var batches = 0
    func emit(_ batch: RecordBatch, output: Int) { batches += 1 }
  }

  @Test("what a call emits is held until it returns, and counts against the memory limit meanwhile")
  func heldEmissions() throws {
    let memory = StateMemory(limit: 16 << 20)
    let code = Talker()
    let made = KeyedProcessOperator(
      code, states: [], columns: .init(keys: [0], rows: [1], time: 2), input: Self.schema,
      clock: SubtaskClock(.manual(ManualClock())), memory: memory)
    let kept = Nothing()
    let failure = #expect(throws: Failure.self) {
      try made.process(batch([Row(key: 1, value: 1, time: 0)]), input: 0, to: kept)
    }
    #expect(failure?.message.contains("--memory-limit") == true)
    #expect(failure?.message.contains("emitted in one call") == true)
    // A batch is 1 MiB.
    #expect(code.made > 8 && code.made < 16)
    #expect(kept.batches == 0)
    #expect(memory.usedBytes < 1 << 20)
  }
}

private func column(_ values: [Int64?], _ type: DataType = .int64) -> Column {
  let builder = FixedBuilder<Int64>(type)
  for value in values { if let value { builder.append(value) } else { builder.appendNull() } }
  return builder.finish()
}
