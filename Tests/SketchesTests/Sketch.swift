import Base
import Sketches
import TestSupport

/// What both sketches can do, so that one test reads for both.
protocol Sketch: BitwiseCopyable {
  init()
  var encodedByteCount: Int { get }
  var byteCount: Int { get }
  mutating func add(_ value: UInt64, _ arena: BlockArena) throws(Failure)
  mutating func merge(_ other: Self, in arena: BlockArena) throws(Failure)
  mutating func merge(encoded: UnsafeRawBufferPointer, in arena: BlockArena) throws(Failure)
  mutating func release(to arena: BlockArena)
  func encode(to target: UnsafeMutableRawPointer)
}

extension HyperLogLog: Sketch {
  mutating func add(_ value: UInt64, _ arena: BlockArena) throws(Failure) { try insert(hash: mix(value), in: arena) }
}

extension QuantileSketch: Sketch {
  mutating func add(_ value: UInt64, _ arena: BlockArena) throws(Failure) {
    try insert(Int64(bitPattern: mix(value) >> (value % 60)), in: arena)
  }
}

extension Sketch {
  var encoding: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: encodedByteCount) { bytes, count in
      count = encodedByteCount
      if let start = bytes.baseAddress { encode(to: start) }
    }
  }

  mutating func merge(_ encoding: [UInt8], _ arena: BlockArena) throws(Failure) {
    let outcome = encoding.withUnsafeBytes { bytes in
      Result { () throws(Failure) in try self.merge(encoded: bytes, in: arena) }
    }
    try outcome.get()
  }

  static func of(_ values: Range<UInt64>, _ arena: BlockArena) throws(Failure) -> Self {
    var sketch = Self()
    for value in values { try sketch.add(value, arena) }
    return sketch
  }
}

/// The finalizer of SplitMix64: what the vectors' values are made of.
func mix(_ value: UInt64) -> UInt64 {
  var z = value &+ 0x9E37_79B9_7F4A_7C15
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}
