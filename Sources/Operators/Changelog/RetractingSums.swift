import Arrow
import Base
import Glibc
import State
import VolleyPlan

/// Sums and averages of integers, durations and decimals: exact in 128 bits, and checked when they are read.
final class RetractingIntegers: RetractingAggregate {
  private struct State: BitwiseCopyable {
    var sum: Int128 = 0
    var count: Int64 = 0
  }

  private let states = SlotColumn(initial: State())
  private let result: DataType
  private let isAverage: Bool
  /// 10 to the decimals' scale.
  private let divisor: Double

  init(_ argument: DataType, result: DataType, isAverage: Bool) {
    self.result = result
    self.isAverage = isAverage
    if case .decimal128(_, let scale) = argument { divisor = pow(10, Double(scale)) } else { divisor = 1 }
  }

  var byteCount: Int { states.byteCount }
  func growth(_ argument: Column?, rows: Int, slotCount: Int) -> Int { states.growth(to: slotCount) }
  func grow(to slotCount: Int) { states.grow(to: slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, weights: UnsafePointer<Int64>, count: Int, _ argument: Column?) {
    guard let argument else { preconditionFailure("a sum has an argument") }
    switch argument.type {
    case .int8: add(Int8.self, slots, weights, count, argument)
    case .int16: add(Int16.self, slots, weights, count, argument)
    case .int32: add(Int32.self, slots, weights, count, argument)
    case .uint8: add(UInt8.self, slots, weights, count, argument)
    case .uint16: add(UInt16.self, slots, weights, count, argument)
    case .uint32: add(UInt32.self, slots, weights, count, argument)
    case .uint64: add(UInt64.self, slots, weights, count, argument)
    case .decimal128: add(Int128.self, slots, weights, count, argument)
    default: add(Int64.self, slots, weights, count, argument)
    }
  }

  @inline(__always)  // One loop a width.
  private func add<Value: FixedWidthInteger & BitwiseCopyable>(
    _: Value.Type, _ slots: UnsafePointer<UInt32>, _ weights: UnsafePointer<Int64>, _ count: Int, _ argument: Column
  ) {
    let (states, values) = (states.values, argument.values(Value.self))
    let hasNulls = argument.validity != nil
    for row in 0..<count where !hasNulls || argument.isValid(row) {
      let state = states + Int(slots[row])
      // The sum of 2^63 values of 64 bits fits; that of decimals is checked as it is read, and wraps there and back.
      state.pointee.sum &+= Int128(truncatingIfNeeded: values[row]) &* Int128(weights[row])
      state.pointee.count &+= weights[row]
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> Column {
    if case .decimal128 = result { return try decimals(slots, count) }
    return try eightByteColumn(result, count: count) { (row) throws(Failure) in
      let state = states.values[Int(slots[row])]
      if state.count <= 0 { return nil }
      if isAverage, result == .float64 {
        return (Double(state.sum) / (Double(state.count) * divisor)).bitPattern
      }
      let value = isAverage ? state.sum / Int128(state.count) : state.sum
      if result == .uint64 {
        guard let value = UInt64(exactly: value) else { throw beyond(value) }
        return value
      }
      guard let value = Int64(exactly: value) else { throw beyond(value) }
      return UInt64(bitPattern: value)
    }
  }

  private func decimals(_ slots: UnsafePointer<UInt32>, _ count: Int) throws(Failure) -> Column {
    let buffer = Buffer(byteCount: max(16, count * 16))
    let values = buffer.unsafeMutableValues(Int128.self)
    let validity = try eightByteColumn(.int64, count: count) { (row) throws(Failure) in
      let state = states.values[Int(slots[row])]
      values[row] = state.count > 0 ? state.sum : 0
      guard state.sum.magnitude < Self.limit else { throw beyond(state.sum) }
      return state.count > 0 ? 0 : nil
    }.validity
    return Column(type: result, length: count, validity: validity, buffers: [buffer])
  }

  /// 10^38.
  private static let limit: UInt128 = (0..<38).reduce(1) { power, _ in power * 10 }

  private func beyond(_ value: Int128) -> Failure {
    Failure(
      .data, "sum: the sum \(value) does not fit \(result); cast the argument to float64, or sum smaller values")
  }

  func isClear(_ slot: UInt32) -> Bool {
    states.values[Int(slot)].count == 0 && states.values[Int(slot)].sum == 0
  }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) { states.reset(slots, count: count) }

  private static let sumType = DataType.decimal128(precision: 38, scale: 0)

  var stateFields: [Field] {
    [Field("sum", Self.sumType, nullable: false), Field("count", .int64, nullable: false)]
  }

  func states(_ slots: Selection) -> [Column] {
    [
      slotColumn(Self.sumType, slots) { states.values[Int($0)].sum },
      slotColumn(.int64, slots) { states.values[Int($0)].count },
    ]
  }

  func restore(_ slots: SlotBuffer, _ columns: ArraySlice<Column>) {
    let columns = Array(columns)
    let (sums, counts) = (columns[0].values(Int128.self), columns[1].values(Int64.self))
    for row in 0..<slots.count {
      states.values[Int(slots.pointer[row])] = State(sum: sums[row], count: counts[row])
    }
    withExtendedLifetime(columns) {}
  }
}

/// A sum of which what rounding loses is carried along, as Neumaier's.
struct CarriedSum: BitwiseCopyable {
  fileprivate(set) var sum = 0.0
  fileprivate(set) var carried = 0.0

  var value: Double { sum + carried }

  mutating func add(_ value: Double) {
    let total = sum + value
    carried += abs(sum) >= abs(value) ? (sum - total) + value : (value - total) + sum
    sum = total
  }
}

/// The values of a group that are so large that a sum of them may go beyond what there is, and come back: they are
/// summed as parts of 2^64, so that as many as there can be fit.
struct LargeFloats {
  fileprivate var sum = CarriedSum()
  fileprivate var count: Int64 = 0

  /// The smallest of them: 2^63 values below it fit.
  static let least = 0x1p960
  private static let scale = 0x1p64

  var isEmpty: Bool { count == 0 }

  mutating func add(_ value: Double, _ weight: Int64) {
    sum.add((weight > 0 ? value : -value) / Self.scale)
    count += weight > 0 ? 1 : -1
  }

  /// The sum of them and of the others.
  func value(with others: Double) -> Double { (sum.value + others / Self.scale) * Self.scale }
}

/// Sums and averages of floats. What rounding loses is carried along, and infinities and NaNs are counted, so that they
/// can leave again.
final class RetractingFloats: RetractingAggregate {
  private struct State: BitwiseCopyable {
    var sum = CarriedSum()
    var count: Int64 = 0
    var infinities: Int64 = 0
    var negativeInfinities: Int64 = 0
    var nans: Int64 = 0

    /// - Parameter large: the values that `sum` does not have.
    func value(with large: LargeFloats?) -> Double {
      if nans > 0 || infinities > 0 && negativeInfinities > 0 { return .nan }
      if infinities > 0 { return .infinity }
      if negativeInfinities > 0 { return -.infinity }
      return large?.value(with: sum.value) ?? sum.value
    }
  }

  private let states = SlotColumn(initial: State())
  /// By slot, of those that have any.
  private var large: [UInt32: LargeFloats] = [:]
  private let isAverage: Bool

  init(_ argument: DataType, isAverage: Bool) { self.isAverage = isAverage }

  var byteCount: Int {
    states.byteCount + large.capacity * (MemoryLayout<UInt32>.stride + MemoryLayout<LargeFloats>.stride)
  }
  func growth(_ argument: Column?, rows: Int, slotCount: Int) -> Int { states.growth(to: slotCount) }
  func grow(to slotCount: Int) { states.grow(to: slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, weights: UnsafePointer<Int64>, count: Int, _ argument: Column?) {
    guard let argument else { preconditionFailure("a sum has an argument") }
    switch argument.type {
    case .float16: add(Float16.self, slots, weights, count, argument)
    case .float32: add(Float.self, slots, weights, count, argument)
    default: add(Double.self, slots, weights, count, argument)
    }
  }

  @inline(__always)  // Three loops, one a width.
  private func add<Value: BinaryFloatingPoint & BitwiseCopyable>(
    _: Value.Type, _ slots: UnsafePointer<UInt32>, _ weights: UnsafePointer<Int64>, _ count: Int, _ argument: Column
  ) {
    let (states, values) = (states.values, argument.values(Value.self))
    for row in 0..<count where weights[row] != 0 && argument.isValid(row) {
      let state = states + Int(slots[row])
      let (value, weight) = (Double(values[row]), weights[row])
      state.pointee.count &+= weight
      if abs(value) < LargeFloats.least {
        state.pointee.sum.add(weight > 0 ? value : -value)
      } else if value.isFinite {
        addLarge(value, weight, slots[row])
      } else if value.isNaN {
        state.pointee.nans &+= weight
      } else if value > 0 {
        state.pointee.infinities &+= weight
      } else {
        state.pointee.negativeInfinities &+= weight
      }
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> Column {
    try eightByteColumn(.float64, count: count) { row in
      let state = states.values[Int(slots[row])]
      if state.count <= 0 { return nil }
      let value = state.value(with: large.isEmpty ? nil : large[slots[row]])
      return (isAverage ? value / Double(state.count) : value).bitPattern
    }
  }

  @inline(never)  // Such values are rare.
  private func addLarge(_ value: Double, _ weight: Int64, _ slot: UInt32) {
    var sum = large[slot] ?? LargeFloats()
    sum.add(value, weight)
    large[slot] = sum.isEmpty ? nil : sum
  }

  func isClear(_ slot: UInt32) -> Bool {
    let state = states.values[Int(slot)]
    return state.count == 0 && state.nans == 0 && state.infinities == 0 && state.negativeInfinities == 0
      && large[slot] == nil
  }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) { states.reset(slots, count: count) }

  private static let floatNames = ["sum", "carried", "sum_of_large", "carried_of_large"]
  private static let countNames = ["count", "infinities", "negative_infinities", "nans", "count_of_large"]

  var stateFields: [Field] {
    Self.floatNames.map { Field($0, .float64, nullable: false) }
      + Self.countNames.map { Field($0, .int64, nullable: false) }
  }

  func states(_ slots: Selection) -> [Column] {
    func floats(_ value: (State, LargeFloats?) -> Double) -> Column {
      slotColumn(.float64, slots) { value(states.values[Int($0)], large.isEmpty ? nil : large[$0]) }
    }
    func counts(_ value: (State, LargeFloats?) -> Int64) -> Column {
      slotColumn(.int64, slots) { value(states.values[Int($0)], large.isEmpty ? nil : large[$0]) }
    }
    return [
      floats { state, _ in state.sum.sum }, floats { state, _ in state.sum.carried },
      floats { $1?.sum.sum ?? 0 }, floats { $1?.sum.carried ?? 0 },
      counts { state, _ in state.count }, counts { state, _ in state.infinities },
      counts { state, _ in state.negativeInfinities }, counts { state, _ in state.nans },
      counts { $1?.count ?? 0 },
    ]
  }

  func restore(_ slots: SlotBuffer, _ columns: ArraySlice<Column>) {
    let columns = Array(columns)
    let floats = columns.prefix(4).map { $0.values(Double.self) }
    let counts = columns.dropFirst(4).map { $0.values(Int64.self) }
    for row in 0..<slots.count {
      states.values[Int(slots.pointer[row])] = State(
        sum: CarriedSum(sum: floats[0][row], carried: floats[1][row]), count: counts[0][row],
        infinities: counts[1][row], negativeInfinities: counts[2][row], nans: counts[3][row])
      if counts[4][row] != 0 {
        large[slots.pointer[row]] = LargeFloats(
          sum: CarriedSum(sum: floats[2][row], carried: floats[3][row]), count: counts[4][row])
      }
    }
    withExtendedLifetime(columns) {}
  }
}
