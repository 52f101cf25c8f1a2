import Arrow
import Base
import VolleyPlan

/// Values of entries as bytes, all columns of a row in one piece. A format on disks: a version that was released is
/// read for ever.
///
/// The first byte is the version, 1. Behind it the row as `RowLayout` has it, with that byte as its header. Numbers are
/// least significant byte first, and nothing is aligned:
///
/// - for each column, in order, its place of fixed width: a bool one byte, 0 or 1; a value of fixed width its bytes as
///   in Arrow's memory; a value of varying length (text, bytes, a list of any layout, a map) four bytes: where it ends,
///   counted from the row's start; a struct the places of its fields; a column of the type null nothing. A dictionary's
///   value is the value that it names;
/// - a bit for each column, and for each field of a struct behind the bit of the struct, set when it is null, the first
///   one the lowest bit of the first byte. Bits to the end of the last byte are 0;
/// - the values of varying length, in the order of their places: text and bytes themselves, lists and maps as
///   `NestedBytes` has them.
///
/// Behind a null the place of fixed width is 0, and a value of varying length is empty; the fields of a null struct are
/// null.
enum StoredRows {
  static let version: UInt8 = 1

  static func layout(_ schema: Schema) -> RowLayout { RowLayout(schema, header: 1) }

  /// - Parameters:
  ///   - columns: one a field of the layout.
  ///   - count: rows of each.
  /// - Throws: a `data` failure when a row takes 2 GiB or more.
  static func encode(_ columns: [Column], _ layout: RowLayout, count: Int) throws(Failure) -> EncodedRows {
    var zeroed: [Column] = []
    for column in columns { zeroed.append(try ZeroedNulls.of(column)) }
    let writer = try RowWriter(layout, zeroed, count: count)
    let offsets = Buffer(byteCount: (count + 1) * 8)
    let ends = offsets.unsafeMutableValues(Int.self)
    writer.sizes(into: ends + 1, alignment: 1)
    ends[0] = 0
    for row in 0..<count {
      guard ends[row + 1] <= Int(Int32.max) else {
        throw Failure(
          .data,
          "a value of \(ends[row + 1]) bytes cannot be kept in the state, since 2147483647 fit; keep less by a key")
      }
      ends[row + 1] += ends[row]
    }
    let bytes = Buffer(byteCount: ends[count] + ByteBlock.slack)
    let scratch = Buffer(byteCount: count * (8 + 4))
    let rows = scratch.unsafeMutableValues(UnsafeMutableRawPointer.self)
    for row in 0..<count {
      rows[row] = bytes.unsafeMutableAddress + ends[row]
      rows[row].storeBytes(of: version, as: UInt8.self)
    }
    let cursors = (scratch.unsafeMutableAddress + count * 8).assumingMemoryBound(to: UInt32.self)
    writer.write(to: rows, ends: cursors) { _ in }
    withExtendedLifetime(zeroed) {}
    return EncodedRows(count: count, offsets: offsets, bytes: bytes)
  }

  /// The columns of rows, one a field of the layout.
  ///
  /// - Parameters:
  ///   - rows: each in a version that was released.
  ///   - place: what leads a message.
  /// - Throws: a `data` failure when the bytes are no rows of this layout.
  static func decode(_ rows: ByteRows, _ layout: RowLayout, place: String) throws(Failure) -> [Column] {
    let count = rows.count
    let scratch = Buffer(byteCount: count * 8)
    let addresses = scratch.unsafeMutableValues(UnsafeMutableRawPointer.self)
    let checked = BytePlaces(layout)
    var start = 0
    for row in 0..<count {
      let end = rows.ends[row]
      addresses[row] = rows.bytes.start + start
      guard checked.fit(addresses[row], byteCount: end - start) else {
        throw Failure(
          .data,
          "\(place): a value of \(end - start) bytes is no row of the table's columns in the versions 1 to \(version) "
            + "of the format; the file is damaged, or a later version of Volley wrote it")
      }
      start = end
    }
    let reader = RowReader(
      layout: layout, rows: addresses, count: count, mayBeNull: [Bool](repeating: true, count: layout.bitCount))
    var columns: [Column] = []
    columns.reserveCapacity(layout.fields.count)
    for field in layout.fields { columns.append(try reader.column(field)) }
    withExtendedLifetime(rows) {}
    return columns
  }

  /// Where rows say how long their parts are.
  private struct BytePlaces {
    let fixedSize: Int
    var places: [Int] = []

    init(_ layout: RowLayout) {
      fixedSize = layout.fixedSize
      add(layout.fields)
    }

    private mutating func add(_ fields: [RowLayout.Field]) {
      for field in fields {
        switch field.kind {
        case .bytes: places.append(field.place)
        case .record(let fields): add(fields)
        default: break
        }
      }
    }

    /// Whether a row's parts lie one after the other and fill it.
    func fit(_ row: UnsafeRawPointer, byteCount: Int) -> Bool {
      guard byteCount >= fixedSize, row.load(as: UInt8.self) == StoredRows.version else { return false }
      var end = fixedSize
      for place in places {
        let next = Int(row.loadUnaligned(fromByteOffset: place, as: UInt32.self))
        guard next >= end && next <= byteCount else { return false }
        end = next
      }
      return end == byteCount
    }
  }
}

/// Bytes of rows, one after the other.
struct EncodedRows {
  let count: Int
  /// `count + 1` of them.
  private let offsetBuffer: Buffer
  private let byteBuffer: Buffer

  init(count: Int, offsets: Buffer, bytes: Buffer) {
    self.count = count
    offsetBuffer = offsets
    byteBuffer = bytes
  }

  /// Row i is bytes `offsets[i] ..< offsets[i + 1]`. Valid while this value is alive.
  var offsets: UnsafePointer<Int> { offsetBuffer.values(Int.self) }
  var bytes: UnsafeRawPointer { byteBuffer.address }
}
