extension Duration {
  private static let units: [(String, nanoseconds: Int64)] = [
    ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
    ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
  ]

  /// Numbers with units, "1h30m" or "500ms"; nil for anything else, and for what 64 bits of nanoseconds cannot hold.
  init?(text: String) {
    var total: Int64 = 0
    var rest = Substring(text)
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest[digits.endIndex...]
      let letters = rest.prefix { $0.isASCII && $0.isLetter }
      rest = rest[letters.endIndex...]
      guard let number = Int64(digits), let unit = Self.units.first(where: { $0.0 == letters }) else { return nil }
      let (part, tooLong) = number.multipliedReportingOverflow(by: unit.nanoseconds)
      let (sum, tooLongAfterAll) = total.addingReportingOverflow(part)
      if tooLong || tooLongAfterAll { return nil }
      total = sum
    }
    self = .nanoseconds(total)
  }

  /// As `init(text:)` reads it; finer parts than a nanosecond are dropped.
  var text: String {
    let (seconds, attoseconds) = components
    var rest = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    var text = rest < 0 ? "-" : ""
    rest = abs(rest)
    for (unit, nanoseconds) in Self.units where rest >= nanoseconds {
      text += "\(rest / nanoseconds)\(unit)"
      rest %= nanoseconds
    }
    return text.isEmpty ? "0s" : text
  }
}
