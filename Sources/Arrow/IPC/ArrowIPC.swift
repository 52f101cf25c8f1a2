import Base

/// Arrow's formats for data between processes: streams and files.
public enum ArrowIPC {
  /// Reads all batches of a file or a stream, told apart by the first bytes, and gives each to `body`.
  public static func read(
    _ bytes: SharedBytes, options: IPCReadOptions = IPCReadOptions(),
    _ body: (RecordBatch) throws(Failure) -> Void
  ) throws(Failure) {
    if IPCFileReader.isFile(UnsafeRawBufferPointer(start: bytes.address, count: bytes.count)) {
      var reader = try IPCFileReader(bytes, options: options)
      for index in 0..<reader.batchCount { try body(try reader.batch(index)) }
    } else {
      var reader = try IPCMemoryStreamReader(bytes, options: options)
      while let batch = try reader.next() { try body(batch) }
    }
  }

  /// Reads everything, and then every row of it once more as an operator would: what a fuzzer calls with hostile bytes.
  ///
  /// - Returns: a number that depends on the values.
  public static func readEverything(
    _ bytes: UnsafeRawBufferPointer, options: IPCReadOptions = IPCReadOptions()
  ) throws(Failure) -> UInt64 {
    try readEverything(SharedBytes(copying: bytes), options: options)
  }

  /// The same of bytes where they lie.
  public static func readEverything(
    _ bytes: SharedBytes, options: IPCReadOptions = IPCReadOptions()
  ) throws(Failure) -> UInt64 {
    var sum: UInt64 = 0
    try read(bytes, options: options) { batch throws(Failure) in sum = sum &* 31 &+ digest(of: batch) }
    return sum
  }

  /// A number that depends on the values of a batch, all of which are read.
  public static func digest(of batch: RecordBatch) -> UInt64 {
    batch.columns.reduce(0) { $0 &* 31 &+ $1.digest }
  }
}

extension Column {
  /// A number that depends on the memory that the rows speak of, all of which is read.
  fileprivate var digest: UInt64 {
    var digest = UInt64(length) &* 31 &+ (type.layout == .none ? 0 : UInt64(nullCount))
    func add(_ bytes: UnsafeRawPointer, _ count: Int) {
      for index in 0..<count {
        digest = (digest ^ UInt64((bytes + index).load(as: UInt8.self))) &* 0x0000_0100_0000_01B3
      }
    }
    switch type.layout {
    case .none: break
    case .bits: digest &+= UInt64(length > 0 ? Bitmap.countOnes(buffers[0].address, offset, count: length) : 0)
    case .fixed(let width): add(buffers[0].address + offset * width, length * width)
    case .variable32 where length > 0: add(bytes + Int(offsets32[0]), Int(offsets32[length] - offsets32[0]))
    case .variable64 where length > 0: add(bytes + Int(offsets64[0]), Int(offsets64[length] - offsets64[0]))
    case .view:
      // Null rows too: their views must be sound.
      for row in 0..<length {
        // Any number of views may show the same bytes: their ends are enough.
        let value = self.bytes(at: row)
        if let first = value.first, let last = value.last { digest = digest &* 31 &+ UInt64(first) &+ UInt64(last) }
      }
    case .variable32, .variable64: break
    case .list32, .list64, .fixedList: digest = digest &* 31 &+ items.digest
    case .record: for index in children.indices { digest = digest &* 31 &+ field(index).digest }
    case .dictionary:
      // Each value counts as often as it is named, read where it lies.
      let values = children[0].length
      for row in 0..<length where values > 0 {
        digest = digest &* 31 &+ UInt64(truncatingIfNeeded: dictionaryIndex(row))
      }
      digest = digest &* 31 &+ children[0].digest
    }
    return digest
  }
}
