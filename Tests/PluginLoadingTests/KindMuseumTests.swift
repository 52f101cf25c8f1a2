import Arrow
import Base
import Dataflow
import Expressions
import TestSupport
import Testing
import VolleyPlan

@testable import Operators
@testable import PluginLoading

/// The aggregate, window function and watermark assigner of Tests/Museum/abi-0.4, in plain C against that version's header.
struct KindMuseumTests {
  private let events = Events()
  private static let value = Schema([Field("value", .int64, nullable: false)])
  private static let user = Schema([Field("user", .int64, nullable: false)])

  private func set() throws -> PluginSet {
    let plugin = try Plugin.load(path: PluginSource.museum("0.4").compiled())
    let built = try plugin.pipeline(named: nil).plan(values: .object([.init("out", .string("/dev/null"))]))
    return try PluginSet(pipeline: built, of: plugin, listener: events.listener)
  }

  // MARK: Aggregate

  private func aggregate(_ function: String = "squares") throws -> any UserAggregate {
    try set().scalarFunctions(at: .at("sums")).makeAggregate(
      Plan.UserAggregate(
        function: function, arguments: [.init(name: "value", type: .int64, expression: .column("value"))],
        accumulator: [Field("sum", .int64, nullable: false), Field("rows", .int64, nullable: false)],
        result: Field("result", .int64, nullable: false)))
  }

  private func input(_ values: [Int64], condition: [Bool]? = nil) -> AggregateInput {
    let rows = Column(
      type: .struct(Self.value.fields), length: values.count, validity: nil, buffers: [], children: [.int64(values)])
    let included = condition.map { condition -> Column in
      let bits = Buffer(byteCount: Bitmap.byteCount(condition.count))
      for (index, value) in condition.enumerated() { Bitmap.set(bits.unsafeMutableAddress, index, value) }
      return Column(type: .bool, length: condition.count, validity: nil, buffers: [bits])
    }
    return AggregateInput(argument: rows, condition: included, count: values.count)
  }

  private func values(_ column: Column) -> [Int64] { (0..<column.length).map { column.values(Int64.self)[$0] } }

