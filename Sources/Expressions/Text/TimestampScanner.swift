extension TimestampText {
  /// Reads a timestamp's parts from left to right; each gives nil when the text does not go on as it must.
  struct Scanner {
    let text: UnsafeBufferPointer<UInt8>
    var index = 0

    var isAtEnd: Bool { index == text.count }

    mutating func take(_ byte: UInt8) -> Bool {
      guard index < text.count, text[index] == byte else { return false }
      index &+= 1
      return true
    }

    /// Exactly `count` digits.
    private mutating func number(_ count: Int) -> Int64? {
      guard index + count <= text.count else { return nil }
      var value: Int64 = 0
      for _ in 0..<count {
        let digit = text[index] &- UInt8(ascii: "0")
        guard digit < 10 else { return nil }
        value = value * 10 + Int64(digit)
        index &+= 1
      }
      return value
    }

    /// `YYYY-MM-DD` as days since the epoch.
    mutating func date() -> Int64? {
      guard let year = number(4), take(UInt8(ascii: "-")), let month = number(2), take(UInt8(ascii: "-")),
        let day = number(2), month >= 1, month <= 12, day >= 1, day <= Civil.daysIn(month: month, of: year)
      else { return nil }
      return Civil.days(Civil.Date(year: year, month: month, day: day))
    }

    /// `hh:mm[:ss[.fraction]]` as seconds and nanoseconds.
    mutating func time() -> (seconds: Int64, nanoseconds: Int64)? {
      guard let hour = number(2), take(UInt8(ascii: ":")), let minute = number(2), hour < 24, minute < 60 else {
        return nil
      }
      var seconds = hour * 3600 + minute * 60
      guard take(UInt8(ascii: ":")) else { return (seconds, 0) }
      guard let second = number(2), second < 60 else { return nil }
      seconds += second
      guard take(UInt8(ascii: ".")) else { return (seconds, 0) }
      guard let nanoseconds = fraction() else { return nil }
      return (seconds, nanoseconds)
    }

    /// 1 to 9 digits as nanoseconds.
    private mutating func fraction() -> Int64? {
      var nanoseconds: Int64 = 0
      var digits = 0
      while index < text.count, text[index] &- UInt8(ascii: "0") < 10 {
        guard digits < 9 else { return nil }
        nanoseconds = nanoseconds * 10 + Int64(text[index] &- UInt8(ascii: "0"))
        digits += 1
        index &+= 1
      }
      guard digits > 0 else { return nil }
      for _ in digits..<9 { nanoseconds *= 10 }
      return nanoseconds
    }

    /// What follows the time: nil for what cannot follow, else the seconds east of UTC, `.some(nil)` for nothing.
    mutating func offset() -> Int64?? {
      if isAtEnd { return .some(nil) }
      if take(UInt8(ascii: "Z")) { return 0 }
      let east: Int64
      if take(UInt8(ascii: "+")) {
        east = 1
      } else if take(UInt8(ascii: "-")) {
        east = -1
      } else {
        return nil
      }
      guard let hours = number(2), hours < 24 else { return nil }
      if isAtEnd { return .some(east * hours * 3600) }
      _ = take(UInt8(ascii: ":"))
      guard let minutes = number(2), minutes < 60 else { return nil }
      return .some(east * (hours * 3600 + minutes * 60))
    }
  }
}
