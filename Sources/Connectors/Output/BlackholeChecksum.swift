import Arrow
import Base
import Synchronization
import VolleyPlan

/// What a blackhole has read: rows, and the wrapping sum of all values as integers.
public struct BlackholeChecksum: Sendable, Hashable {
  public var rows: Int
  /// Each value adds: a bool 0 or 1, an int32 its value, an int64 or timestamp its value, a float64 its IEEE bits, a
  /// text the sum of its UTF-8 bytes, values of other types the sum of their bytes; a null adds nothing.
  public var bits: UInt64

  public init(rows: Int = 0, bits: UInt64 = 0) {
    self.rows = rows
    self.bits = bits
  }

  public static func + (left: BlackholeChecksum, right: BlackholeChecksum) -> BlackholeChecksum {
    BlackholeChecksum(rows: left.rows + right.rows, bits: left.bits &+ right.bits)
  }

  /// Reads every value of a batch without a selection.
  public mutating func add(_ batch: RecordBatch) {
    rows += batch.length
    for column in batch.columns { bits &+= Self.sum(column) }
  }

  /// Every value of a column.
  private static func sum(_ column: Column) -> UInt64 {
    guard column.length > 0 else { return 0 }
    if ColumnSlot.Kind(column.type) == .other { return sumOfOther(column) }
    if let validity = column.validity, column.nullCount > 0 {
      return sumOfValid(CellReader(column), validity.address, column.length)
    }
    switch column.type {
    case .int64, .float64, .timestamp: return sum(column.values(UInt64.self), column.length)
    case .int32: return sum(column.values(Int32.self), column.length)
    case .bool: return UInt64(Bitmap.countOnes(column.buffers[0].address, column.offset, count: column.length))
    case .utf8:
      let offsets = column.offsets32
      let first = Int(offsets[0])
      return sum(column.bytes + first, Int(offsets[column.length]) - first)
    default: return sumOfOther(column, 0..<column.length)
    }
  }

  private static func sum(_ values: UnsafePointer<UInt64>, _ count: Int) -> UInt64 {
    var sum: UInt64 = 0
    for index in 0..<count { sum &+= values[index] }
    return sum
  }

  private static func sum(_ values: UnsafePointer<Int32>, _ count: Int) -> UInt64 {
    var sum: Int64 = 0
    for index in 0..<count { sum &+= Int64(values[index]) }
    return UInt64(bitPattern: sum)
  }

  /// 32 bytes at a time, two in a sum of 16 bits.
  private static func sum(_ values: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    let bytes = UnsafeRawPointer(values)
    var sum: UInt64 = 0
    var index = 0
    while index &+ 32 <= count {
      // A step adds at most 510 to each sum.
      let end = min(count, index &+ 128 * 32)
      var sums = SIMD16<UInt16>(repeating: 0)
      while index &+ 32 <= end {
        let pairs = (bytes + index).loadUnaligned(as: SIMD16<UInt16>.self)
        sums = sums &+ (pairs & SIMD16(repeating: 0xFF)) &+ (pairs &>> SIMD16(repeating: 8))
        index &+= 32
      }
      for lane in 0..<16 { sum &+= UInt64(sums[lane]) }
    }
    while index < count {
      sum &+= UInt64(values[index])
      index &+= 1
    }
    return sum
  }

  /// As below, for all rows of a column: values of a fixed width lie side by side, and so do the fields of structs.
  private static func sumOfOther(_ column: Column) -> UInt64 {
    switch column.type.layout {
    case .fixed(let width) where column.nullCount == 0:
      let bytes = column.buffers[0].values(UInt8.self) + column.offset * width
      return sum(bytes, column.length * width)
    case .variable32 where column.nullCount == 0:
      let first = Int(column.offsets32[0])
      return sum(column.bytes + first, Int(column.offsets32[column.length]) - first)
    case .record:
      var total: UInt64 = 0
      var row = 0
      while row < column.length {
        guard column.isValid(row) else {
          row += 1
          continue
        }
        var end = row + 1
        while end < column.length && column.isValid(end) { end += 1 }
        for index in column.children.indices { total &+= sumOfOther(column.field(index).slice(row..<end)) }
        row = end
      }
      return total
    default: return sumOfOther(column, 0..<column.length)
    }
  }

  /// The bytes of all values of a column of a type without a fast path, nested ones too.
  private static func sumOfOther(_ column: Column, _ rows: Range<Int>) -> UInt64 {
    var total: UInt64 = 0
    for row in rows where column.isValid(row) {
      switch column.type.layout {
      case .none: break
      case .bits: total &+= column.bit(row) ? 1 : 0
      case .fixed, .variable32, .variable64, .view:
        let bytes = column.bytes(at: row)
        if let start = bytes.baseAddress { total &+= sum(start, bytes.count) }
      case .list32, .list64, .fixedList: total &+= sumOfOther(column.children[0], column.itemRange(row..<(row + 1)))
      case .record:
        for child in column.children {
          total &+= sumOfOther(child, (column.offset + row)..<(column.offset + row + 1))
        }
      case .dictionary:
        let index = column.dictionaryIndex(row)
        total &+= sumOfOther(column.children[0], index..<(index + 1))
      }
    }
    return total
  }

  private static func sumOfValid(_ cells: CellReader, _ validity: UnsafeRawPointer, _ count: Int) -> UInt64 {
    var total: UInt64 = 0
    for row in 0..<count where Bitmap.get(validity, cells.offset + row) {
      switch cells.kind {
      case .int64, .float64, .timestamp: total &+= cells.value(row, UInt64.self)
      case .int32: total &+= UInt64(bitPattern: Int64(cells.value(row, Int32.self)))
      case .bool: total &+= cells.bit(row) ? 1 : 0
      case .utf8:
        let (text, length) = cells.text(row)
        total &+= sum(text, length)
      case .other: preconditionFailure("another kind is summed elsewhere")
      }
    }
    return total
  }
}

/// What all instances of a blackhole have read, readable from any thread.
public final class BlackholeTotals: Sendable {
  private let rows = Atomic<Int>(0)
  private let bits = Atomic<UInt64>(0)

  public init() {}

  /// Complete once the job has ended; the two numbers are read one after the other.
  public var checksum: BlackholeChecksum {
    BlackholeChecksum(rows: rows.load(ordering: .acquiring), bits: bits.load(ordering: .acquiring))
  }

  func add(_ checksum: BlackholeChecksum) {
    rows.wrappingAdd(checksum.rows, ordering: .relaxed)
    bits.wrappingAdd(checksum.bits, ordering: .acquiringAndReleasing)
  }
}
