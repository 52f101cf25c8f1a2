import Arrow
import VolleyPlan

/// The sum of float64s, added in the order in which they come.
final class FloatSumAccumulator: Accumulator {
  private var sums = SlotStates<Double>(initial: 0)
  private var marks = SlotMarks()

  let resultType = DataType.float64
  let stateTypes = [DataType.float64]
  var slotCount: Int { sums.count }

  deinit {
    sums.deallocate()
    marks.deallocate()
  }

  func grow(to slotCount: Int) {
    sums.grow(to: slotCount)
    marks.grow(to: slotCount)
  }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, argument: Column?) {
    guard let argument else { preconditionFailure("a sum has an argument") }
    let values = argument.values(Double.self)
    let validity = Bits(validityOf: argument)
    sums.forEach(slots, count: count, validity: validity) { state, row in state.pointee += values[row] }
    marks.mark(slots, count: count, validity: validity)
  }

  func updateRunning(_ slots: UnsafePointer<UInt32>, count: Int, argument: Column?) -> Column {
    guard let argument else { preconditionFailure("a sum has an argument") }
    let values = argument.values(Double.self)
    let rows = Bits(validityOf: argument)
    let validity = marks.markRunning(slots, count: count, validity: rows)
    return sums.runningColumn(.float64, slots, count: count, rows: rows, validity: validity) { state, row in
      state.pointee += values[row]
    } _: {
      $0.pointee
    }
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) {
    update(slots, count: count, argument: states[0])
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    sums.column(.float64, slots, count: count, validity: marks.validity(slots, count: count)) { $0.pointee }
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] { [results(slots, count: count)] }

  func removeAll() {
    sums.removeAll()
    marks.removeAll()
  }
}
