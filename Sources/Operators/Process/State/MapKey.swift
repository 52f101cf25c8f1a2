import Arrow
import Base
import Glibc
import Keys
import VolleyPlan

/// A key of a map, in the memory of whoever asks: a word, or bytes.
struct MapKey {
  let word: UInt64
  /// Nil for a key that is a word.
  let bytes: UnsafeRawBufferPointer?

  /// - Throws: `plugin` for a null, and for text that is none.
  @inline(__always)  // Made once a row, as a part of the reading of an entry.
  init(_ column: LentColumn, _ row: Int, _ form: StateRecord.Form, of state: Plan.State) throws(Failure) {
    if column.validity != nil, !column.isValid(row) { throw Self.null(state) }
    let index = column.offset &+ row
    switch form {
    case .fixed(8): word = column.values.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self)
    case .fixed(4): word = UInt64(column.values.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self))
    case .fixed(2): word = UInt64(column.values.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self))
    case .fixed(1): word = UInt64(column.values.load(fromByteOffset: index, as: UInt8.self))
    case .bit: word = Bitmap.get(column.values, index) ? 1 : 0
    case .fixed(let width):
      word = 0
      bytes = UnsafeRawBufferPointer(start: column.values + index &* width, count: width)
      return
    case .bytes(let isText):
      word = 0
      bytes = try column.text(row, isText: isText, of: state.mapKey?.name ?? "key")
      return
    }
    bytes = nil
  }

  @inline(never)
  private static func null(_ state: Plan.State) -> Failure {
    Failure(.plugin, "the map '\(state.name)' was asked for a key that is null, and its keys never are; leave it out")
  }

  /// A function of the key and its slot. The upper bits are spread best.
  @inline(__always)  // As above.
  func hash(_ slot: UInt32) -> UInt32 {
    let seed = bytes.map { XXH3.hash64($0) } ?? word
    var mixed = (seed ^ UInt64(slot) &* 0xD6E8_FEB8_6659_FD93) &* 0x9E37_79B9_7F4A_7C15
    mixed ^= mixed &>> 32
    mixed = mixed &* 0xD6E8_FEB8_6659_FD93
    return UInt32(truncatingIfNeeded: mixed &>> 32)
  }

  /// Whether the key of a record is this one.
  @inline(__always)  // As above.
  func isEqual(to place: UnsafeMutableRawPointer, _ form: StateRecord.Form) -> Bool {
    guard let bytes else { return place.load(as: UInt64.self) == word }
    if case .fixed(let width) = form {
      return UnsafeRawBufferPointer(start: place, count: width).elementsEqual(bytes)
    }
    let known = StateRecord.text(place)
    guard known.count == bytes.count else { return false }
    guard let first = known.baseAddress, let second = bytes.baseAddress else { return true }
    return memcmp(first, second, known.count) == 0
  }

  /// Writes it where there is none.
  func write(
    to place: UnsafeMutableRawPointer, _ form: StateRecord.Form, _ blocks: BlockArena
  ) throws(Failure) {
    guard let bytes else {
      place.storeBytes(of: word, as: UInt64.self)
      return
    }
    if case .fixed(let width) = form, let source = bytes.baseAddress {
      place.copyMemory(from: source, byteCount: width)
    } else {
      try StateRecord.putText(bytes, at: place, blocks)
    }
  }
}