  @Test("an aggregate accumulates, merges, resets and forgets, each store for itself")
  func aggregates() throws {
    let user = try aggregate()
    try user.open()
    do {
      let (one, two) = (user.makeAccumulator(), user.makeAccumulator())
      try one.grow(to: 3)
      try two.grow(to: 2)
      try one.update([0, 1, 0, 2], count: 4, input([1, 2, 3, 4]))
      try two.update([1, 1], count: 2, input([5, 6], condition: [false, true]))
      #expect(values(try one.results([0, 1, 2], count: 3)) == [10, 4, 16])
      #expect(values(try two.results([1, 0], count: 2)) == [36, 0])
      #expect(one.byteCount == 48)
      let states = try one.states([0, 2], count: 2)
      #expect(states.map(values) == [[10, 16], [2, 1]])
      try two.merge([0, 1], count: 2, states: states)
      #expect(values(try two.results([0, 1], count: 2)) == [10, 52])
      #expect(values(try two.updateRunning([0, 0, 1], count: 3, input([1, 2, 3]))) == [11, 15, 61])
      #expect(
        values(
          try two.updateRunning([0, 0, 1, 1], count: 4, input([1, 2, 3, 4], condition: [false, true, false, true])))
          == [15, 19, 61, 77])
      one.reset([0, 2], count: 2)
      #expect(values(try one.results([0, 1, 2], count: 3)) == [0, 4, 0])
      one.removeAll()
      #expect(one.slotCount == 0 && one.byteCount == 0)
      #expect(values(try one.results([], count: 0)) == [])
      try one.grow(to: 1)
      #expect(values(try one.results([0], count: 1)) == [0])
      #expect(values(try two.results([0, 1], count: 2)) == [19, 77])
    }
    try user.close()
    #expect(events.all.isEmpty)
  }

  @Test("what an aggregate does wrong is a sentence; what goes wrong in reset is told by the next call")
  func brokenAggregates() throws {
    func message(_ function: String, _ body: (any Accumulator) throws -> Void) throws -> String? {
      let user = try aggregate(function)
      try user.open()
      let made = user.makeAccumulator()
      try made.grow(to: 1)
      let failure = #expect(throws: Failure.self) { try body(made) }
      try user.close()
      return failure?.message
    }
    let failed = try message("squares") { try $0.update([0], count: 1, input([901])) }
    #expect(failed == "plugin 'museum-0.4': aggregate 'squares' failed in 'accumulate': the moon is full")
    let mute = try message("mute") { _ = try $0.results([0], count: 1) }
    #expect(
      mute == "plugin 'museum-0.4': aggregate 'mute' returned OK from 'finish' without an array; move one there")
    let wide = try message("wide") { _ = try $0.results([0], count: 1) }
    #expect(
      wide == "plugin 'museum-0.4': aggregate 'wide' returned 2 rows from 'finish' for 1 slots; return one a slot")
    let reset = try message("squares") { made in
      try made.update([UInt32](repeating: 0, count: 13), count: 13, input(Array(1...13)))
      made.reset([0], count: 1)
      try made.grow(to: 2)
    }
    #expect(reset == "plugin 'museum-0.4': aggregate 'squares' failed in 'reset': 13 rows stay")
    let null = #expect(throws: Failure.self) { _ = try aggregate("null") }
    #expect(
      null?.message
        == "plugin 'museum-0.4': aggregate 'null': table volley_aggregate has NULL in the slot 'encode', which must be there; fill it "
        + "in")
  }

  // MARK: Window function

  private func window(_ function: String = "sums") throws -> any WindowFunctionCode {
    try set().makeWindowFunction(
      function, rows: Self.value, keys: Self.user,
      outputs: [Schema([Field("user", .int64, nullable: false), Field("number", .int64, nullable: false)])],
      at: .at("windows"))
  }

  @Test("a window function is given keys, bounds and rows, and emits; at the end it is flushed")
  func windows() throws {
    let made = try window()
    let kept = Kept(outputs: 1)
    try made.open()
    let starts: [Int64] = [0, 100, 200]
    let ends: [Int64] = [1_000, 1_100, 1_200]
    let rowEnds: [UInt64] = [2, 3, 6]
    func give(_ values: [Int64], bounds: Bool) throws {
      try starts.withUnsafeBufferPointer { starts in
        try ends.withUnsafeBufferPointer { ends in
          try rowEnds.withUnsafeBufferPointer { rowEnds in
            try made.process(
              ClosedWindows(
                keys: RecordBatch(schema: Self.user, columns: [.int64([7, 8, 9])], length: 3),
                starts: bounds ? starts.baseAddress : nil, ends: bounds ? ends.baseAddress : nil,
                rows: RecordBatch(schema: Self.value, columns: [.int64(values)], length: values.count),
                rowEnds: rowEnds.baseAddress!, watermark: .latest), to: kept)
          }
        }
      }
    }
    try give([1, 2, 3, 4, 5, 6], bounds: true)
    try give([1, 2, 3, 4, 5, 6], bounds: false)
    let failure = #expect(throws: Failure.self) { try give([1, 2, 901, 4, 5, 6], bounds: true) }
    #expect(failure?.message == "plugin 'museum-0.4': function 'sums' failed in 'process': the moon is full")
    try made.flush(to: kept)
    try made.close()
    let rows = kept.batches[0].flatMap { zip($0.int64(0), $0.int64(1)).map { [$0, $1] } }
    #expect(rows == [[7, 1_003], [8, 1_003], [9, 1_015], [7, 3], [8, 3], [9, 15], [7, 1_003], [-1, -1]])
    #expect(events.all.isEmpty)
    let short = #expect(throws: Failure.self) { _ = try window("short") }
    #expect(
      short?.message
        == "plugin 'museum-0.4': function 'short': table volley_window_function is 40 bytes, the slot 'flush' needs 48; initialise its "
        + "header with VOLLEY_HEADER(volley_window_function)")
  }

  // MARK: Watermark assigner

  @Test("a watermark assigner tells times and watermarks, by split")
  func watermarks() throws {
    let made = try set().makeWatermarkAssigner("tens", rows: Self.value, at: .at("times"))
    try made.open()
    let times = UnsafeMutablePointer<Int64>.allocate(capacity: 3)
    defer { times.deallocate() }
    func assign(_ values: [Int64]) throws(Failure) -> Int64 {
      try made.assign(
        RecordBatch(schema: Self.value, columns: [.int64(values)], length: values.count), split: SplitID(3),
        at: ProcessingTime(microseconds: 1), to: times)
    }
    #expect(try assign([4, -1, 7]) == 65)
    #expect((0..<3).map { times[$0] } == [40, .min, 70])
    #expect(try assign([-1]) == .min)
    #expect(try made.advance(split: SplitID(3), at: ProcessingTime(microseconds: 500)) == 500)
    made.endSplit(SplitID(3))
    #expect(try made.advance(split: SplitID(4), at: ProcessingTime(microseconds: 500)) == 503)
    let failure = #expect(throws: Failure.self) { _ = try assign([901]) }
    #expect(failure?.message == "plugin 'museum-0.4': function 'tens' failed in 'assign': the moon is full")
    try made.close()
    made.endSplit(SplitID(1))
    let null = #expect(throws: Failure.self) {
      _ = try set().makeWatermarkAssigner("null", rows: Self.value, at: .at("times"))
    }
    #expect(
      null?.message
        == "plugin 'museum-0.4': function 'null': table volley_watermark_assigner has NULL in the slot 'assign', which must be there; "
        + "fill it in")
  }

  // MARK: Asynchronous function

  private func asynchronous(_ function: String = "doubles") throws -> any AsyncCode {
    try set().makeAsyncFunction(
      function, input: Self.value, output: Schema([Field("twice", .int64, nullable: false)]), at: .at("doubles"))
  }

  @Test("an asynchronous function answers at once or later, with rows, without, and with a failure")
  func answers() throws {
    let made = try asynchronous()
    let results = AsyncResults(SubtaskNotifier())
    try made.open()
    func start(_ value: Int64, _ token: UInt64) throws(Failure) -> [String] {
      try made.start(
        RecordBatch(schema: Self.value, columns: [.int64([value])], length: 1), token: token, results: results)
      return results.take().map { completion in
        switch completion.result {
        case .success(let batch): "\(completion.token): \(batch?.int64(0) ?? [])"
        case .failure(let failure): "\(completion.token): \(failure.kind) \(failure.retryable) \(failure.message)"
        }
      }
    }
    #expect(try start(5, 1) == ["1: [10]"])
    #expect(try start(13, 2) == [])
    #expect(try start(0, 3) == ["2: [26]", "3: []"])
    #expect(
      try start(901, 4) == [
        "4: io true plugin 'museum-0.4': function 'doubles' failed in 'start': the moon is full (code 42)"
      ])
    let failure = #expect(throws: Failure.self) { _ = try start(902, 5) }
    #expect(failure?.message == "plugin 'museum-0.4': function 'doubles' failed in 'start': the moon is new")
    let wrong = try start(903, 6)
    #expect(wrong.count == 1)
    #expect(wrong[0].contains("plugin 'museum-0.4': function 'doubles' completed with a batch"))
    made.cancel(token: 20)
    made.cancel(token: 3)
    #expect(try start(904, 7) == ["7: [46]"])
    results.close()
    #expect(try start(5, 8) == [])
    try made.close()
    made.cancel(token: 1)
    #expect(events.all.isEmpty)
  }

  @Test("an answer before anything was asked is refused, and a table without its slots")
  func brokenAnswers() throws {
    let early = try asynchronous("early")
    let failure = #expect(throws: Failure.self) { try early.open() }
    #expect(
      failure?.message.contains("called 'complete' before 'start'; complete only what was started") == true)
    let null = #expect(throws: Failure.self) { _ = try asynchronous("null") }
    #expect(
      null?.message
        == "plugin 'museum-0.4': function 'null': table volley_async_function has NULL in the slot 'cancel', which must be there; fill "
        + "it in")
  }
}
