import VolleyPlan

/// How a type's values lie in memory. Operators and kernels switch on this, never on the logical type, so that a new
/// logical type with a known layout needs no new kernel.
public enum Layout: Sendable, Hashable {
  /// Buffers: bits.
  case bits
  /// Buffers: values of that many bytes.
  case fixed(width: Int)
  /// Buffers: `length + 1` Int32 offsets, bytes.
  case variable32
}

extension DataType {
  public var layout: Layout {
    switch self {
    case .bool: .bits
    case .int32: .fixed(width: 4)
    case .int64, .float64, .timestamp: .fixed(width: 8)
    case .utf8: .variable32
    }
  }
}
