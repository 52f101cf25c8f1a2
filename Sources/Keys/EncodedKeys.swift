import Arrow

/// The encodings of the keys of many rows, one after the other.
public struct EncodedKeys: Sendable {
  public var count: Int
  /// `count + 1` Int64 offsets into the bytes.
  private let offsetBuffer: Buffer
  private let byteBuffer: Buffer

  /// - Parameter offsets: `count + 1` Int64 values, ascending, into the bytes.
  public init(count: Int, offsets: Buffer, bytes: Buffer) {
    self.count = count
    offsetBuffer = offsets
    byteBuffer = bytes
  }

  /// Key i is bytes `offsets[i] ..< offsets[i + 1]`. Valid while this value is alive.
  public var offsets: UnsafePointer<Int64> { offsetBuffer.values(Int64.self) }
  public var bytes: UnsafePointer<UInt8> { byteBuffer.values(UInt8.self) }

  public subscript(_ index: Int) -> UnsafeRawBufferPointer {
    precondition(index >= 0 && index < count, "a key lies within its batch")
    let offsets = offsets
    return UnsafeRawBufferPointer(
      start: bytes + Int(offsets[index]), count: Int(offsets[index + 1] - offsets[index]))
  }
}
