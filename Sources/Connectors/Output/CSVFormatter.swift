import Arrow

/// CSV after RFC 4180 with line feeds as line ends, unless the style says otherwise. A null is an empty field, an empty string a
/// pair of quotes; text is quoted when it has a delimiter, a quote or a line end.
final class CSVFormatter: RowFormatter {
  private let schema: Schema
  private let style: CSVStyle
  private let escape: CSVTextEscape

  init(schema: Schema, style: CSVStyle) {
    self.schema = schema
    self.style = style
    escape = CSVTextEscape(style)
  }

  func writeHeader(to out: ByteWriter) {
    guard style.hasHeader else { return }
    for (index, field) in schema.fields.enumerated() {
      if index > 0 { out.append(byte: style.delimiter) }
      var name = field.name
      name.withUTF8 { text in
        guard let start = text.baseAddress else { return out.append("\"\"") }
        writeText(start, text.count, to: out)
      }
    }
    endRow(out)
  }

  private func endRow(_ out: ByteWriter) {
    if style.endsWithReturn { out.append(byte: 13) }
    out.append(byte: 10)
  }

  func write(_ batch: RecordBatch, _ rows: Range<Int>, to out: ByteWriter) {
    let columns = schema.fields.count
    let delimiter = style.delimiter
    let endsWithReturn = style.endsWithReturn
    let quotesAll = style.quotes == .all
    let nullText = style.nullText
    CellReader.withReaders(batch) { readers in
      for row in rows {
        for column in 0..<columns {
          if column > 0 { out.append(byte: delimiter) }
          let reader = readers + column
          if reader.pointee.isNull(row) {
            if !nullText.isEmpty { appendNull(to: out) }
            continue
          }
          if reader.pointee.kind == .utf8 {
            let (text, count) = reader.pointee.text(row)
            writeText(text, count, to: out)
          } else if quotesAll {
            out.append(byte: style.quote)
            out.advance(to: reader.pointee.write(row, quotingTimes: false, to: out.room(cellBound)))
            out.append(byte: style.quote)
          } else {
            out.advance(to: reader.pointee.write(row, quotingTimes: false, to: out.room(cellBound)))
          }
        }
        if endsWithReturn { out.append(byte: 13) }
        out.append(byte: 10)
      }
    }
  }

  @inline(never)
  private func appendNull(to out: ByteWriter) {
    style.nullText.withUnsafeBufferPointer { if let start = $0.baseAddress { out.append(start, $0.count) } }
  }

  /// A text field, as the style has it. Plain text is copied while it is looked at; inlined, being what most bytes go through.
  @inline(__always)
  private func writeText(_ text: UnsafePointer<UInt8>, _ count: Int, to out: ByteWriter) {
    let room = out.room(count * 2 + 16)
    if escape.isPlain(text, count, copyingTo: room) {
      out.advance(to: room + count)
    } else {
      out.advance(to: escape.write(text, count, to: room))
    }
  }
}
