import Arrow
import Base
import Sketches
import VolleyPlan

/// About the value below which a fraction of the values lies: a quantile sketch a slot. A NaN is above all numbers.
final class ApproximateQuantileAccumulator: Accumulator {
  private var sketches = SlotStates<QuantileSketch>(initial: QuantileSketch())
  private let arena = BlockArena()
  private let fraction: Double

  let resultType: DataType
  /// Encoded sketches of ordered keys.
  let stateTypes = [DataType.binary]
  var slotCount: Int { sketches.count }
  var byteCount: Int { sketches.byteCount + arena.byteCount }

  init(_ type: DataType, fraction: Double) {
    resultType = type
    self.fraction = fraction
  }

  deinit { sketches.deallocate() }

  func grow(to slotCount: Int) throws(Failure) { try sketches.grow(to: slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) throws(Failure) {
    guard let argument = input.argument else { preconditionFailure("a quantile is that of an argument") }
    let keyed = OrderedColumn.keys(argument)
    let keys = keyed.values(Int64.self)
    try sketches.forEach(slots, count: count, validity: input.complete) { (sketch, row) throws(Failure) in
      try sketch.pointee.insert(keys[row], in: arena)
    }
    withExtendedLifetime(keyed) {}
  }

  func updateRunning(
    _ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput
  ) throws(Failure) -> Column {
    guard let argument = input.argument else { preconditionFailure("a quantile is that of an argument") }
    let keyed = OrderedColumn.keys(argument)
    let keys = keyed.values(Int64.self)
    let buffer = Buffer(byteCount: count * 8)
    defer { withExtendedLifetime(buffer) {} }
    let results = buffer.unsafeMutableValues(Int64.self)
    let validity = Words(repeating: false, count: count)
    for row in 0..<count {
      let sketch = sketches.base + Int(slots[row])
      if input.complete.map({ $0.word(row, 1) == 1 }) ?? true { try sketch.pointee.insert(keys[row], in: arena) }
      put(sketch.pointee, row, results, validity)
    }
    withExtendedLifetime(keyed) {}
    return OrderedColumn.column(
      resultType, results, count: count, validity: validity.ones == count ? nil : validity.buffer)
  }

  private func put(_ sketch: QuantileSketch, _ row: Int, _ results: UnsafeMutablePointer<Int64>, _ validity: Words) {
    let result = sketch.quantile(fraction)
    results[row] = result ?? 0
    Bitmap.set(validity.buffer.unsafeMutableAddress, row, result != nil)
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) throws(Failure) {
    for row in 0..<count where states[0].isValid(row) {
      let sketch = sketches.base + Int(slots[row])
      try sketch.pointee.merge(encoded: UnsafeRawBufferPointer(states[0].bytes(at: row)), in: arena)
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    let buffer = Buffer(byteCount: count * 8)
    defer { withExtendedLifetime(buffer) {} }
    let results = buffer.unsafeMutableValues(Int64.self)
    let validity = Words(repeating: false, count: count)
    for row in 0..<count { put(sketches.base[Int(slots[row])], row, results, validity) }
    return OrderedColumn.column(
      resultType, results, count: count, validity: validity.ones == count ? nil : validity.buffer)
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
    let base = sketches.base
    return [
      try EncodedStates.column(count: count) {
        base[Int(slots[$0])].encodedByteCount
      } write: {
        base[Int(slots[$0])].encode(to: $1)
      }
    ]
  }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    sketches.forEach(slots, count: count, validity: nil) { sketch, _ in sketch.pointee.release(to: arena) }
  }

  func removeAll() {
    sketches.removeAll()
    arena.removeAll()
  }
}
