import Arrow
import Calendar
import Text
import VolleyPlan

/// Writes the values of a column of any type as text: for the types that the formatting loops have no fast path for, and for what is
/// nested in them. Valid while the column is alive, which it keeps so.
final class ValueWriter {
  let column: Column
  private let type: DataType
  private let children: [ValueWriter]
  /// Names of a struct's fields as JSON has them, each with the colon behind it.
  private let names: [[UInt8]]

  init(_ column: Column) {
    self.column = column
    type = column.type
    children = column.children.map { ValueWriter($0) }
    guard case .struct(let fields) = column.type else {
      names = []
      return
    }
    names = fields.map { field in
      let out = ByteWriter(capacity: 64)
      out.appendJSONString(field.name)
      out.append(":")
      return out.bytes
    }
  }

  /// Why a column of this type is not written as text; nil when it is.
  static func refusal(_ type: DataType) -> String? {
    switch type {
    case .interval: return "has no form as text; cast it to a duration or an integer"
    case .map(let key, let value, _):
      if !ValueBuilder.isMapKey(key.type) { return "has keys that no member's name can be; cast them to utf8" }
      return refusal(key.type) ?? refusal(value.type)
    default: return type.childFields.lazy.compactMap { refusal($0.type) }.first
    }
  }

  /// Whether its values are text of any content, which formats quote.
  static func isText(_ type: DataType) -> Bool {
    switch type {
    case .utf8, .largeUtf8, .utf8View: true
    case .dictionary(_, let value, _): isText(value)
    default: false
    }
  }

  /// Of a dictionary that has nulls among its values: which rows have a value, from row 0 on.
  private(set) lazy var namedValidity: Buffer? = {
    guard case .dictionary = type, children[0].column.validity != nil else { return nil }
    let bits = Buffer(byteCount: Bitmap.byteCount(max(1, column.length)))
    for row in 0..<column.length { Bitmap.set(bits.unsafeMutableAddress, row, !isNull(row)) }
    return bits
  }()

  /// Whether its values are text of any content.
  var isText: Bool { Self.isText(type) }

  /// Whether a row is null, itself or what it names.
  func isNull(_ row: Int) -> Bool {
    guard column.isValid(row) else { return true }
    guard case .dictionary = type else { return false }
    return children[0].isNull(column.dictionaryIndex(row))
  }

  /// The text of a value that is not nested and not null, without quotes.
  func appendText(_ row: Int, to out: ByteWriter) {
    switch type {
    case .int8: out.append(Int64(column.values(Int8.self)[row]))
    case .int16: out.append(Int64(column.values(Int16.self)[row]))
    case .int32: out.append(Int64(column.values(Int32.self)[row]))
    case .int64, .duration: out.append(column.values(Int64.self)[row])
    case .uint8: out.append(Int64(column.values(UInt8.self)[row]))
    case .uint16: out.append(Int64(column.values(UInt16.self)[row]))
    case .uint32: out.append(Int64(column.values(UInt32.self)[row]))
    case .uint64: out.append(String(column.values(UInt64.self)[row]))
    case .float16: out.advance(to: writeFloat(column.values(Float16.self)[row], to: out.room(cellBound)))
    case .float32: out.advance(to: writeFloat(column.values(Float.self)[row], to: out.room(cellBound)))
    case .float64: out.advance(to: writeDouble(column.values(Double.self)[row], to: out.room(cellBound)))
    case .bool: out.append(column.bit(row) ? "true" : "false")
    case .decimal128(_, let scale): out.appendDecimal(column.values(Int128.self)[row], scale: scale)
    case .date32: appendDate(Int64(column.values(Int32.self)[row]), to: out)
    case .date64:
      let value = column.values(Int64.self)[row]
      // A value that is no whole day stays what it is.
      if value % 86_400_000 == 0 { appendDate(value / 86_400_000, to: out) } else { out.append(value) }
    case .time32(let unit): appendTime(Int64(column.values(Int32.self)[row]), unit, to: out)
    case .time64(let unit): appendTime(column.values(Int64.self)[row], unit, to: out)
    case .timestamp(let unit, let zone):
      let value = column.values(Int64.self)[row]
      let room = out.room(ISO8601.width)
      if let end = ISO8601.writeCommon(value, unit: unit, isInstant: zone != nil, to: room) {
        out.advance(to: end)
      } else {
        out.append(value)
      }
    case .utf8, .largeUtf8, .utf8View:
      let bytes = column.bytes(at: row)
      if let start = bytes.baseAddress { out.append(start, bytes.count) }
    case .binary, .largeBinary, .binaryView, .fixedSizeBinary:
      let bytes = column.bytes(at: row)
      if let start = bytes.baseAddress { out.appendBase64(start, bytes.count) }
    case .dictionary: children[0].appendText(column.dictionaryIndex(row), to: out)
    case .null, .interval, .list, .largeList, .fixedSizeList, .struct, .map:
      preconditionFailure("a \(type) is refused before it is written as one text")
    }
  }

