import Arrow
import Base
import VolleyPlan

/// The sum of integers as int64, of unsigned ones as uint64, of durations as durations, checked when it is read: what
/// the parts of a sum add up to on the way does not matter.
///
/// Sums are kept in 64 bits as long as they all fit. A batch is added without branches; when one of its additions has
/// overflowed, the batch is taken back, all sums get 128 bits, and it is added again.
final class IntegerSumAccumulator: Accumulator {
  private var narrow = SlotStates<Int64>(initial: 0)
  private var wide = SlotStates<WideSum>(initial: .zero)
  private var isWide: Bool
  /// uint64 values do not fit the narrow sums.
  private let startsWide: Bool
  private var marks = SlotMarks()

  let resultType: DataType
  /// The sum's low 64 bits, null where there was no value, and its high ones.
  let stateTypes = [DataType.int64, .int64]
  var slotCount: Int { marks.count }
  var byteCount: Int { narrow.byteCount + wide.byteCount + marks.byteCount }

  init(_ argument: DataType, result: DataType) {
    resultType = result
    startsWide = argument == .uint64
    isWide = startsWide
  }

  deinit {
    narrow.deallocate()
    wide.deallocate()
    marks.deallocate()
  }

  func grow(to slotCount: Int) throws(Failure) {
    if isWide { try wide.grow(to: slotCount) } else { try narrow.grow(to: slotCount) }
    try marks.grow(to: slotCount)
  }

  var canReserve: Bool { true }

