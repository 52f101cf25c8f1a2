import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import State

@Suite("Changes by slot")
struct SlotChangesTests {
  private func numbers(_ selection: Selection?) -> [UInt32] {
    guard let selection else { return [] }
    return (0..<selection.count).map { selection.rows[$0] }
  }

  private func take(_ changes: SlotChanges) throws -> [UInt32] {
    var all: [UInt32] = []
    try changes.take { part throws(Failure) in
      #expect(part.count <= SlotChanges.blockSlots)
      all += numbers(part)
    }
    return all
  }

  @Test("are given once, ascending, and what came and went in between is not heard of")
  func once() throws {
    let changes = SlotChanges()
    #expect(try take(changes) == [])
    changes.mark([70, 3, 3, 4_200], count: 4, slotCount: 5_000)
    #expect(!changes.isEmpty)
    #expect(numbers(changes.forget([3], count: 1)) == [])
    #expect(try take(changes) == [70, 4_200])
    #expect(changes.isEmpty)
    #expect(try take(changes) == [])
    changes.mark([70], count: 1, slotCount: 5_000)
    #expect(numbers(changes.forget([5, 70], count: 2)) == [70])
    #expect(changes.forget([70], count: 1) == nil)
    #expect(try take(changes) == [])
    #expect(numbers(changes.forgetAll()) == [4_200])
    #expect(changes.forgetAll() == nil)
  }

  @Test("agree with sets of slots, whatever is marked, given back and taken")
  func random() throws {
    var random = SeededGenerator()
    for _ in 0..<50 {
      let slotCount = [10, 64, 65, 4_097, 200_000].randomElement(using: &random) ?? 10
      let changes = SlotChanges()
      var (changed, stored): (Set<UInt32>, Set<UInt32>) = ([], [])
      for _ in 0..<30 {
        let slots = (0..<Int.random(in: 0...200, using: &random)).map { _ in
          UInt32.random(in: 0..<UInt32(slotCount), using: &random)
        }
        switch Int.random(in: 0..<8, using: &random) {
        case 0..<4:
          changes.mark(slots, count: slots.count, slotCount: slotCount)
          changed.formUnion(slots)
        case 4:
          changes.markStored(slots, count: slots.count, slotCount: slotCount)
          stored.formUnion(slots)
        case 5:
          let gone = Array(Set(slots))
          let told = numbers(changes.forget(gone, count: gone.count))
          #expect(told == gone.filter { stored.contains($0) }, "\(random)")
          changed.subtract(gone)
          stored.subtract(gone)
        case 6:
          #expect(try take(changes) == changed.sorted(), "\(random)")
          stored.formUnion(changed)
          changed = []
        default:
          guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
          #expect(numbers(changes.forgetAll()) == stored.sorted(), "\(random)")
          (changed, stored) = ([], [])
        }
        #expect(changes.isEmpty == changed.isEmpty, "\(random)")
        for slot in slots {
          #expect(changes.isStored(slot) == stored.contains(slot), "\(random)")
          #expect(changes.isChanged(slot) == changed.contains(slot), "\(random)")
        }
      }
    }
  }

  @Test("many are given in blocks, each slot once")
  func blocks() throws {
    let changes = SlotChanges()
    let slots = (0..<UInt32(3 * SlotChanges.blockSlots / 2)).map { 2 * $0 }
    changes.mark(slots, count: slots.count, slotCount: 2 * slots.count)
    #expect(try take(changes) == slots)
  }

  @Test("the times of all subtasks become the latest, or a subtask's own where they count for more")
  func times() throws {
    let tables = [SubtaskTimes.table("times", of: ["closed", "fired"])]
    func taken(_ times: inout SubtaskTimes, _ values: [Int64]) throws -> [RecordBatch] {
      var changes = StateChanges()
      times.take(values, into: &changes, table: 0, tables)
      return changes.parts.compactMap { if case .put(let rows, _) = $0 { rows } else { nil } }
    }
    var first = SubtaskTimes(subtask: 0, parallelism: 2)
    var second = SubtaskTimes(subtask: 1, parallelism: 2)
    var entries = try taken(&first, [.min, 7])
    #expect(try taken(&first, [.min, 7]).isEmpty)
    entries += try taken(&second, [5, 3])
    #expect(entries.count == 2)
    for (ownFirst, parallelism, expected) in [
      (false, 2, [5, 7]), (true, 2, [Int64.min, 7]), (true, 1, [5, 7]), (true, 3, [5, 7]),
    ] {
      var later = SubtaskTimes(subtask: 0, parallelism: parallelism)
      for rows in entries { later.restore(rows) }
      #expect(later.restored(ownFirst: ownFirst) == expected)
    }
    var empty = SubtaskTimes(subtask: 0, parallelism: 1)
    #expect(empty.restored() == nil)
  }
}
