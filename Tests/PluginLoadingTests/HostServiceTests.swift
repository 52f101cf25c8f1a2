import Arrow
import Base
import Synchronization
import TestSupport
import Testing
import Volley
import VolleyPlan

@testable import Dataflow
@testable import Operators
@testable import PluginLoading

/// The clock and the random numbers that functions ask the host for.
struct HostServiceTests {
  struct Row: Codable, Sendable {
    var id: Int64
    var user: String
  }
  struct Told: Codable, Sendable {
    var id: Int64
    var time: Timestamp
    var number: Int64
  }

  private static func rows(_ count: Int64 = 500) -> [Row] { (0..<count).map { Row(id: $0, user: "u\($0 % 7)") } }

  private final class Keyed: KeyedProcessFunction {
    struct In: Codable { var id: Int64 }
    func process(_ row: In, context: Context<String, Told>) throws {
      #expect(context.task.now == context.processingTime)
      try context.emit(
        Told(id: row.id, time: context.task.now, number: .random(in: 0..<1_000_000, using: &context.random)))
    }
  }

  private func run<Rows: Sequence & SendableMetatype>(
    of rows: @escaping @Sendable () -> Rows = { Self.rows() }, batchRows: Int = 10,
    _ build: @escaping @Sendable (DataStream) -> DataStream
  ) async throws -> [Told] where Rows.Element == Row {
    let taken = Taken<Told>()
    let rig = try JobRig { env in
      build(env.fromSource(.rows { rows() }, uid: "rows"))
        .toSink(.eachRow { (row: Told) in taken.add(row) }, uid: "out", parallelism: 1)
    }
    try await rig.runApart(
      batchRows: batchRows, clock: .ticks(start: ProcessingTime(microseconds: 0), microseconds: 1_000))
    return taken.all.sorted { $0.id < $1.id }
  }

  /// - Parameter hasTimes: whether a row is handed over at the time of its batch, not when there is room.
  private func compare(hasTimes: Bool = true, _ build: @escaping @Sendable (DataStream) -> DataStream) async throws {
    let first = try await run(build)
    let second = try await run(build)
    #expect(first.count == 500)
    #expect(first.map(\.number) == second.map(\.number))
    #expect(Set(first.map(\.number)).count > 490)
    guard hasTimes else { return }
    // Ten rows a batch, a millisecond a batch.
    #expect(first.map(\.time) == second.map(\.time))
    #expect(first.map { $0.time.microseconds } == (0..<500).map { $0 / 10 * 1_000 })
  }

  @Test("a keyed process function, a batch function and an asynchronous one see the same times and numbers in each run")
  func repeated() async throws {
    try await compare { $0.keyBy("user").process("keyed", uid: "keyed") { Keyed() } }
    try await compare { stream in
      stream.batchFunction("batch", output: Schema(Told.self)) { batch, output in
        let builder = output.builder()
        for row in try batch.rows(as: Row.self) {
          try builder.append(
            Told(id: row.id, time: output.now, number: .random(in: 0..<1_000_000, using: &output.random)))
        }
        try output.emit(builder)
      }
    }
    try await compare { stream in
      stream.map { (row: Row) in
        let context = try #require(TaskContext.current)
        return Told(id: row.id, time: context.now, number: .random(in: 0..<1_000_000, using: &context.random))
      }
    }
    try await compare(hasTimes: false) { stream in
      stream.asyncMap("later", capacity: 40, rowsPerCall: 4, timeout: nil, order: .unordered) { (row: Row) in
        await Task.yield()
        let context = try #require(TaskContext.current)
        return Told(id: row.id, time: context.now, number: .random(in: 0..<1_000_000, using: &context.random))
      }
    }
  }

  /// Each row takes as long as a whole read may where time does not come with the batches.
  private struct SlowRows: Sequence, IteratorProtocol {
    var id: Int64 = 0

    mutating func next() -> Row? {
      let due = ContinuousClock.now + .milliseconds(110)
      while ContinuousClock.now < due {}
      defer { id += 1 }
      return id == 6 ? nil : Row(id: id, user: "u")
    }
  }

  private static func slowRows() -> SlowRows { SlowRows() }

  @Test("a slow sequence fills the batches that time comes with")
  func slow() async throws {
    let told = try await run(of: Self.slowRows, batchRows: 3) { stream in
      stream.map { (row: Row) in Told(id: row.id, time: try #require(TaskContext.current).now, number: 0) }
    }
    #expect(told.map { $0.time.microseconds } == [0, 0, 0, 1_000, 1_000, 1_000])
  }

  // MARK: A plugin in C

  private static let value = Arrow.Schema([VolleyPlan.Field("value", .int64, nullable: false)])
  private static let told = Arrow.Schema([
    VolleyPlan.Field("now", .int64, nullable: false), VolleyPlan.Field("random", .int64, nullable: false),
  ])

  private final class Services {
    let manual = ManualClock(ProcessingTime(microseconds: 5))
    let cursor: EpochCursor
    let kept = Kept(outputs: 1)
    let function: any Operator
    private let set: PluginSet

    init(uid: String = "services", subtask: Int = 0, epoch: UInt64 = 0) throws {
      cursor = EpochCursor(Epoch(epoch))
      let plugin = try Plugin.load(path: PluginSource.museum("0.5").compiled())
      let built = try plugin.pipeline(named: nil).plan(values: .object([.init("out", .string("/dev/null"))]))
      set = try PluginSet(pipeline: built, of: plugin, listener: Events().listener)
      function = try set.makeBatchFunction(
        "services", input: HostServiceTests.value, outputs: [HostServiceTests.told],
        at: UserCodePlace(
          uid: uid,
          subtask: SubtaskContext(
            id: SubtaskID(task: 0, index: subtask), parallelism: 4, clock: SubtaskClock(.manual(manual)), epoch: cursor)
        ))
      try function.open()
    }

    deinit { try? function.close() }

    /// The time and the numbers that a call gets.
    func call(_ values: [Int64]) throws -> (times: [Int64], numbers: [Int64]) {
      kept.batches[0] = []
      try function.process(.int64(values), input: 0, to: kept)
      return (kept.batches[0].flatMap { $0.int64(0) }, kept.batches[0].flatMap { $0.int64(1) })
    }
  }

  @Test("a function in C gets the job's time, and numbers that follow from uid, subtask and epoch alone")
  func plainC() throws {
    let one = try Services()
    let first = try one.call([1, 2, 3])
    #expect(first.times == [5, 5, 5])
    one.manual.advance(to: ProcessingTime(microseconds: 9))
    let next = try one.call([4, 5])
    #expect(next.times == [9, 9])
    // SplitMix64 of the same start by itself, in another instance and in one go.
    #expect(try Services().call([1, 2, 3, 4, 5]).numbers == first.numbers + next.numbers)
    #expect(Set(first.numbers + next.numbers).count == 5)
    // A call that fails has taken nothing.
    #expect(throws: Failure.self) { try one.call([6, -1, 7]) }
    let behind = try one.call([6])
    #expect(try Services().call([1, 2, 3, 4, 5, 6]).numbers.last == behind.numbers[0])
    for other in [
      try Services(uid: "others"), try Services(subtask: 1), try Services(epoch: 1),
    ] { #expect(Set(try other.call([1, 2, 3]).numbers).isDisjoint(with: first.numbers)) }
    // Behind a barrier as after a restart from its epoch.
    one.cursor.reach(Epoch(8))
    #expect(try one.call([1, 2, 3]).numbers == Services(epoch: 8).call([1, 2, 3]).numbers)
  }
}
