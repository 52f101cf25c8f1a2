import Arrow
import ArrowTestSupport
import TestSupport
import Testing
import VolleyPlan

@testable import State

@Suite("Row stores that share slots")
struct SharedSlotTests {
  /// Some slots have many rows, and most have none or one.
  private func slot(_ slotCount: UInt32, _ generator: inout SeededGenerator) -> UInt32 {
    let bound = Bool.random(using: &generator) ? slotCount : min(slotCount, 7)
    return UInt32.random(in: 0..<bound, using: &generator)
  }

  private func append(_ model: RowStoreModel, step: Int, slotCount: UInt32, _ generator: inout SeededGenerator) throws {
    let count = Int.random(in: 0...150, using: &generator)
    let values = (0..<count).map { _ in
      model.schema.fields.map { RandomColumns.values($0.type, 1, nulls: 6, &generator)[0] }
    }
    let now = Int64(step) * 100
    try model.append(
      values, (0..<count).map { _ in slot(slotCount, &generator) },
      (0..<count).map { _ in now + Int64.random(in: -150...150, using: &generator) }, offset: 0, selected: false)
  }

  /// More slots are asked for than the store looks at together, in pieces that end anywhere.
  @Test("each find, mark and remove their own rows, and no others", arguments: 1...5)
  func own(storeCount: Int) throws {
    var generator = SeededGenerator()
    let types: [[DataType]] = [[.int64, .utf8], [.float64], [], [.list(of: .int32)], [.utf8, .bool]]
    let stores = RowStore.sharingSlots(types.prefix(storeCount).map { RowStoreModel.schema($0) }, expiring: true)
    let models = stores.map { RowStoreModel($0, slotCount: 50, "\(storeCount) stores, \(generator)") }
    var slotCount: UInt32 = 50
    for step in 0..<20 {
      if step % 5 == 4 {
        slotCount += 150
        models[step % storeCount].store.grow(to: Int(slotCount))
      }
      let model = models[Int.random(in: 0..<storeCount, using: &generator)]
      try append(model, step: step, slotCount: slotCount, &generator)
      let asked = (0..<400).map { _ in slot(slotCount, &generator) } + [slotCount + 5, RowStore.missing]
      let now = Int64(step) * 100
      let bounds = asked.map { _ in (now - Int64.random(in: 0...300, using: &generator), now + 50) }
      for model in [model, models[step % storeCount]] {
        try model.match(asked, step % 2 == 0 ? bounds : nil, limit: Int.random(in: 1...2_000, using: &generator))
      }
      let some = model.rows.map(\.number).shuffled(using: &generator).prefix(model.rows.count / 3)
      model.mark(Array(some.prefix(10)))
      switch step % 4 {
      case 0: model.remove(Array(some))
      case 1: model.remove(rowsOf: (0..<20).map { _ in slot(slotCount, &generator) })
      case 2: model.remove(try model.popExpired(before: now - 200, limit: 100))
      default:
        guard step == 11 else { break }
        model.removeAll()
        // The only store of its slots has forgotten these too.
        model.store.grow(to: Int(slotCount))
      }
    }
    for model in models { try model.match(Array(0..<slotCount), nil, limit: 1_000) }
  }
}
