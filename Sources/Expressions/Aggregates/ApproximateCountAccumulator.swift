import Arrow
import Base
import Keys
import Sketches
import VolleyPlan

/// About how many different values there are that are not null: a HyperLogLog a slot.
///
/// A value's hash is the XXH3 of its ordered key's 8 bytes, or of its bytes: a part of the states' format. So an int32
/// and an int64 of one value are one, and a state survives the widening of its column.
final class ApproximateCountAccumulator: Accumulator {
  private var sketches = SlotStates<HyperLogLog>(initial: HyperLogLog())
  private let arena = BlockArena()

  let resultType = DataType.int64
  /// Encoded sketches.
  let stateTypes = [DataType.binary]
  var slotCount: Int { sketches.count }
  var byteCount: Int { sketches.byteCount + arena.byteCount }

  deinit { sketches.deallocate() }

  func grow(to slotCount: Int) throws(Failure) { try sketches.grow(to: slotCount) }

  /// A hash for each row that is valid.
  private func hashes(_ column: Column, _ rows: Bits?) -> Buffer {
    let buffer = Buffer(byteCount: column.length * 8)
    let hashes = buffer.unsafeMutableValues(UInt64.self)
    if OrderedColumn.hasKeys(column.type) {
      let keyed = OrderedColumn.keys(column)
      let keys = keyed.values(UInt64.self)
      for row in 0..<column.length { hashes[row] = XXH3.hash64(keys[row]) }
      withExtendedLifetime(keyed) {}
    } else {
      for row in 0..<column.length where rows.map({ $0.word(row, 1) == 1 }) ?? true {
        hashes[row] = XXH3.hash64(UnsafeRawBufferPointer(column.bytes(at: row)))
      }
    }
    return buffer
  }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) throws(Failure) {
    guard let argument = input.argument else { preconditionFailure("distinct values are those of an argument") }
    let buffer = hashes(argument, input.complete)
    let hashes = buffer.values(UInt64.self)
    try sketches.forEach(slots, count: count, validity: input.complete) { (sketch, row) throws(Failure) in
      try sketch.pointee.insert(hash: hashes[row], in: arena)
    }
    withExtendedLifetime(buffer) {}
  }

  func updateRunning(
    _ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput
  ) throws(Failure) -> Column {
    guard let argument = input.argument else { preconditionFailure("distinct values are those of an argument") }
    let buffer = hashes(argument, input.complete)
    let hashes = buffer.values(UInt64.self)
    let target = Buffer(byteCount: count * 8)
    let counts = target.unsafeMutableValues(Int64.self)
    for row in 0..<count {
      let sketch = sketches.base + Int(slots[row])
      if input.complete.map({ $0.word(row, 1) == 1 }) ?? true {
        try sketch.pointee.insert(hash: hashes[row], in: arena)
      }
      counts[row] = sketch.pointee.roundedEstimate
    }
    withExtendedLifetime(buffer) {}
    return Column(type: .int64, length: count, validity: nil, buffers: [target])
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) throws(Failure) {
    for row in 0..<count where states[0].isValid(row) {
      let sketch = sketches.base + Int(slots[row])
      try sketch.pointee.merge(encoded: UnsafeRawBufferPointer(states[0].bytes(at: row)), in: arena)
    }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    sketches.column(.int64, slots, count: count) { $0.pointee.roundedEstimate }
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
