import Arrow
import Base
import Dataflow
import Operators
import PluginLoading
import TestSupport
import Testing
import VolleyPlan

/// The keyed process function of Tests/Museum/abi-0.3, in plain C against that version's header.
struct ProcessMuseumTests {
  private static let columns = Schema([
    Field("user", .int64, nullable: false), Field("op", .int64, nullable: false),
    Field("ts", .timestamp, nullable: false),
  ])
  private static let result = Schema([Field("user", .int64, nullable: false), Field("number", .int64, nullable: false)])
  private static let states = [
    Plan.State(name: "count", kind: .value, schema: [Field("n", .int64, nullable: false)]),
    Plan.State(name: "items", kind: .list, schema: [Field("n", .int64, nullable: false)]),
    Plan.State(
      name: "entries", kind: .map, schema: [Field("n", .int64, nullable: false)],
      mapKey: Field("key", .int64, nullable: false)),
  ]
  private let kept = Kept(outputs: 1)
  private let events = Events()

  private func make(_ function: String = "tally", flags: [String] = []) throws -> KeyedProcessOperator {
    var source = PluginSource.museum("0.3")
    source.flags = flags
    let plugin = try Plugin.load(path: source.compiled())
    let built = try plugin.pipeline(named: nil).plan(values: .object([.init("out", .string("/dev/null"))]))
    let set = try PluginSet(pipeline: built, of: plugin, listener: events.listener)
    let code = try set.makeKeyedProcess(
      function, states: Self.states, rows: Schema([Self.columns.fields[1]]), keys: Schema([Self.columns.fields[0]]),
      outputs: [Self.result], at: .at("tally"))
    return KeyedProcessOperator(
      code, states: Self.states, columns: .init(keys: [0], rows: [1], time: 2), input: Self.columns,
      clock: SubtaskClock(.manual(ManualClock())))
  }

  private func give(_ made: KeyedProcessOperator, _ rows: [(Int64, Int64)]) throws(Failure) {
    try made.process(
      RecordBatch(
        schema: Self.columns,
        columns: [.int64(rows.map(\.0)), .int64(rows.map(\.1)), .times(rows.map { _ in 0 })], length: rows.count),
      input: 0, to: kept)
  }

  private func rows() -> [[Int64]] {
    defer { kept.batches[0] = [] }
    return kept.batches[0].flatMap { batch in zip(batch.int64(0), batch.int64(1)).map { [$0, $1] } }
  }

  @Test("it reads and writes values, items and entries, sets timers and emits")
  func runs() throws {
    let made = try make()
    try made.open()
    try give(made, [(1, 5), (2, 5), (1, 6), (1, 7), (1, 50), (1, 7)])
    #expect(rows() == [[1, 1], [2, 1], [1, 2], [1, 3], [1, 4], [1, 5]])
    try give(made, [(1, 100), (2, 100), (1, 101), (1, 102), (1, 102), (3, 100), (3, 101), (1, 101)])
    // The entries of key 1 are 5: 1, 6: 2, 7: 5, 50: 4.
    let read: [[Int64]] = [[1, 75], [2, 5], [1, 252], [1, 1], [1, -1], [3, 0], [3, 0], [1, 247]]
    #expect(rows() == read)
    try made.watermark(EventTime(microseconds: 6), to: kept)
    #expect(rows() == [[1, 5], [2, 5], [1, 6]])
    // What a call that fails did has not happened.
    let failure = #expect(throws: Failure.self) { try give(made, [(1, 104)]) }
    #expect(failure?.message == "plugin 'museum-0.3': function 'tally' failed in 'process': the moon is full")
    try give(made, [(1, 100), (1, 101)])
    #expect(rows() == [[1, 75], [1, 247]])
    #expect(made.keyCount == 2)
    try give(made, [(1, 103), (1, 100), (1, 101)])
    #expect(rows() == [[1, 0], [1, 0], [1, 0]])
    try made.finish(to: kept)
    #expect(rows() == [[1, 7], [-1, -1]])
    try made.close()
    #expect(events.all.isEmpty)
  }

