import Arrow
import Base
import Glibc
import VolleyPlan

/// The least or greatest of strings, by their bytes.
final class TextExtremeAccumulator: Accumulator {
  private struct State {
    /// The first eight bytes, the first one highest, 0 past the end: most comparisons end here.
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

  let resultType = DataType.utf8
  let stateTypes = [DataType.utf8]
  var slotCount: Int { slots.count }

  init(_ extreme: Extreme) { self.extreme = extreme }

  deinit {
    slots.deallocate()
    bytes.deallocate()
  }

  func grow(to slotCount: Int) { slots.grow(to: slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, argument: Column?) {
    guard let argument else { preconditionFailure("an extreme has an argument") }
    let input = TextInput(argument)
    self.slots.forEach(slots, count: count, validity: Bits(validityOf: argument)) { state, row in
      let text = input[row]
      let prefix = Self.prefix(text)
      if replaces(text, prefix, state.pointee) { store(text, prefix, in: state) }
    }
    if abandoned > Self.leastGarbage, abandoned > bytes.count / 2 { compact() }
  }

  private static func prefix(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
    guard let start = text.baseAddress else { return 0 }
    if text.count >= 8 { return UInt64(bigEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self)) }
    var prefix: UInt64 = 0
    for index in 0..<text.count { prefix |= UInt64(start[index]) &<< UInt64(56 &- 8 &* index) }
    return prefix
  }

  private func replaces(_ text: UnsafeBufferPointer<UInt8>, _ prefix: UInt64, _ state: State) -> Bool {
    if state.length < 0 { return true }
    if prefix != state.prefix { return (prefix < state.prefix) == (extreme == .least) }
    let order = Text.order(text, current(state))
    return extreme == .least ? order < 0 : order > 0
  }

  private func current(_ state: State) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: bytes.base + state.start, count: Int(max(0, state.length)))
  }

  /// In place where there is room, else at the end.
  private func store(_ text: UnsafeBufferPointer<UInt8>, _ prefix: UInt64, in state: UnsafeMutablePointer<State>) {
    if text.count > Int(state.pointee.room) {
      abandoned += Int(state.pointee.room)
      state.pointee.start = bytes.count
      state.pointee.room = Int32(text.count)
      bytes.grow(to: bytes.count + text.count)
    }
    if let start = text.baseAddress { memcpy(bytes.base + state.pointee.start, start, text.count) }
    state.pointee.prefix = prefix
    state.pointee.length = Int32(text.count)
  }

  /// Moves the strings together.
  private func compact() {
    var kept = SlotStates<UInt8>(initial: 0)
    for index in 0..<slots.count where slots.base[index].length >= 0 {
      let text = current(slots.base[index])
      let start = kept.count
      kept.grow(to: start + text.count)
      if let source = text.baseAddress { memcpy(kept.base + start, source, text.count) }
      slots.base[index].start = start
      slots.base[index].room = Int32(text.count)
    }
    bytes.deallocate()
    bytes = kept
    abandoned = 0
  }

  func updateRunning(_ slots: UnsafePointer<UInt32>, count: Int, argument: Column?) throws(Failure) -> Column {
    guard let argument else { preconditionFailure("an extreme has an argument") }
    let input = TextInput(argument)
    let rows = Bits(validityOf: argument)
    let offsets = Buffer(byteCount: (count + 1) * 4)
    let ends = offsets.unsafeMutableValues(Int32.self)
    ends[0] = 0
    var texts = SlotStates<UInt8>(initial: 0)
    defer { texts.deallocate() }
    let bits = self.slots.runningBits(slots, count: count, validity: rows) { state, row, isValid in
      if isValid {
        let text = input[row]
        let prefix = Self.prefix(text)
        if replaces(text, prefix, state.pointee) { store(text, prefix, in: state) }
      }
      let result = current(state.pointee)
      let end = texts.count
      // Past the most that offsets reach nothing is kept: it fails below.
      if let start = result.baseAddress, end <= Int(Int32.max) {
        texts.grow(to: end + result.count)
        memcpy(texts.base + end, start, result.count)
      }
      ends[row &+ 1] = Int32(truncatingIfNeeded: texts.count)
      return state.pointee.length >= 0
    }
    if abandoned > Self.leastGarbage, abandoned > bytes.count / 2 { compact() }
    guard texts.count <= Int(Int32.max) else {
      throw Failure(
        .data,
        "\(extreme == .least ? "min" : "max"): the strings after each of \(count) records take more than 2 GiB; lower "
          + "--batch-rows, or emit once per batch")
    }
    let target = Buffer(byteCount: texts.count)
    memcpy(target.unsafeMutableAddress, texts.base, texts.count)
    return Column(type: .utf8, length: count, validity: rows == nil ? nil : bits.buffer, buffers: [offsets, target])
  }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) {
    update(slots, count: count, argument: states[0])
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    let base = self.slots.base
    let offsets = Buffer(byteCount: (count + 1) * 4)
    let ends = offsets.unsafeMutableValues(Int32.self)
    var end = 0
    ends[0] = 0
    for index in 0..<count {
      end &+= Int(max(0, base[Int(slots[index])].length))
      ends[index &+ 1] = Int32(truncatingIfNeeded: end)
    }
    precondition(end <= Int(Int32.max), "the strings of one column take less than 2 GiB")
    let target = Buffer(byteCount: end)
    for index in 0..<count {
      let text = current(base[Int(slots[index])])
      if let start = text.baseAddress { memcpy(target.unsafeMutableAddress + Int(ends[index]), start, text.count) }
    }
    let validity = self.slots.validity(slots, count: count) { $0.pointee.length >= 0 }
    return Column(type: .utf8, length: count, validity: validity, buffers: [offsets, target])
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) -> [Column] { [results(slots, count: count)] }

  func removeAll() {
    slots.removeAll()
    bytes.removeAll()
    abandoned = 0
  }
}
