/// What the name of a file says that is not to be seen yet: `.part-0-3.csv.volley-tmp`.
enum HiddenName: String, CaseIterable {
  /// It appears when it is complete. When nobody writes it, it was left by a process that was killed.
  case untilDone = "volley-tmp"
  /// It belongs to an epoch and appears with it: it may be what the job goes on with.
  case untilCommitted = "volley-epoch"

  /// In the same folder.
  func name(of path: String) -> String {
    let bytes = Array(path.utf8)
    let start = (bytes.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1
    let folder = String(decoding: bytes[..<start], as: UTF8.self)
    return "\(folder).\(String(decoding: bytes[start...], as: UTF8.self)).\(rawValue)"
  }

  /// The name that a hidden file is to get; nil for a name of another form.
  func shown(_ name: String) -> String? {
    let end = ".\(rawValue)"
    guard name.hasPrefix("."), name.hasSuffix(end), name.utf8.count > end.utf8.count + 1 else { return nil }
    return String(name.dropFirst().dropLast(end.count))
  }
}
