/// A decimal number with its unit behind it, as people write durations and sizes: "10ms", "1.5GiB", "80%".
///
/// Strict: digits, at most one point with digits on both sides, then one of the units; no sign, no space, no exponent.
struct QuantityText: Hashable {
  /// Digits before the point.
  var whole: UInt64
  /// Digits behind the point over a power of ten: the value is `whole + fraction / scale`.
  var fraction: UInt64
  var scale: UInt64
  var unit: Substring

  /// Nil when the text is none. At most 9 digits behind the point.
  init?(_ text: String) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let whole = UInt64(digits) else { return nil }
    var rest = text[digits.endIndex...]
    var fraction = Substring()
    if rest.first == "." {
      fraction = rest.dropFirst().prefix { $0.isASCII && $0.isNumber }
      guard (1...9).contains(fraction.count) else { return nil }
      rest = rest[fraction.endIndex...]
    }
    self.whole = whole
    self.fraction = fraction.isEmpty ? 0 : UInt64(fraction) ?? 0
    scale = fraction.reduce(1) { scale, _ in scale * 10 }
    unit = rest
  }

  /// The value in the base unit, `factor` of which make one `unit`; a rest below one base unit is dropped. Nil when it
  /// exceeds 64 bits.
  func scaled(by factor: UInt64) -> UInt64? {
    let (product, overflow) = whole.multipliedReportingOverflow(by: factor)
    // fraction < scale, so the quotient is below `factor`; the full width keeps the product exact.
    let part = scale.dividingFullWidth(fraction.multipliedFullWidth(by: factor)).quotient
    let (sum, carried) = product.addingReportingOverflow(part)
    return overflow || carried ? nil : sum
  }
}

/// Durations: "10ms", "1.5s", "2m". Nil when the text is none, or longer than a hundred years.
func duration(from text: String) -> Duration? {
  let nanoseconds: [Substring: UInt64] = [
    "ns": 1, "us": 1000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000,
  ]
  guard let quantity = QuantityText(text), let factor = nanoseconds[quantity.unit],
    let value = quantity.scaled(by: factor), value <= 100 * 365 * 86_400_000_000_000
  else { return nil }
  return .nanoseconds(Int64(value))
}

/// Sizes in bytes: "512MiB", "2GiB", "1.5GB". Nil when the text is none, or does not fit an `Int`.
func byteSize(from text: String) -> Int? {
  let bytes: [Substring: UInt64] = [
    "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
    "kB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000,
  ]
  guard let quantity = QuantityText(text), let factor = bytes[quantity.unit], let value = quantity.scaled(by: factor)
  else { return nil }
  return Int(exactly: value)
}

/// A size for people: the largest binary unit of which there is at least one, with one digit behind the point.
func byteSizeText(_ bytes: Int) -> String {
  let units = ["B", "KiB", "MiB", "GiB", "TiB"]
  var unit = 0
  var value = Double(bytes)
  while value >= 1024, unit < units.count - 1 {
    value /= 1024
    unit += 1
  }
  return unit == 0 ? "\(bytes) B" : "\(fixed(value, digits: 1)) \(units[unit])"
}

/// A number with that many digits behind the point.
func fixed(_ value: Double, digits: Int) -> String {
  guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
  var power = 1.0
  for _ in 0..<digits { power *= 10 }
  let scaled = Int64((value.magnitude * power).rounded())
  let sign = value < 0 && scaled > 0 ? "-" : ""
  guard digits > 0 else { return "\(sign)\(scaled)" }
  let fraction = String(scaled % Int64(power))
  return "\(sign)\(scaled / Int64(power)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
}
