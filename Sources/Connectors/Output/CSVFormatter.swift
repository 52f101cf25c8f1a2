import Arrow

/// CSV after RFC 4180 with line feeds as line ends, unless the style says otherwise. A null is an empty field, an empty string a
/// pair of quotes; text is quoted when it has a delimiter, a quote or a line end.
final class CSVFormatter: RowFormatter {
  private let schema: Schema
  private let style: CSVStyle
  private let escape: CSVTextEscape
  private let scratch = ByteWriter(capacity: 256)
  /// Whether numbers and times may hold a byte that means something.
  private let valuesAreText: Bool

  init(schema: Schema, style: CSVStyle) {
    self.schema = schema
    self.style = style
    escape = CSVTextEscape(style)
    valuesAreText =
      [style.delimiter, style.quote, style.escape ?? style.delimiter].contains(where: Self.isInValues)
      || style.nullText.contains(where: Self.isInValues)
  }

  /// Whether a value that is no text may hold the byte.
  private static func isInValues(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122: true
    default: Array("+-.:/=".utf8).contains(byte)
    }
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
    let valuesAreText = valuesAreText
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
          } else if reader.pointee.kind == .other || valuesAreText {
            writeOther(reader, row, to: out)
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

  /// A value of a type without a fast path, or one that may hold what would end it.
  @inline(never)
  private func writeOther(_ reader: UnsafePointer<CellReader>, _ row: Int, to out: ByteWriter) {
    scratch.removeAll()
    var isText = false
    if reader.pointee.kind == .other {
      reader.pointee.withWriter { writer in
        writer.appendText(row, to: scratch)
        isText = writer.isText
      }
    } else {
      scratch.advance(to: reader.pointee.write(row, quotingTimes: false, to: scratch.room(cellBound)))
    }
    // An empty value of bytes is told from a null as an empty text is.
    if isText || scratch.count == 0 || style.quotes == .all || !escape.canStand(scratch.start, scratch.count) {
      writeText(scratch.start, scratch.count, to: out)
    } else {
      out.append(scratch.start, scratch.count)
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
