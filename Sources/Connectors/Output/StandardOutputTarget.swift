import Base

/// Rows to stdout: whole ones at a time, so that what several sinks write there stays apart.
struct StandardOutputTarget: OutputTarget {
  var descriptor = StandardOutput.descriptor

  func open(_ formatter: any RowFormatter, _ compressors: CompressorPool?) throws(Failure) -> OutputPart {
    StandardOutput.ignoreBrokenPipes()
    return try OutputPart(
      StandardOutputStream(descriptor), formatter: formatter, bufferBytes: FileSink.chunkBytes * 2,
      compressors: compressors)
  }

  func finish() {}
}

private final class StandardOutputStream: ByteOutput {
  let isSeen = true
  private let descriptor: Int32

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  func write(_ bytes: UnsafePointer<UInt8>, _ count: Int) throws(Failure) {
    try StandardOutput.write(bytes, count, descriptor: descriptor)
  }

  func commit() {}
  func sync() {}
  func leave() {}
  func discard() {}
}
