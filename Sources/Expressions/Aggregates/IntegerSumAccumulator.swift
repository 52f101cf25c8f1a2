import Arrow
import Base
import VolleyPlan

/// The sum of integers as int64, checked. A batch is added without branches; when one of its additions has overflowed,
/// the batch is taken back and added again row by row to find which.
final class IntegerSumAccumulator: Accumulator {
  private var sums = SlotStates<Int64>(initial: 0)
  private var marks = SlotMarks()

  let resultType = DataType.int64
  let stateTypes = [DataType.int64]
  var slotCount: Int { sums.count }

  deinit {
    sums.deallocate()
    marks.deallocate()
  }

  func grow(to slotCount: Int) {
    sums.grow(to: slotCount)
    marks.grow(to: slotCount)
  }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, argument: Column?) throws(Failure) {
    guard let argument else { preconditionFailure("a sum has an argument") }
    switch argument.type {
    case .int32: try add(slots, count, argument, as: Int32.self)
    default: try add(slots, count, argument, as: Int64.self)
    }
  }

  func updateRunning(_ slots: UnsafePointer<UInt32>, count: Int, argument: Column?) throws(Failure) -> Column {
    guard let argument else { preconditionFailure("a sum has an argument") }
    return switch argument.type {
    case .int32: try addRunning(slots, count, argument, as: Int32.self)
    default: try addRunning(slots, count, argument, as: Int64.self)
    }
  }

  @inline(__always)  // Two loops, one a width.
  private func addRunning<Value: FixedWidthInteger & BitwiseCopyable>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ column: Column, as _: Value.Type
  ) throws(Failure) -> Column {
    let values = column.values(Value.self)
    let rows = Bits(validityOf: column)
    let validity = marks.markRunning(slots, count: count, validity: rows)
    var failed: Int64 = 0
    let results = sums.runningColumn(.int64, slots, count: count, rows: rows, validity: validity) { state, row in
      state.pointee = CheckedAdd.apply(state.pointee, Int64(truncatingIfNeeded: values[row]), &failed)
    } _: {
      $0.pointee
    }
    if failed < 0 { try explain(slots, count, rows) { Int64(truncatingIfNeeded: values[$0]) } }
    return results
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) throws(Failure) {
    try add(slots, count, states[0], as: Int64.self)
  }

  @inline(__always)  // Two loops, one a width.
  private func add<Value: FixedWidthInteger & BitwiseCopyable>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ column: Column, as _: Value.Type
  ) throws(Failure) {
    let values = column.values(Value.self)
    let validity = Bits(validityOf: column)
    var failed: Int64 = 0
    sums.forEach(slots, count: count, validity: validity) { state, row in
      state.pointee = CheckedAdd.apply(state.pointee, Int64(truncatingIfNeeded: values[row]), &failed)
    }
    if failed < 0 { try explain(slots, count, validity) { Int64(truncatingIfNeeded: values[$0]) } }
    marks.mark(slots, count: count, validity: validity)
  }

  @inline(never)
  private func explain(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ validity: Bits?, _ value: (Int) -> Int64
  ) throws(Failure) {
    let base = sums.base
    sums.forEach(slots, count: count, validity: validity) { state, row in state.pointee &-= value(row) }
    for row in 0..<count where validity.map({ $0.word(row, 1) == 1 }) ?? true {
      let state = base + Int(slots[row])
      let (sum, overflow) = state.pointee.addingReportingOverflow(value(row))
      if overflow {
        throw Failure(
          .data,
          "sum: \(state.pointee) + \(value(row)) does not fit int64; "
            + "cast the argument to float64, or sum smaller values"
        )
      }
      state.pointee = sum
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    sums.column(.int64, slots, count: count, validity: marks.validity(slots, count: count)) { $0.pointee }
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] { [results(slots, count: count)] }

  func removeAll() {
    sums.removeAll()
    marks.removeAll()
  }
}
