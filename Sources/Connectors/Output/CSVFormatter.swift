import Arrow

/// CSV after RFC 4180 with line feeds as line ends. A null is an empty field, an empty string a pair of quotes; text is quoted
/// when it has a delimiter, a quote or a line end.
final class CSVFormatter: RowFormatter {
  private let schema: Schema
  private let delimiter: UInt8
  private let hasHeader: Bool

  init(schema: Schema, delimiter: UInt8, hasHeader: Bool) {
    self.schema = schema
    self.delimiter = delimiter
    self.hasHeader = hasHeader
  }

  func writeHeader(to out: ByteWriter) {
    guard hasHeader else { return }
    for (index, field) in schema.fields.enumerated() {
      if index > 0 { out.append(byte: delimiter) }
      var name = field.name
      name.withUTF8 { text in
        guard let start = text.baseAddress else { return out.append("\"\"") }
        out.advance(to: writeCSVText(start, text.count, delimiter, to: out.room(text.count * 2 + 16)))
      }
    }
    out.append(byte: 10)
  }

  func write(_ batch: RecordBatch, _ rows: Range<Int>, to out: ByteWriter) {
    let columns = schema.fields.count
    let delimiter = delimiter
    CellReader.withReaders(batch) { readers in
      for row in rows {
        for column in 0..<columns {
          if column > 0 { out.append(byte: delimiter) }
          let reader = readers + column
          if reader.pointee.isNull(row) { continue }
          if reader.pointee.kind == .utf8 {
            let (text, count) = reader.pointee.text(row)
            out.advance(to: writeCSVText(text, count, delimiter, to: out.room(count * 2 + 16)))
          } else {
            out.advance(to: reader.pointee.write(row, quotingTimes: false, to: out.room(cellBound)))
          }
        }
        out.append(byte: 10)
      }
    }
  }
}

/// Writes a text field, quoted if it must be, and returns where it ends. May touch `count * 2 + 16` bytes.
@inline(__always)
private func writeCSVText(
  _ text: UnsafePointer<UInt8>, _ count: Int, _ delimiter: UInt8, to out: UnsafeMutablePointer<UInt8>
) -> UnsafeMutablePointer<UInt8> {
  var index = 0
  var special: UInt64 = 0
  while index &+ 8 <= count {
    let word = WordScanning.load(text + index)
    UnsafeMutableRawPointer(out + index).storeBytes(of: word.littleEndian, as: UInt64.self)
    special |=
      WordScanning.zeroBytes(word ^ WordScanning.pattern(34))
      | WordScanning.zeroBytes(word ^ WordScanning.pattern(delimiter))
      | WordScanning.zeroBytes(word ^ WordScanning.pattern(10))
      | WordScanning.zeroBytes(word ^ WordScanning.pattern(13))
    index &+= 8
  }
  while index < count {
    let byte = text[index]
    out[index] = byte
    if byte == 34 || byte == delimiter || byte == 10 || byte == 13 { special = 1 }
    index &+= 1
  }
  return special == 0 && count > 0 ? out + count : writeQuotedText(text, count, to: out)
}

@inline(never)
private func writeQuotedText(
  _ text: UnsafePointer<UInt8>, _ count: Int, to out: UnsafeMutablePointer<UInt8>
) -> UnsafeMutablePointer<UInt8> {
  out.pointee = UInt8(ascii: "\"")
  var at = out + 1
  for index in 0..<count {
    if text[index] == 34 {
      at.pointee = 34
      at += 1
    }
    at.pointee = text[index]
    at += 1
  }
  at.pointee = UInt8(ascii: "\"")
  return at + 1
}
