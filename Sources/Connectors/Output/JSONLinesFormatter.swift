import Arrow

/// One JSON object a line, its members in the schema's order. A null is null; NaN and the infinities, which JSON has no number
/// for, are text; timestamps are ISO 8601 text.
final class JSONLinesFormatter: RowFormatter {
  private let columns: Int
  /// What stands before each value: `{"name":` or `,"name":`.
  private let prefixes: [[UInt8]]

  init(schema: Schema) {
    columns = schema.fields.count
    prefixes = schema.fields.enumerated().map { index, field in
      let out = ByteWriter(capacity: 64)
      out.append(index == 0 ? "{" : ",")
      out.appendJSONString(field.name)
      out.append(":")
      return out.bytes
    }
  }

  func writeHeader(to out: ByteWriter) {}

  func write(_ batch: RecordBatch, _ rows: Range<Int>, to out: ByteWriter) {
    let columns = columns
    let text = prefixes.flatMap { $0 }
    let lengths = prefixes.map(\.count)
    CellReader.withReaders(batch) { readers in
      text.withUnsafeBufferPointer { text in
        lengths.withUnsafeBufferPointer { lengths in
          guard let text = text.baseAddress, let lengths = lengths.baseAddress else { return }
          for row in rows {
            var prefix = text
            for column in 0..<columns {
              out.append(prefix, lengths[column])
              prefix += lengths[column]
              writeCell(readers + column, row, to: out)
            }
            let end = out.room(2)
            end[0] = UInt8(ascii: "}")
            end[1] = 10
            out.advance(to: end + 2)
          }
        }
      }
    }
  }

  @inline(__always)
  private func writeCell(_ reader: UnsafePointer<CellReader>, _ row: Int, to out: ByteWriter) {
    if reader.pointee.isNull(row) {
      out.append("null")
    } else if reader.pointee.kind == .utf8 {
      let (text, count) = reader.pointee.text(row)
      out.advance(to: writeJSONString(text, count, to: out.room(jsonStringBound(text, count))))
    } else if reader.pointee.kind == .other {
      reader.pointee.withWriter { $0.appendJSON(row, to: out) }
    } else if reader.pointee.kind == .float64, !reader.pointee.value(row, Double.self).isFinite {
      out.append(byte: 34)
      out.advance(to: reader.pointee.write(row, quotingTimes: true, to: out.room(cellBound)))
      out.append(byte: 34)
    } else {
      out.advance(to: reader.pointee.write(row, quotingTimes: true, to: out.room(cellBound)))
    }
  }
}
