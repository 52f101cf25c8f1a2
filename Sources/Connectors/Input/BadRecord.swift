/// A record that could not be decoded: where it stands, why, and what it is.
struct BadRecord {
  /// The file's path, or "stdin".
  var file: String
  /// From 1.
  var line: Int
  /// Of its first byte in the file, from 0.
  var offset: Int64
  /// "column 'amount': 'abc' is not a float64".
  var reason: String
  /// Its bytes without the line end, at most `kept` of them.
  var bytes: [UInt8]
  /// Bytes that it has in the file.
  var length: Int

  /// How much of a record a dead-letter file keeps.
  static let kept = 1 << 20
}
