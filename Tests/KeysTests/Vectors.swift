import Arrow
import TestSupport
import VolleyPlan

/// The committed vectors, which another implementation wrote (`Vectors/generate.py`).
enum Vectors {
  struct Key {
    var cells: [Literal]
    var encoding: [UInt8]
    var hash: UInt64
  }

  static func keys() -> [Key] {
    lines("keys.txt").map { parts in
      Key(
        cells: parts[0].split(separator: ",").map(cell), encoding: bytes(parts[1]), hash: UInt64(parts[2], radix: 16)!)
    }
  }

  /// How many bytes of the pattern `index % 251`, and their hash.
  static func xxh3() -> [(count: Int, hash: UInt64)] {
    lines("xxh3.txt").map { (Int($0[0])!, UInt64($0[1], radix: 16)!) }
  }

  private static func lines(_ file: String, test: String = #filePath) -> [[Substring]] {
    let folder = test.split(separator: "/").dropLast().joined(separator: "/")
    guard let content = TestProcess.contents(of: "/\(folder)/Vectors/\(file)") else {
      fatalError("no vectors at /\(folder)/Vectors/\(file)")
    }
    return String(decoding: content, as: UTF8.self).split(separator: "\n").map {
      $0.split(separator: " ", omittingEmptySubsequences: false)
    }
  }

  private static func cell(_ text: Substring) -> Literal {
    let parts = text.split(separator: "=", omittingEmptySubsequences: false)
    let types: [Substring: DataType] = [
      "bool": .bool, "int32": .int32, "int64": .int64, "float64": .float64, "utf8": .utf8, "timestamp": .timestamp,
      "int8": .int8, "int16": .int16, "uint8": .uint8, "uint16": .uint16, "uint32": .uint32, "uint64": .uint64,
      "date32": .date32, "duration": .duration(.nanosecond), "decimal128": .decimal128(precision: 38, scale: 5),
      "float16": .float16, "float32": .float32, "binary": .binary, "fixed4": .fixedSizeBinary(4),
    ]
    let type = types[parts[0]]!
    if parts[1] == "null" { return .null(type) }
    switch type {
    case .bool: return .bool(parts[1] == "1")
    case .int32: return .int32(Int32(parts[1])!)
    case .int64: return .int64(Int64(parts[1])!)
    case .float64: return .float64(Double(bitPattern: UInt64(parts[1], radix: 16)!))
    case .timestamp(let unit, let zone): return .timestamp(Int64(parts[1])!, unit, timezone: zone)
    // Keys are bytes, also those that are no UTF-8: one scalar a byte, which `column` turns back.
    case .utf8: return .utf8(String(String.UnicodeScalarView(bytes(parts[1]).map { Unicode.Scalar($0) })))
    case .float16: return .float(Double(Float16(bitPattern: UInt16(parts[1], radix: 16)!)), type)
    case .float32: return .float(Double(Float(bitPattern: UInt32(parts[1], radix: 16)!)), type)
    case .binary, .fixedSizeBinary: return .binary(bytes(parts[1]), type)
    default: return .integer(Int128(parts[1])!, type)
    }
  }

  private static func bytes(_ hex: Substring) -> [UInt8] {
    let digits = Array(hex.utf8).map { UInt8(String(Unicode.Scalar($0)), radix: 16)! }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  /// A column of the cells.
  static func column(_ cells: [Literal]) -> Column {
    let builder = ColumnBuilder(cells[0].type)
    for cell in cells {
      if case .utf8(let string) = cell, case .utf8(let builder) = builder {
        string.unicodeScalars.map { UInt8($0.value) }.withUnsafeBufferPointer { builder.append($0) }
      } else {
        builder.append(cell)
      }
    }
    return builder.finish()
  }
}