  private func appendDate(_ days: Int64, to out: ByteWriter) {
    // Years before 1 and after 9999 are no dates to many readers.
    guard days >= -719_162, days <= 2_932_896 else { return out.append(days * (type == .date64 ? 86_400_000 : 1)) }
    out.advance(to: ISO8601.writeDate(days, to: out.room(ISO8601.width)))
  }

  private func appendTime(_ value: Int64, _ unit: TimeUnit, to out: ByteWriter) {
    guard value >= 0, value < 86_400 * unit.perSecond else { return out.append(value) }
    out.advance(to: ISO8601.writeTime(value, unit: unit, to: out.room(ISO8601.width)))
  }
}

extension ValueWriter {
  /// Any value as JSON.
  func appendJSON(_ row: Int, to out: ByteWriter) {
    guard !isNull(row) else { return out.append("null") }
    switch type {
    case .list, .largeList, .fixedSizeList:
      out.append("[")
      for (index, item) in column.itemRange(row..<(row + 1)).enumerated() {
        if index > 0 { out.append(",") }
        children[0].appendJSON(item, to: out)
      }
      out.append("]")
    case .struct:
      out.append("{")
      for (index, name) in names.enumerated() {
        if index > 0 { out.append(",") }
        name.withUnsafeBufferPointer { if let start = $0.baseAddress { out.append(start, $0.count) } }
        children[index].appendJSON(column.offset + row, to: out)
      }
      out.append("}")
    case .map:
      let entries = children[0]
      out.append("{")
      for (index, item) in column.itemRange(row..<(row + 1)).enumerated() {
        if index > 0 { out.append(",") }
        let entry = entries.column.offset + item
        entries.children[0].appendQuoted(entry, to: out)
        out.append(":")
        entries.children[1].appendJSON(entry, to: out)
      }
      out.append("}")
    case .dictionary: children[0].appendJSON(column.dictionaryIndex(row), to: out)
    case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .decimal128, .duration:
      appendText(row, to: out)
    case .float16: appendNumber(row, column.values(Float16.self)[row].isFinite, to: out)
    case .float32: appendNumber(row, column.values(Float.self)[row].isFinite, to: out)
    case .float64: appendNumber(row, column.values(Double.self)[row].isFinite, to: out)
    default: appendQuoted(row, to: out)
    }
  }

  private func appendNumber(_ row: Int, _ isFinite: Bool, to out: ByteWriter) {
    if isFinite { appendText(row, to: out) } else { appendQuoted(row, to: out) }
  }

  /// A value that is not nested, as a JSON string.
  private func appendQuoted(_ row: Int, to out: ByteWriter) {
    if isText, case .dictionary = type {
      children[0].appendQuoted(column.dictionaryIndex(row), to: out)
    } else if isText {
      let bytes = column.bytes(at: row)
      out.appendJSONString(bytes.baseAddress, bytes.count)
    } else {
      out.append("\"")
      appendText(row, to: out)
      out.append("\"")
    }
  }
}
