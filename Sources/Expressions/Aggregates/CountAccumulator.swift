import Arrow
import Base
import VolleyPlan

/// Rows, or values that are not null.
final class CountAccumulator: Accumulator {
  private var counts = SlotStates<Int64>(initial: 0)

  let resultType = DataType.int64
  let stateTypes = [DataType.int64]
  var slotCount: Int { counts.count }
  var byteCount: Int { counts.byteCount }

  deinit { counts.deallocate() }

  func grow(to slotCount: Int) throws(Failure) { try counts.grow(to: slotCount) }

  var canReserve: Bool { true }

  func reserve(_ slotCount: Int) throws(Failure) { try counts.reserve(slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) {
    counts.forEach(slots, count: count, validity: input.complete) { state, _ in
      state.pointee &+= 1  // 2^63 rows do not pass in a job's lifetime.
    }
  }

  func updateRunning(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) -> Column {
    counts.runningColumn(
      .int64, slots, count: count, rows: input.complete, validity: nil
    ) { state, _ in
      state.pointee &+= 1
    } _: {
      $0.pointee
    }
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) {
    let values = states[0].values(Int64.self)
    counts.forEach(slots, count: count, validity: nil) { state, row in state.pointee &+= values[row] }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    counts.column(.int64, slots, count: count) { $0.pointee }
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] { [results(slots, count: count)] }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) { counts.reset(slots, count: count) }

  func removeAll() { counts.removeAll() }
}