  func reserve(_ slotCount: Int) throws(Failure) {
    if isWide { try wide.reserve(slotCount) } else { try narrow.reserve(slotCount) }
    try marks.reserve(slotCount)
  }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) throws(Failure) {
    guard let argument = input.argument else { preconditionFailure("a sum has an argument") }
    let rows = input.complete
    switch argument.type {
    case .int8: try add(slots, count, argument.values(Int8.self), rows)
    case .int16: try add(slots, count, argument.values(Int16.self), rows)
    case .int32: try add(slots, count, argument.values(Int32.self), rows)
    case .uint8: try add(slots, count, argument.values(UInt8.self), rows)
    case .uint16: try add(slots, count, argument.values(UInt16.self), rows)
    case .uint32: try add(slots, count, argument.values(UInt32.self), rows)
    case .uint64: addWide(slots, count, argument.values(UInt64.self), rows)
    default: try add(slots, count, argument.values(Int64.self), rows)
    }
    marks.mark(slots, count: count, validity: rows)
  }

  @inline(__always)  // Seven loops, one a width.
  private func add<Value: FixedWidthInteger & BitwiseCopyable>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ values: UnsafePointer<Value>, _ rows: Bits?
  ) throws(Failure) {
    if isWide { return addWide(slots, count, values, rows) }
    var failed: Int64 = 0
    narrow.forEach(slots, count: count, validity: rows) { state, row in
      state.pointee = CheckedAdd.apply(state.pointee, Int64(truncatingIfNeeded: values[row]), &failed)
    }
    if failed < 0 {
      takeBack(slots, count, values, rows)
      try widen()
      addWide(slots, count, values, rows)
    }
  }

  @inline(never)  // Once in a sum's life.
  private func takeBack<Value: FixedWidthInteger & BitwiseCopyable>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ values: UnsafePointer<Value>, _ rows: Bits?
  ) {
    narrow.forEach(slots, count: count, validity: rows) { state, row in
      state.pointee &-= Int64(truncatingIfNeeded: values[row])
    }
  }

  private func widen() throws(Failure) {
    try wide.grow(to: narrow.count)
    for slot in 0..<narrow.count { wide.base[slot] = WideSum(narrow.base[slot]) }
    narrow.removeAll()
    isWide = true
  }

  @inline(never)  // Eight loops, one a width.
  private func addWide<Value: FixedWidthInteger & BitwiseCopyable>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ values: UnsafePointer<Value>, _ rows: Bits?
  ) {
    wide.forEach(slots, count: count, validity: rows) { state, row in state.pointee.add(WideSum(values[row])) }
  }

  func updateRunning(
    _ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput
  ) throws(Failure) -> Column {
    guard let argument = input.argument else { preconditionFailure("a sum has an argument") }
    let rows = input.complete
    return switch argument.type {
    case .int8: try addRunning(slots, count, argument.values(Int8.self), rows)
    case .int16: try addRunning(slots, count, argument.values(Int16.self), rows)
    case .int32: try addRunning(slots, count, argument.values(Int32.self), rows)
    case .uint8: try addRunning(slots, count, argument.values(UInt8.self), rows)
    case .uint16: try addRunning(slots, count, argument.values(UInt16.self), rows)
    case .uint32: try addRunning(slots, count, argument.values(UInt32.self), rows)
    case .uint64:
      try addWideRunning(
        slots, count, argument.values(UInt64.self), rows, marks.markRunning(slots, count: count, validity: rows))
    default: try addRunning(slots, count, argument.values(Int64.self), rows)
    }
  }

  @inline(__always)  // Seven loops, one a width.
  private func addRunning<Value: FixedWidthInteger & BitwiseCopyable>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ values: UnsafePointer<Value>, _ rows: Bits?
  ) throws(Failure) -> Column {
    let validity = marks.markRunning(slots, count: count, validity: rows)
    if isWide { return try addWideRunning(slots, count, values, rows, validity) }
    var failed: Int64 = 0
    let results = narrow.runningColumn(resultType, slots, count: count, rows: rows, validity: validity) { state, row in
      state.pointee = CheckedAdd.apply(state.pointee, Int64(truncatingIfNeeded: values[row]), &failed)
    } _: {
      $0.pointee
    }
    if failed < 0 {
      // Every row's sum is a result: the first that does not fit is told of.
      takeBack(slots, count, values, rows)
      try widen()
      return try addWideRunning(slots, count, values, rows, validity)
    }
    return results
  }

  /// - Parameter validity: of the results.
  @inline(never)  // Eight loops, one a width.
  private func addWideRunning<Value: FixedWidthInteger & BitwiseCopyable>(
    _ slots: UnsafePointer<UInt32>, _ count: Int, _ values: UnsafePointer<Value>, _ rows: Bits?, _ validity: Buffer?
  ) throws(Failure) -> Column {
    let unsigned = resultType == .uint64
    var overflow: (sum: WideSum, value: Value)?
    let results = wide.runningColumn(resultType, slots, count: count, rows: rows, validity: validity) { state, row in
      let old = state.pointee
      state.pointee.add(WideSum(values[row]))
      let fits = unsigned ? state.pointee.fitsUInt64 : state.pointee.fitsInt64
      if !fits, overflow == nil { overflow = (old, values[row]) }
    } _: {
      $0.pointee.low
    }
    if let overflow { throw Self.failure("\(overflow.sum.value) + \(overflow.value)", resultType) }
    return results
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) throws(Failure) {
    let validity = Bits(validityOf: states[0])
    let (lows, highs) = (states[0].values(Int64.self), states[1].values(Int64.self))
    if !isWide {
      var isShort = true
      for row in 0..<count { isShort = isShort == (highs[row] == lows[row] >> 63 || !isShort) }
      // What lies beside a null is undefined and may look wide; wide sums hold any.
      if isShort {
        try add(slots, count, lows, validity)
        marks.mark(slots, count: count, validity: validity)
        return
      }
      try widen()
    }
    wide.forEach(slots, count: count, validity: validity) { state, row in
      state.pointee.add(WideSum(low: UInt64(bitPattern: lows[row]), high: highs[row]))
    }
    marks.mark(slots, count: count, validity: validity)
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> Column {
    let validity = marks.validity(slots, count: count)
    let unsigned = resultType == .uint64
    guard isWide else {
      // Sums of unsigned values that fit int64 have the same bits as uint64.
      return narrow.column(resultType, slots, count: count, validity: validity) { $0.pointee }
    }
    for row in 0..<count {
      let sum = wide.base[Int(slots[row])]
      guard unsigned ? sum.fitsUInt64 : sum.fitsInt64 else { throw Self.failure("\(sum.value)", resultType) }
    }
    return wide.column(resultType, slots, count: count, validity: validity) { $0.pointee.low }
  }

  private static func failure(_ sum: String, _ type: DataType) -> Failure {
    Failure(
      .data, "sum: \(sum) does not fit \(type); cast the argument to float64 or a decimal, or sum smaller values")
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] {
    let validity = marks.validity(slots, count: count)
    if isWide {
      return [
        wide.column(.int64, slots, count: count, validity: validity) { $0.pointee.low },
        wide.column(.int64, slots, count: count) { $0.pointee.high },
      ]
    }
    return [
      narrow.column(.int64, slots, count: count, validity: validity) { $0.pointee },
      narrow.column(.int64, slots, count: count) { $0.pointee >> 63 },
    ]
  }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    if isWide { wide.reset(slots, count: count) } else { narrow.reset(slots, count: count) }
    marks.reset(slots, count: count)
  }

  func removeAll() {
    narrow.removeAll()
    wide.removeAll()
    marks.removeAll()
    isWide = startsWide
  }
}
