import Arrow
import VolleyPlan

/// The folders of a partition as Hive names them: `column=value/` for each partition column, in order.
///
/// Names and values are text as CSV has it, every byte but ASCII letters, digits and `-._~` percent-encoded; a null is
/// `__HIVE_DEFAULT_PARTITION__`. Source: https://arrow.apache.org/docs/python/generated/pyarrow.dataset.HivePartitioning.html,
/// whose `uri` segment encoding this is.
struct PartitionPath {
  static let null: StaticString = "__HIVE_DEFAULT_PARTITION__"
  private let columns: [Int]
  /// What the folders of each column begin with, "country=".
  let prefixes: [String]
  private let text = ByteWriter(capacity: 256)

  init(columns: [Int], schema: Schema) {
    self.columns = columns
    prefixes = columns.map { index in
      let out = ByteWriter(capacity: 64)
      Array(schema.fields[index].name.utf8).withUnsafeBufferPointer { appendEncoded($0, to: out) }
      out.append("=")
      return String(decoding: out.bytes, as: UTF8.self)
    }
  }

  /// The folders of the partition that a row belongs to, each ended by "/".
  func folders(of row: Int, in batch: RecordBatch) -> [String] {
    CellReader.withReaders(batch) { readers in
      columns.indices.map { index in
        let out = ByteWriter(capacity: 64)
        let reader = readers + columns[index]
        if reader.pointee.isNull(row) {
          out.append(Self.null)
        } else {
          text.removeAll()
          if reader.pointee.kind == .other {
            reader.pointee.withWriter { $0.appendText(row, to: text) }
          } else if reader.pointee.kind == .utf8 {
            let (bytes, count) = reader.pointee.text(row)
            text.append(bytes, count)
          } else {
            text.advance(to: reader.pointee.write(row, quotingTimes: false, to: text.room(cellBound)))
          }
          appendEncoded(UnsafeBufferPointer(start: text.start, count: text.count), to: out)
        }
        out.append("/")
        return prefixes[index] + String(decoding: out.bytes, as: UTF8.self)
      }
    }
  }
}

private func appendEncoded(_ bytes: UnsafeBufferPointer<UInt8>, to out: ByteWriter) {
  let digits: StaticString = "0123456789ABCDEF"
  for byte in bytes {
    switch byte {
    case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
      out.append(byte: byte)
    default:
      out.append("%")
      out.append(byte: digits.utf8Start[Int(byte >> 4)])
      out.append(byte: digits.utf8Start[Int(byte & 15)])
    }
  }
}
