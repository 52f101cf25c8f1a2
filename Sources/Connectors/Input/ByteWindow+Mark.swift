import Base

extension ByteWindow {
  /// Passes the byte order mark of UTF-8 that a file may begin with.
  ///
  /// - Parameter name: of the file.
  /// - Throws: `data` when the mark is that of UTF-16: every line would be a bad record.
  func passMark(of name: String) throws(Failure) {
    if count >= 3, first[0] == 0xEF, first[1] == 0xBB, first[2] == 0xBF { advance(3, lines: 0) }
    guard count >= 2 else { return }
    let mark = (first[0], first[1])
    guard mark == (0xFF, 0xFE) || mark == (0xFE, 0xFF) else { return }
    throw Failure(
      .data,
      "\(name): begins with the byte order mark of UTF-16, expected UTF-8; convert it, as with 'iconv -f UTF-16 -t UTF-8'"
    )
  }
}
