/// Names what a file is that is no ELF file, from its first bytes.
enum Stranger {
  /// "a text file", "an empty file", …; nil for an ELF file.
  static func of(_ bytes: UnsafeRawBufferPointer) -> String? {
    func starts(with magic: [UInt8]) -> Bool {
      bytes.count >= magic.count && bytes.prefix(magic.count).elementsEqual(magic)
    }
    if bytes.isEmpty { return "an empty file" }
    if starts(with: [0x7f, 0x45, 0x4c, 0x46]) { return bytes.count < 64 ? "an ELF file that ends in its header" : nil }
    if starts(with: Array("#!".utf8)) { return "a script" }
    if starts(with: Array("!<arch>\n".utf8)) { return "a static library" }
    if starts(with: [0xcf, 0xfa, 0xed, 0xfe]) || starts(with: [0xca, 0xfe, 0xba, 0xbe]) { return "a macOS library" }
    if starts(with: Array("MZ".utf8)) { return "a Windows library" }
    if starts(with: [0x00, 0x61, 0x73, 0x6d]) { return "a WebAssembly module" }
    return isText(bytes.prefix(4096)) ? "a text file" : "a binary file of an unknown kind"
  }

  private static func isText(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
    // Printable bytes, or the bytes of UTF-8 sequences; the last one may be cut off.
    bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 || $0 == 0x0a || $0 == 0x0d }
      && String(validating: bytes.dropLast(cutOff(bytes)), as: UTF8.self) != nil
  }

  /// Bytes at the end that begin a UTF-8 sequence without ending it.
  private static func cutOff(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int {
    for count in 1...3 where bytes.count >= count {
      let byte = bytes[bytes.endIndex - count]
      if byte >= 0xc0 { return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > count ? count : 0 }
      if byte < 0x80 { return 0 }
    }
    return 0
  }
}
