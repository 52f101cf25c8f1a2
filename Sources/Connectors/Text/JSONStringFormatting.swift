/// Bytes that `writeJSONString` may touch for a text: for short ones as if every byte were escaped, for long ones, where that
/// would be much memory, exactly.
@inline(__always)
func jsonStringBound(_ text: UnsafePointer<UInt8>, _ count: Int) -> Int {
  count < 4096 ? count * 6 + 16 : longStringBound(text, count)
}

@inline(never)
private func longStringBound(_ text: UnsafePointer<UInt8>, _ count: Int) -> Int {
  var escaped = 0
  for index in 0..<count where text[index] < 0x20 || text[index] == 34 || text[index] == 92 { escaped += 1 }
  return count + escaped * 5 + 16
}

/// Writes UTF-8 text as a JSON string with its quotes, and returns where it ends. Quotes, backslashes and control characters
/// are escaped, nothing else.
@inline(__always)
func writeJSONString(
  _ text: UnsafePointer<UInt8>, _ count: Int, to out: UnsafeMutablePointer<UInt8>
) -> UnsafeMutablePointer<UInt8> {
  out.pointee = UInt8(ascii: "\"")
  var at = out + 1
  var index = 0
  while index &+ 8 <= count {
    let word = WordScanning.load(text + index)
    let special =
      WordScanning.zeroBytes(word ^ WordScanning.pattern(34)) | WordScanning.zeroBytes(word ^ WordScanning.pattern(92))
      | WordScanning.controlBytes(word)
    UnsafeMutableRawPointer(at).storeBytes(of: word.littleEndian, as: UInt64.self)
    if special == 0 {
      at += 8
      index &+= 8
    } else {
      let plain = WordScanning.firstByte(special)
      at = writeJSONByte(text[index &+ plain], to: at + plain)
      index &+= plain &+ 1
    }
  }
  while index < count {
    at = writeJSONByte(text[index], to: at)
    index &+= 1
  }
  at.pointee = UInt8(ascii: "\"")
  return at + 1
}

@inline(__always)
private func writeJSONByte(_ byte: UInt8, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
  if byte >= 0x20, byte != 34, byte != 92 {
    out.pointee = byte
    return out + 1
  }
  return writeEscape(byte, to: out)
}

@inline(never)
private func writeEscape(_ byte: UInt8, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
  out.pointee = UInt8(ascii: "\\")
  switch byte {
  case 34, 92: out[1] = byte
  case 10: out[1] = UInt8(ascii: "n")
  case 13: out[1] = UInt8(ascii: "r")
  case 9: out[1] = UInt8(ascii: "t")
  case 8: out[1] = UInt8(ascii: "b")
  case 12: out[1] = UInt8(ascii: "f")
  default:
    let digits: StaticString = "0123456789abcdef"
    out[1] = UInt8(ascii: "u")
    out[2] = 48
    out[3] = 48
    out[4] = digits.utf8Start[Int(byte >> 4)]
    out[5] = digits.utf8Start[Int(byte & 15)]
    return out + 6
  }
  return out + 2
}
