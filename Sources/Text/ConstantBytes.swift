/// Bytes that are made once and then only read, at an address that stays: a needle, a pattern's literal. Reading an array
/// in a loop would cost a retain each time.
final class ConstantBytes: @unchecked Sendable {  // Nobody writes to it after `init`.
  let bytes: TextBytes

  init(_ source: some Collection<UInt8>) {
    let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: source.count)
    _ = memory.initialize(fromContentsOf: source)
    bytes = TextBytes(memory)
  }

  deinit { bytes.deallocate() }
}
