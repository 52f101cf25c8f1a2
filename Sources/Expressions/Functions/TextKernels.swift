import Arrow
import Base
import Glibc
import Text
import VolleyPlan

/// Loops over rows that make columns of texts, numbers and truths; what a row gives is the caller's.
enum TextKernels {
  /// As many bytes as the texts of a column have at most.
  static let largest = Int(Int32.max)

  /// Pooled memory that a `TextWriter` makes larger.
  private final class Memory {
    var buffer: Buffer

    init() { buffer = Buffer(byteCount: 0) }

    func grow(_ count: Int, _ capacity: Int) -> UnsafeMutableBufferPointer<UInt8> {
      let larger = Buffer(byteCount: capacity)
      memcpy(larger.unsafeMutableAddress, buffer.unsafeMutableAddress, count)
      buffer = larger
      return UnsafeMutableBufferPointer(start: larger.unsafeMutableValues(UInt8.self), count: larger.capacity)
    }
  }

  /// A column of the texts that `write` writes; it is called for the valid rows only, and makes a row null by returning
  /// false. Texts that do not fit are a failure as soon as the writer is full.
  ///
  /// - Parameters:
  ///   - name: the function, for the failure when the texts of a batch do not fit a column.
  ///   - validity: of the rows that have a text, unless `write` takes it away.
  ///   - capacity: how many bytes the texts will take about.
  @inline(__always)  // One loop a function, with `write` called directly.
  static func texts(
    _ name: String, count: Int, validity: Buffer?, capacity: Int,
    _ write: (Int, inout TextWriter) throws(Failure) -> Bool
  ) throws(Failure) -> Column {
    let offsets = Buffer(byteCount: (count + 1) * 4)
    let ends = offsets.unsafeMutableValues(Int32.self)
    let memory = Memory()
    var writer = TextWriter(capacity: capacity, limit: largest) { memory.grow($0, $1) }
    let valid = validity.map { Bits($0.address) }
    var taken: Words?
    ends[0] = 0
    for row in 0..<count {
      if valid.map({ Bitmap.get($0.address, row) }) ?? true {
        let before = writer.count
        if !(try write(row, &writer)) {
          writer.truncate(to: before)
          let nulls = taken ?? Words(repeating: false, count: count)
          taken = nulls
          Bitmap.set(nulls.buffer.unsafeMutableAddress, row, true)
        }
        if writer.isFull { throw tooLong(name) }
      }
      ends[row &+ 1] = Int32(truncatingIfNeeded: writer.count)
    }
    memory.buffer.setByteCount(writer.count)
    return Column(
      type: .utf8, length: count, validity: remaining(of: valid, without: taken, validity, count),
      buffers: [offsets, memory.buffer])
  }

  private static func remaining(of valid: Bits?, without taken: Words?, _ validity: Buffer?, _ count: Int) -> Buffer? {
    guard let taken else { return validity }
    let removed = Bits(taken.buffer.address)
    return Words(count: count) { row, rows in
      (valid?.word(row, rows) ?? .max) & ~removed.word(row, rows)
    }.buffer
  }

  static func tooLong(_ name: String) -> Failure {
    Failure(
      .data, "\(name): the texts of one batch take more than 2147483647 bytes; use smaller batches (--batch-rows)")
  }

  /// A column of parts of a column's texts: `range` names the bytes of each valid row's.
  @inline(__always)  // As above.
  static func parts(
    of column: Column, count: Int, validity: Buffer?, _ range: (Int, TextBytes) -> Range<Int>
  ) -> Column {
    let (starts, source) = (column.offsets32, column.bytes)
    let sourceEnd = count > 0 ? Int(starts[count]) : 0
    let offsets = Buffer(byteCount: (count + 1) * 4)
    // What is copied in whole blocks may reach behind the last text.
    let bytes = Buffer(byteCount: sourceEnd - (count > 0 ? Int(starts[0]) : 0) + 16)
    let (ends, target) = (offsets.unsafeMutableValues(Int32.self), bytes.unsafeMutableValues(UInt8.self))
    let valid = validity.map { Bits($0.address) }
    var end = 0
    ends[0] = 0
    for row in 0..<count {
      if valid.map({ Bitmap.get($0.address, row) }) ?? true {
        let start = Int(starts[row])
        let part = range(row, TextBytes(start: source + start, count: Int(starts[row &+ 1]) &- start))
        let from = start &+ part.lowerBound
        if part.count <= 16, from &+ 16 <= sourceEnd {
          // One load and store instead of a call: most parts are short.
          let block = UnsafeRawPointer(source + from).loadUnaligned(as: SIMD16<UInt8>.self)
          UnsafeMutableRawPointer(target + end).storeBytes(of: block, as: SIMD16<UInt8>.self)
        } else {
          memcpy(target + end, source + from, part.count)
        }
        end &+= part.count
      }
      ends[row &+ 1] = Int32(truncatingIfNeeded: end)
    }
    bytes.setByteCount(end)
    return Column(type: .utf8, length: count, validity: validity, buffers: [offsets, bytes])
  }

  /// An int64 column of what `value` gives for the valid rows.
  @inline(__always)  // As above.
  static func numbers(count: Int, validity: Buffer?, _ value: (Int) -> Int) -> Column {
    let buffer = Buffer(byteCount: count * 8)
    let values = buffer.unsafeMutableValues(Int64.self)
    let valid = validity.map { Bits($0.address) }
    for row in 0..<count {
      values[row] = valid.map({ Bitmap.get($0.address, row) }) ?? true ? Int64(value(row)) : 0
    }
    return Column(type: .int64, length: count, validity: validity, buffers: [buffer])
  }

  /// A bool column of what `holds` says of each row, null ones too.
  @inline(__always)  // As above.
  static func truths(count: Int, validity: Buffer?, _ holds: (Int) -> Bool) -> Column {
    Words(count: count) { start, rows in
      var word: UInt64 = 0
      for bit in 0..<rows { word |= (holds(start &+ bit) ? 1 : 0) &<< UInt64(truncatingIfNeeded: bit) }
      return word
    }.column(validity: validity)
  }
}

extension Column {
  /// All bytes from a utf8 column's first row to its last, those of null rows too.
  var windowOfBytes: TextBytes {
    guard length > 0 else { return TextBytes(start: nil, count: 0) }
    let (start, end) = (Int(offsets32[0]), Int(offsets32[length]))
    return TextBytes(start: bytes + start, count: end - start)
  }
}
