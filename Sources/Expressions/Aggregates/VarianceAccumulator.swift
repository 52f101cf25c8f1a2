import Arrow
import Base
import Glibc
import VolleyPlan

/// The variance or standard deviation of numbers, of a sample or of all, as float64.
///
/// Sources: Welford: "Note on a Method for Calculating Corrected Sums of Squares and Products", 1962, for the rows;
/// Chan, Golub, LeVeque: "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979, for
/// merging. No cancellation, as the sum of squares minus the square of the sum has; parts merged differ from the whole
/// in the last bits.
final class VarianceAccumulator: Accumulator {
  private struct State {
    var count: Int64
    var mean: Double
    /// The sum of the squared differences from the mean.
    var squares: Double

    @inline(__always)  // Part of the loop over the rows.
    mutating func add(_ value: Double) {
      count &+= 1
      let difference = value - mean
      mean += difference / Double(count)
      squares += difference * (value - mean)
    }
  }

  private var states = SlotStates<State>(initial: State(count: 0, mean: 0, squares: 0))
  private let isSample: Bool
  private let isDeviation: Bool
  /// What a decimal's unscaled value is divided by.
  private let divisor: Double

  let resultType = DataType.float64
  /// The count of values, their mean, the sum of the squared differences from it.
  let stateTypes = [DataType.int64, .float64, .float64]
  var slotCount: Int { states.count }
  var byteCount: Int { states.byteCount }

  init(_ argument: DataType, isSample: Bool, isDeviation: Bool) {
    self.isSample = isSample
    self.isDeviation = isDeviation
    if case .decimal128(_, let scale) = argument { divisor = pow(10, Double(scale)) } else { divisor = 1 }
  }

  deinit { states.deallocate() }

  func grow(to slotCount: Int) throws(Failure) { try states.grow(to: slotCount) }

  var canReserve: Bool { true }

  func reserve(_ slotCount: Int) throws(Failure) { try states.reserve(slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) {
    guard let argument = input.argument else { preconditionFailure("a variance has an argument") }
    let rows = input.complete
    let floats = NumberColumn.doubles(argument, divisor: divisor)
    let values = floats.values(Double.self)
    states.forEach(slots, count: count, validity: rows) { state, row in state.pointee.add(values[row]) }
  }

  func updateRunning(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) -> Column {
    guard let argument = input.argument else { preconditionFailure("a variance has an argument") }
    let floats = NumberColumn.doubles(argument, divisor: divisor)
    let values = floats.values(Double.self)
    let least: Int64 = isSample ? 2 : 1
    return states.runningColumn(.float64, slots, count: count, rows: input.complete) { state, row in
      state.pointee.add(values[row])
    } _: {
      result($0.pointee)
    } isValid: {
      $0.pointee.count >= least
    }
  }

  /// NaN where the squares are beyond float64: by the order of the rows they are inf, -inf or NaN then.
  @inline(__always)  // Part of the loop over the slots.
  private func result(_ state: State) -> Double {
    guard state.squares.isFinite else { return .nan }
    let variance = state.squares / Double(isSample ? state.count &- 1 : state.count)
    return isDeviation ? variance.squareRoot() : variance
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states partials: [Column]) {
    let counts = partials[0].values(Int64.self)
    let (means, squares) = (partials[1].values(Double.self), partials[2].values(Double.self))
    states.forEach(slots, count: count, validity: nil) { state, row in
      if counts[row] == 0 { return }
      if state.pointee.count == 0 {
        state.pointee = State(count: counts[row], mean: means[row], squares: squares[row])
        return
      }
      let (own, other) = (Double(state.pointee.count), Double(counts[row]))
      let difference = means[row] - state.pointee.mean
      state.pointee.count &+= counts[row]
      let total = Double(state.pointee.count)
      state.pointee.mean += difference * (other / total)
      state.pointee.squares += squares[row] + difference * difference * (own * other / total)
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    let least: Int64 = isSample ? 2 : 1
    let validity = states.validity(slots, count: count) { $0.pointee.count >= least }
    return states.column(.float64, slots, count: count, validity: validity) { result($0.pointee) }
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] {
    [
      states.column(.int64, slots, count: count) { $0.pointee.count },
      states.column(.float64, slots, count: count) { $0.pointee.mean },
      states.column(.float64, slots, count: count) { $0.pointee.squares },
    ]
  }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) { states.reset(slots, count: count) }

  func removeAll() { states.removeAll() }
}