  @Test("two builds of it run side by side, each on its own code and state")
  func sideBySide() throws {
    let (one, ten) = (try make(), try make(flags: ["-DSTEP=10"]))
    for made in [one, ten] { try made.open() }
    for round in 1...3 as ClosedRange<Int64> {
      try give(one, [(1, 5), (2, 6)])
      #expect(rows() == [[1, round], [2, round]])
      try give(ten, [(2, 5), (2, 6)])
      #expect(rows() == [[2, 20 * round - 10], [2, 20 * round]])
    }
    // Timers of each are its own.
    try one.watermark(EventTime(microseconds: 5), to: kept)
    #expect(rows() == [[1, 5]])
    try ten.watermark(EventTime(microseconds: 50), to: kept)
    #expect(rows() == [[2, 5], [2, 6]])
    try one.close()
    try ten.close()
  }

  @Test(
    "rules that it breaks end the job with a sentence, and leave no trace",
    arguments: [
      (901, "the state 3 was asked for, and the plan declares 3; name states by their places in its list"),
      (902, "key 99 was asked for in a call of 1 keys, which are 0 to 0; name keys by their rows in 'keys'"),
      (903, "the state 'items' is a list and has no values; use the calls of its kind"),
      (904, "columns were lent at NULL; lend a struct array"),
      (905, "a struct array of 0 rows from row 0 on was lent for 1 keys; lend a row for each"),
      (906, "a struct array of 2 columns was lent, and the state has 1; lend those"),
      (907, "the map 'entries' was asked for a key that is null, and its keys never are; leave it out"),
      (
        908,
        "a page of the map 'entries' was asked for with the cursor 4711, which no page of this call gave; begin with 0"
      ),
      (909, "the clock 7 was named, expected 1 or 2; correct it"),
      (910, "1 timers were named at NULL; give their times"),
      (911, "a timer was set for key 99 in a call of 1 keys; name keys by their rows in 'keys'"),
      (912, "the lent column 'n' has 1 buffers, and int64 has 2; lend it as the plan declares it"),
      (913, "the lent column 'n' has no values; lend it as the plan declares it"),
      (914, "1 keys were named at NULL; give their numbers"),
      (915, "the column 'n' is null in row 0, and may not be; declare it as one that may, or give a value"),
      (916, "key 99 was asked for in a call of 1 keys, which are 0 to 0; name keys by their rows in 'keys'"),
    ])
  func broken(op: Int64, message: String) throws {
    let made = try make()
    try made.open()
    try give(made, [(1, 5)])
    _ = rows()
    let failure = #expect(throws: Failure.self) { try give(made, [(1, 6), (1, op)]) }
    #expect(failure?.message == "plugin 'museum-0.3': function 'tally': \(message)")
    #expect(failure?.kind == .plugin)
    try give(made, [(1, 100)])
    #expect(rows() == [[1, 5]])
    try made.close()
  }

  @Test("a table without its slots is refused, and state outside of a call")
  func tables() throws {
    let short = #expect(throws: Failure.self) { _ = try make("short") }
    #expect(
      short?.message
        == "plugin 'museum-0.3': function 'short': table volley_keyed_process is 40 bytes, the slot 'timers' needs 48; initialise its "
        + "header with VOLLEY_HEADER(volley_keyed_process)")
    let null = #expect(throws: Failure.self) { _ = try make("null") }
    #expect(
      null?.message
        == "plugin 'museum-0.3': function 'null': table volley_keyed_process has NULL in the slot 'timers', which must be there; fill "
        + "it in")
    let early = try make("early")
    let failure = #expect(throws: Failure.self) { try early.open() }
    #expect(
      failure?.message
        == "plugin 'museum-0.3': function 'early': state or a timer was asked for outside 'process' and 'timers' of a keyed process "
        + "function; ask only inside them")
  }
}
