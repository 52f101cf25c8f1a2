import Base
import Dataflow
import Operators
import Planning
import TestSupport
import Testing
import Volley
import VolleyPlan

/// Records that are set aside show with their epochs.
struct QuarantineEpochTests {
  struct Order: Codable, Sendable {
    var id: Int64
    var amount: Int64
  }

  private struct Refused: Error, CustomStringConvertible {
    var description: String { "it is below zero" }
  }

  private struct Cut: Error {}

  private static func rig(_ folder: TemporaryFolder) throws -> JobRig {
    let (input, output) = (folder.file("orders.jsonl"), folder.file("out/"))
    return try JobRig { env in
      env.fromSource(.jsonLines(input, schema: Schema(Order.self)), uid: "orders")
        .map { (order: Order) in
          if order.amount < 0 { throw Refused() }
          return order
        }.toSink(.jsonLines(output, layout: FileLayout(rollInterval: .seconds(3_600))), uid: "out")
    }
  }

  private enum End { case ended, cut }

  /// One run, cut off somewhere before or behind the point at which an epoch is complete.
  private func run(
    _ folder: TemporaryFolder, _ keeper: EpochKeeper, _ random: inout SeededGenerator, mayBeCut: Bool
  ) throws -> End {
    let rig = try Self.rig(folder)
    let quarantine = QuarantineOptions(
      directory: folder.file("aside"), limit: 1_000, plugin: QuarantinePlace.Plugin(name: "sdk", version: "1"),
      hasEpochs: true)
    let job = try rig.job(
      parallelism: Int.random(in: 1...2, using: &random), batchRows: 16, quarantine: quarantine, checkpoints: keeper)
    func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }
    func cut() -> End {
      job.fail(Failure(.io, "the power is gone"))
      try? job.wait()
      return .cut
    }
    job.start()
    while true {
      let hasEnded = keeper.hasEnded
      let epoch = keeper.nextEpoch()
      guard job.begin(epoch) == .begun else {
        try job.wait()
        throw Cut()
      }
      if mayBeCut && oneIn(12) { return cut() }
      guard keeper.waitUntilWhole(epoch) else { throw Cut() }
      if mayBeCut && oneIn(12) { return cut() }
      keeper.complete(epoch)
      if mayBeCut && oneIn(12) { return cut() }
      job.commit(epoch)
      guard hasEnded else { continue }
      try job.wait()
      return .ended
    }
  }

  @Test("each bad record is in the quarantine once, and each good one in the output, however often the job is cut off")
  func exactlyOnce() throws {
    var random = SeededGenerator()
    let folder = TemporaryFolder()
    let orders = (0..<10_000 as Range<Int64>).map { id in
      Order(id: id, amount: Int.random(in: 0..<50, using: &random) == 0 ? -1 : 1)
    }
    folder.write("orders.jsonl", orders.map { "{\"id\":\($0.id),\"amount\":\($0.amount)}\n" }.joined())
    let keeper = EpochKeeper()
    var cuts = 0
    while try run(folder, keeper, &random, mayBeCut: cuts < 12) == .cut {
      cuts += 1
      keeper.restart()
    }
    func lines(_ pattern: String) throws -> [JSONValue] {
      let text = TestProcess.run(["sh", "-c", "cat \(pattern)"], folder: folder.path).output
      return try text.split(separator: "\n").map { try JSONValue.parse(String($0)) }
    }
    func number(_ value: JSONValue?) -> Int64 { if case .int(let number)? = value { number } else { -1 } }
    let good = try lines("out/*.jsonl").map { number($0["id"]) }
    #expect(good.sorted() == orders.filter { $0.amount > 0 }.map(\.id), "\(random), \(cuts) cuts")
    let aside = try lines("aside/map-1/*.jsonl")
    #expect(
      aside.map { number($0["record"]?["id"]) }.sorted() == orders.filter { $0.amount < 0 }.map(\.id),
      "\(random), \(cuts) cuts")
    let last = Int64(keeper.lastEpoch.number)
    #expect(aside.allSatisfy { (1...last + 1).contains(number($0["epoch"])) }, "\(random)")
    #expect(cuts > 0, "\(random)")
  }
}
