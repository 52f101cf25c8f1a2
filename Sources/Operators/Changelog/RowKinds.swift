import Arrow
import VolleyPlan

extension RowKind {
  /// The text, which is two bytes, as they lie in memory.
  var code: UInt16 {
    switch self {
    case .insert: Self.code("+", "I")
    case .updateBefore: Self.code("-", "U")
    case .updateAfter: Self.code("+", "U")
    case .delete: Self.code("-", "D")
    }
  }

  private static func code(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> UInt16 {
    UInt16(UInt8(ascii: first)) | UInt16(UInt8(ascii: second)) << 8
  }

  /// The column `row_kind` of rows with these codes.
  static func column(_ codes: some Collection<UInt16>) -> Column {
    let count = codes.count
    let offsets = Buffer(byteCount: (count + 1) * 4)
    let ends = offsets.unsafeMutableValues(Int32.self)
    for row in 0...count { ends[row] = Int32(truncatingIfNeeded: 2 &* row) }
    let bytes = Buffer(byteCount: count * 2)
    let target = bytes.unsafeMutableValues(UInt16.self)
    for (row, code) in codes.enumerated() { target[row] = code.littleEndian }
    return Column(type: .utf8, length: count, validity: nil, buffers: [offsets, bytes])
  }
}
