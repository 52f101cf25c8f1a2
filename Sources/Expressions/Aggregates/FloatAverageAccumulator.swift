import Arrow
import VolleyPlan

/// The average of float64s: their sum, added in the order in which they come, divided by their count.
final class FloatAverageAccumulator: Accumulator {
  private struct State {
    var sum: Double
    var count: Int64
  }

  private var sums = SlotStates<State>(initial: State(sum: 0, count: 0))

  let resultType = DataType.float64
  /// The sum and the count of values.
  let stateTypes = [DataType.float64, .int64]
  var slotCount: Int { sums.count }

  deinit { sums.deallocate() }

  func grow(to slotCount: Int) { sums.grow(to: slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, argument: Column?) {
    guard let argument else { preconditionFailure("an average has an argument") }
    let values = argument.values(Double.self)
    sums.forEach(slots, count: count, validity: Bits(validityOf: argument)) { state, row in
      state.pointee.sum += values[row]
      state.pointee.count &+= 1
    }
  }

  func updateRunning(_ slots: UnsafePointer<UInt32>, count: Int, argument: Column?) -> Column {
    guard let argument else { preconditionFailure("an average has an argument") }
    let values = argument.values(Double.self)
    let rows = Bits(validityOf: argument)
    let buffer = Buffer(byteCount: count * 8)
    let averages = buffer.unsafeMutableValues(Double.self)
    let bits = sums.runningBits(slots, count: count, validity: rows) { state, row, isValid in
      if isValid {
        state.pointee.sum += values[row]
        state.pointee.count &+= 1
      }
      averages[row] = state.pointee.sum / Double(state.pointee.count)
      return state.pointee.count > 0
    }
    return Column(type: .float64, length: count, validity: rows == nil ? nil : bits.buffer, buffers: [buffer])
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) {
    let (partials, counts) = (states[0].values(Double.self), states[1].values(Int64.self))
    sums.forEach(slots, count: count, validity: nil) { state, row in
      state.pointee.sum += partials[row]
      state.pointee.count &+= counts[row]
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    let validity = sums.validity(slots, count: count) { $0.pointee.count > 0 }
    return sums.column(.float64, slots, count: count, validity: validity) { state in
      state.pointee.sum / Double(state.pointee.count)
    }
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] {
    [
      sums.column(.float64, slots, count: count) { $0.pointee.sum },
      sums.column(.int64, slots, count: count) { $0.pointee.count },
    ]
  }

  func removeAll() { sums.removeAll() }
}
