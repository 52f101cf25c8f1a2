import Glibc

/// A hash (FNV-1a) of the last bytes of a file in front of `offset`, by which one that has grown is told from one that was written anew;
/// nil when it cannot be read.
func tailHash(of path: String, before offset: Int64) -> Int64? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  return tailHash(of: descriptor, before: offset)
}

func tailHash(of descriptor: Int32, before offset: Int64) -> Int64? {
  let count = Int(min(offset, 1024))
  return withUnsafeTemporaryAllocation(byteCount: max(1, count), alignment: 1) { bytes in
    guard pread(descriptor, bytes.baseAddress, count, Int(offset) - count) == count else { return nil }
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes[..<count] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return Int64(bitPattern: hash)
  }
}
