import Arrow
import VolleyPlan

/// Rows for people: one line a row, columns aligned, numbers to the right, the column names above the first row. With several
/// console sinks each line begins with the sink's uid.
///
/// Widths only grow, up to `widest`; a wider value stands as it is. Control characters in text are escaped, so that a row
/// stays one line.
final class ConsoleFormatter: RowFormatter {
  private static let widest = 40
  private let schema: Schema
  private let name: ConsoleName
  private var widths: [Int]
  private var hasHeader = false
  /// The cells of a few rows, one after the other, and where each ends.
  private let cells = ByteWriter()
  private var ends: [Int] = []
  private let wide = ByteWriter(capacity: 256)

  init(schema: Schema, name: ConsoleName) {
    self.schema = schema
    self.name = name
    widths = schema.fields.map { displayWidth(Array($0.name.utf8)[...]) }
  }

  /// The names come with the first row, when the widths are known.
  func writeHeader(to out: ByteWriter) {}

  func write(_ batch: RecordBatch, _ rows: Range<Int>, to out: ByteWriter) {
    let prefix = name.isShared ? "\(name.uid) | " : ""
    cells.removeAll()
    ends.removeAll(keepingCapacity: true)
    CellReader.withReaders(batch) { readers in
      for row in rows {
        for column in schema.fields.indices {
          writeCell(readers + column, row)
          ends.append(cells.count)
        }
      }
    }
    let text = UnsafeBufferPointer(start: cells.start, count: cells.count)
    var start = 0
    for (index, end) in ends.enumerated() {
      let column = index % widths.count
      widths[column] = max(widths[column], min(Self.widest, displayWidth(text[start..<end])))
      start = end
    }
    if !hasHeader {
      hasHeader = true
      out.append(prefix)
      for (column, field) in schema.fields.enumerated() {
        Array(field.name.utf8).withUnsafeBufferPointer { write($0[...], column, to: out) }
      }
    }
    start = 0
    for (index, end) in ends.enumerated() {
      let column = index % widths.count
      if column == 0 { out.append(prefix) }
      write(text[start..<end], column, to: out)
      start = end
    }
  }

  /// One cell with its padding, and what separates it from the next.
  private func write(_ cell: Slice<UnsafeBufferPointer<UInt8>>, _ column: Int, to out: ByteWriter) {
    let isLast = column == widths.count - 1
    let padding = max(0, widths[column] - displayWidth(cell))
    if isNumber(column) { writeSpaces(padding, to: out) }
    if let base = cell.base.baseAddress { out.append(base + cell.startIndex, cell.count) }
    if !isNumber(column), !isLast { writeSpaces(padding, to: out) }
    if isLast { out.append(byte: 10) } else { out.append("  ") }
  }

  private func writeSpaces(_ count: Int, to out: ByteWriter) {
    for _ in 0..<count { out.append(byte: 32) }
  }

  private func isNumber(_ column: Int) -> Bool {
    switch schema.fields[column].type {
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .decimal128,
      .duration:
      true
    default: false
    }
  }

  private func writeCell(_ reader: UnsafePointer<CellReader>, _ row: Int) {
    if reader.pointee.isNull(row) { return cells.append("null") }
    if reader.pointee.kind == .other {
      return reader.pointee.withWriter { writer in
        if writer.isText || ValueBuilder.isNested(writer.column.type) {
          wide.removeAll()
          if writer.isText { writer.appendText(row, to: wide) } else { writer.appendJSON(row, to: wide) }
          appendEscaped(wide.start, wide.count)
        } else {
          writer.appendText(row, to: cells)
        }
      }
    }
    guard reader.pointee.kind == .utf8 else {
      return cells.advance(to: reader.pointee.write(row, quotingTimes: false, to: cells.room(cellBound)))
    }
    let (text, count) = reader.pointee.text(row)
    appendEscaped(text, count)
  }

  /// Text of one line.
  private func appendEscaped(_ text: UnsafePointer<UInt8>, _ count: Int) {
    for index in 0..<count {
      let byte = text[index]
      switch byte {
      case 10: cells.append("\\n")
      case 13: cells.append("\\r")
      case 9: cells.append("\\t")
      case 0..<32, 127: cells.append("\\u{\(String(byte, radix: 16))}")
      default: cells.append(byte: byte)
      }
    }
  }
}

/// Characters of UTF-8 text, counted by their code points.
private func displayWidth(_ text: some Sequence<UInt8>) -> Int {
  text.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
}
