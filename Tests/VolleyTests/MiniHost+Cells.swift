import CVolley
import VolleyPlan

extension MiniHost {
  /// The rows of a struct array, copied.
  static func cells(_ batch: UnsafeMutablePointer<ArrowArray>, _ fields: [Field]) -> [Cells] {
    fields.indices.map { cells(batch.pointee.children[$0]!.pointee, fields[$0].type) }
  }

  static func cells(_ array: ArrowArray, _ type: DataType) -> Cells {
    let count = Int(array.length)
    let offset = Int(array.offset)
    let bits = array.buffers[0]?.assumingMemoryBound(to: UInt8.self)
    func read<T>(_ value: (Int) -> T) -> [T?] {
      (0..<count).map { row in
        let index = offset + row
        if let bits, bits[index >> 3] >> UInt8(index & 7) & 1 == 0 { return nil }
        return value(index)
      }
    }
    let values = array.buffers[1]!
    switch type {
    case .bool:
      let bytes = values.assumingMemoryBound(to: UInt8.self)
      return .bool(read { bytes[$0 >> 3] >> UInt8($0 & 7) & 1 == 1 })
    case .int32: return .int32(read { values.assumingMemoryBound(to: Int32.self)[$0] })
    case .int64: return .int64(read { values.assumingMemoryBound(to: Int64.self)[$0] })
    case .float64: return .double(read { values.assumingMemoryBound(to: Double.self)[$0] })
    case .timestamp: return .timestamp(read { values.assumingMemoryBound(to: Int64.self)[$0] })
    case .utf8:
      let offsets = values.assumingMemoryBound(to: Int32.self)
      let bytes = array.buffers[2]
      return .text(
        read { index in
          let start = Int(offsets[index])
          let end = Int(offsets[index + 1])
          return String(
            decoding: UnsafeRawBufferPointer(start: bytes.map { $0 + start }, count: end - start), as: UTF8.self)
        })
    case .binary:
      let offsets = values.assumingMemoryBound(to: Int32.self)
      return .raw(
        type,
        read { index in
          let (start, end) = (Int(offsets[index]), Int(offsets[index + 1]))
          return Array(UnsafeRawBufferPointer(start: array.buffers[2].map { $0 + start }, count: end - start))
        })
    default:
      let width = width(type)
      return .raw(type, read { Array(UnsafeRawBufferPointer(start: values + $0 * width, count: width)) })
    }
  }

  /// Bytes of a value.
  static func width(_ type: DataType) -> Int {
    switch type {
    case .int8, .uint8: 1
    case .int16, .uint16, .float16: 2
    case .uint32, .float32, .date32: 4
    case .uint64, .duration: 8
    default: preconditionFailure("no \(type) is read or given here")
    }
  }
}

extension MiniHost.Cells {
  /// Of texts and raw values.
  var bytes: [[UInt8]?] {
    switch self {
    case .text(let values): values.map { $0.map { Array($0.utf8) } }
    case .raw(_, let values): values
    default: []
    }
  }

  var count: Int {
    switch self {
    case .bool(let values): values.count
    case .int32(let values): values.count
    case .int64(let values), .timestamp(let values): values.count
    case .double(let values): values.count
    case .text(let values): values.count
    case .raw(_, let values): values.count
    }
  }

  var hasNull: Bool {
    switch self {
    case .bool(let values): values.contains(nil)
    case .int32(let values): values.contains(nil)
    case .int64(let values), .timestamp(let values): values.contains(nil)
    case .double(let values): values.contains(nil)
    case .text(let values): values.contains(nil)
    case .raw(_, let values): values.contains(nil)
    }
  }
}

extension MiniHost.Cells {
  var nullCount: Int {
    switch self {
    case .bool(let values): values.count { $0 == nil }
    case .int32(let values): values.count { $0 == nil }
    case .int64(let values), .timestamp(let values): values.count { $0 == nil }
    case .double(let values): values.count { $0 == nil }
    case .text(let values): values.count { $0 == nil }
    case .raw(_, let values): values.count { $0 == nil }
    }
  }
}
