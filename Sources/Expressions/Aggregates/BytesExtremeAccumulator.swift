import Arrow
import Base
import Glibc
import VolleyPlan

/// The least or greatest of text or bytes, by their bytes.
final class BytesExtremeAccumulator: Accumulator {
  private struct State {
    /// See `BytePrefix`: most comparisons end here.
    var prefix: UInt64
    /// Where the string starts in `bytes`.
    var start: Int
    /// Bytes; -1 before the first value.
    var length: Int32
    /// Bytes reserved at `start`.
    var room: Int32
  }

  private let extreme: Extreme
  private var slots = SlotStates(initial: State(prefix: 0, start: 0, length: -1, room: 0))
  private var bytes = SlotStates<UInt8>(initial: 0)
  /// Bytes of `bytes` that no slot has reserved any more.
  private var abandoned = 0

  /// Garbage below so many bytes is not worth a compaction.
  private static let leastGarbage = 64 << 10

  let resultType: DataType
  var stateTypes: [DataType] { [resultType] }
  var slotCount: Int { slots.count }
  var byteCount: Int { slots.byteCount + bytes.byteCount }

  /// - Parameter type: utf8, binary or fixed-size binary.
  init(_ extreme: Extreme, _ type: DataType) {
    self.extreme = extreme
    resultType = type
  }

  deinit {
    slots.deallocate()
    bytes.deallocate()
  }

  func grow(to slotCount: Int) throws(Failure) { try slots.grow(to: slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) throws(Failure) {
    guard let argument = input.argument.map(FixedBytes.variable) else {
      preconditionFailure("an extreme has an argument")
    }
    let texts = TextInput(argument)
    try self.slots.forEach(slots, count: count, validity: input.complete) { (state, row) throws(Failure) in
      try take(texts[row], state)
    }
    withExtendedLifetime(argument) {}
    try collectGarbage()
  }

  @inline(__always)  // Part of the loops over the rows.
  private func take(_ text: UnsafeBufferPointer<UInt8>, _ state: UnsafeMutablePointer<State>) throws(Failure) {
    let prefix = BytePrefix.of(text)
    if replaces(text, prefix, state.pointee) { try store(text, prefix, in: state) }
  }

  private func replaces(_ text: UnsafeBufferPointer<UInt8>, _ prefix: UInt64, _ state: State) -> Bool {
    if state.length < 0 { return true }
    if prefix != state.prefix { return (prefix < state.prefix) == (extreme == .least) }
    let order = TextOrder.order(text, current(state))
    return extreme == .least ? order < 0 : order > 0
  }

  private func current(_ state: State) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: bytes.base + state.start, count: Int(max(0, state.length)))
  }

  /// In place where there is room, else at the end.
  private func store(
    _ text: UnsafeBufferPointer<UInt8>, _ prefix: UInt64, in state: UnsafeMutablePointer<State>
  ) throws(Failure) {
    if text.count > Int(state.pointee.room) {
      let start = bytes.count
      try bytes.grow(to: start + text.count)
      abandoned += Int(state.pointee.room)
      state.pointee.start = start
      state.pointee.room = Int32(text.count)
    }
    if let start = text.baseAddress { memcpy(bytes.base + state.pointee.start, start, text.count) }
    state.pointee.prefix = prefix
    state.pointee.length = Int32(text.count)
  }

  /// Moves the strings together once half of their memory is no string's any more.
  private func collectGarbage() throws(Failure) {
    guard abandoned > Self.leastGarbage, abandoned > bytes.count / 2 else { return }
    var kept = SlotStates<UInt8>(initial: 0)
    try kept.grow(to: bytes.count - abandoned)
    var end = 0
    for index in 0..<slots.count where slots.base[index].length >= 0 {
      let text = current(slots.base[index])
      if let source = text.baseAddress { memcpy(kept.base + end, source, text.count) }
      slots.base[index].start = end
      slots.base[index].room = Int32(text.count)
      end += text.count
    }
    kept.truncate(to: end)
    bytes.deallocate()
    bytes = kept
    abandoned = 0
  }

  func updateRunning(
    _ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput
  ) throws(Failure) -> Column {
    guard let argument = input.argument.map(FixedBytes.variable) else {
      preconditionFailure("an extreme has an argument")
    }
    let texts = TextInput(argument)
    let rows = input.complete
    let results = BytesWriter(count)
    for row in 0..<count {
      let state = self.slots.base + Int(slots[row])
      if rows.map({ $0.word(row, 1) == 1 }) ?? true { try take(texts[row], state) }
      try results.append(state.pointee.length < 0 ? nil : current(state.pointee), resultType)
    }
    withExtendedLifetime(argument) {}
    try collectGarbage()
    return FixedBytes.fixed(results.finish(), resultType)
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) throws(Failure) {
    try update(slots, count: count, AggregateInput(argument: states[0], count: count))
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> Column {
    let results = BytesWriter(count)
    for row in 0..<count {
      let state = self.slots.base[Int(slots[row])]
      try results.append(state.length < 0 ? nil : current(state), resultType)
    }
    return FixedBytes.fixed(results.finish(), resultType)
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
    [try results(slots, count: count)]
  }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) {
    self.slots.forEach(slots, count: count, validity: nil) { state, _ in abandoned += Int(state.pointee.room) }
    self.slots.reset(slots, count: count)
  }

  func removeAll() {
    slots.removeAll()
    bytes.removeAll()
    abandoned = 0
  }
}
