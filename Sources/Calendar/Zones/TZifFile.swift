import Base

/// The table of a time zone file. Format: RFC 8536, versions 1 to 3 (and 4, whose additions concern leap seconds only).
///
/// Every count is checked against the file's length before anything is read, and the rest against the bounds of the RFC.
struct TZifFile {
  /// When local time changed, in seconds of UTC, ascending, and to which of `types`.
  var transitions: [Int64] = []
  var typeOfTransition: [UInt8] = []
  /// The first holds before the first transition.
  var types: [LocalTimeType] = []
  /// For the time behind the last transition.
  var rule: PosixRule?

  /// Most bytes of a file that is read; the largest of the IANA database has less than 4 KiB.
  static let maximumSize = 1 << 20

  /// An empty table.
  init() {}

  /// - Parameter name: of the zone, for messages.
  init(_ bytes: [UInt8], name: String) throws(Failure) {
    let first = try Header(bytes, at: 0, name)
    guard first.version >= 2 else {
      try read(bytes, first, at: Header.size, wide: false, name)
      return
    }
    let second = Header.size + first.blockSize(wide: false)
    let header = try Header(bytes, at: second, name)
    let start = second + Header.size
    try read(bytes, header, at: start, wide: true, name)
    try readFooter(bytes, at: start + header.blockSize(wide: true), name)
  }

  private struct Header {
    static let size = 44
    var version: Int
    var leaps: Int
    var standards: Int
    var universals: Int
    var transitions: Int
    var types: Int
    var characters: Int

    init(_ bytes: [UInt8], at start: Int, _ name: String) throws(Failure) {
      guard bytes.count >= start + Self.size else { throw TZifFile.damaged(name, "it ends in its header") }
      guard bytes[start..<start + 4].elementsEqual("TZif".utf8) else {
        throw TZifFile.damaged(name, "it does not begin with TZif")
      }
      let digit = bytes[start + 4]
      version = digit == 0 ? 1 : Int(digit &- 48)
      guard digit == 0 || (2...9).contains(version) else {
        throw TZifFile.damaged(name, "its version is the byte \(digit), expected 0 or '2' to '9'")
      }
      func count(_ index: Int) -> Int {
        Int(TZifFile.integer(bytes, at: start + 20 + index * 4, bytes: 4) & 0xFFFF_FFFF)
      }
      (universals, standards, leaps) = (count(0), count(1), count(2))
      (transitions, types, characters) = (count(3), count(4), count(5))
      let size = bytes.count
      for count in [universals, standards, leaps, transitions, types, characters] where count > size {
        throw TZifFile.damaged(name, "it counts \(count) entries in \(size) bytes")
      }
    }

    func blockSize(wide: Bool) -> Int {
      let time = wide ? 8 : 4
      return transitions * (time + 1) + types * 6 + characters + leaps * (time + 4) + standards + universals
    }
  }

  private mutating func read(
    _ bytes: [UInt8], _ header: Header, at start: Int, wide: Bool, _ name: String
  ) throws(Failure) {
    let width = wide ? 8 : 4
    guard bytes.count - start >= header.blockSize(wide: wide) else {
      throw Self.damaged(name, "it has \(bytes.count) bytes, expected \(start + header.blockSize(wide: wide)) or more")
    }
    guard header.types > 0, header.types <= 256 else {
      throw Self.damaged(name, "it has \(header.types) kinds of local time, expected 1 to 256")
    }
    guard header.leaps == 0 else {
      throw Failure(
        .usage,
        "time zone '\(name)': its file counts \(header.leaps) leap seconds, which timestamps do not have; name a zone outside of right/"
      )
    }
    let indices = start + header.transitions * width
    let records = indices + header.transitions
    let names = records + header.types * 6
    for index in 0..<header.types {
      let record = records + index * 6
      let offset = Self.integer(bytes, at: record, bytes: 4)
      guard offset > -93_600, offset < 93_600 else {
        throw Self.damaged(name, "local time is \(offset) s from UTC, expected less than 26 hours")
      }
      let letters = Int(bytes[record + 5])
      let end = bytes[names..<names + header.characters].dropFirst(letters).firstIndex(of: 0)
      guard let end else { throw Self.damaged(name, "an abbreviation does not end") }
      types.append(
        LocalTimeType(
          offset: offset, isSummer: bytes[record + 4] != 0,
          abbreviation: String(decoding: bytes[names + letters..<end], as: UTF8.self)))
    }
    for index in 0..<header.transitions {
      let time = Self.integer(bytes, at: start + index * width, bytes: width)
      if let last = transitions.last, time <= last {
        throw Self.damaged(name, "transition \(index) is not after the one before")
      }
      guard Int(bytes[indices + index]) < types.count else {
        throw Self.damaged(name, "transition \(index) has no kind of local time")
      }
      transitions.append(time)
      typeOfTransition.append(bytes[indices + index])
    }
  }

  /// A line feed, the rule, a line feed; no rule where nothing is known of the time behind the table.
  private mutating func readFooter(_ bytes: [UInt8], at start: Int, _ name: String) throws(Failure) {
    guard start < bytes.count, bytes[start] == 10, let end = bytes[(start + 1)...].firstIndex(of: 10) else {
      throw Self.damaged(name, "its last line is missing")
    }
    let text = bytes[start + 1..<end]
    guard !text.isEmpty else { return }
    rule = PosixRule(text)
    if rule == nil {
      throw Self.damaged(name, "its last line '\(String(decoding: text.prefix(60), as: UTF8.self))' is no rule")
    }
  }

  private static func integer(_ bytes: [UInt8], at start: Int, bytes count: Int) -> Int64 {
    var value: Int64 = bytes[start] >= 0x80 ? -1 : 0
    for byte in bytes[start..<start + count] { value = value << 8 | Int64(byte) }
    return value
  }

  private static func damaged(_ name: String, _ what: String) -> Failure {
    Failure(
      .data, domain: .external,
      "time zone '\(name)': its file is damaged: \(what); install the package tzdata again, or point TZDIR at whole files"
    )
  }
}
