/// Whether bytes are well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
/// Source: The Unicode Standard, table 3-7.
func isUTF8(_ start: UnsafePointer<UInt8>, _ count: Int) -> Bool {
  var at = 0
  while at < count {
    if at + 8 <= count, UnsafeRawPointer(start + at).loadUnaligned(as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
      at += 8
      continue
    }
    let lead = start[at]
    if lead < 0x80 {
      at += 1
    } else if lead < 0xE0 {
      guard lead >= 0xC2, at + 1 < count, start[at + 1] & 0xC0 == 0x80 else { return false }
      at += 2
    } else if lead < 0xF0 {
      guard at + 2 < count, start[at + 1] & 0xC0 == 0x80, start[at + 2] & 0xC0 == 0x80 else { return false }
      if lead == 0xE0, start[at + 1] < 0xA0 { return false }
      if lead == 0xED, start[at + 1] > 0x9F { return false }
      at += 3
    } else {
      guard lead <= 0xF4, at + 3 < count, start[at + 1] & 0xC0 == 0x80, start[at + 2] & 0xC0 == 0x80,
        start[at + 3] & 0xC0 == 0x80
      else { return false }
      if lead == 0xF0, start[at + 1] < 0x90 { return false }
      if lead == 0xF4, start[at + 1] > 0x8F { return false }
      at += 4
    }
  }
  return true
}
