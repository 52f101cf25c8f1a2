import VolleyPlan

extension ISO8601 {
  /// Most bytes of a text: "+292277026596-12-04T15:30:08.000000000Z" and some.
  public static let width = 48

  /// Writes a timestamp with as many decimals as its unit has, "2024-02-29T12:00:00.000000"; returns where it ends. Years
  /// outside of 0...9999 have a sign.
  ///
  /// - Parameter isInstant: whether it is a point in time, which ends with "Z", rather than a wall clock's reading.
  public static func write(
    _ value: Int64, unit: TimeUnit, isInstant: Bool, to out: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    switch unit {
    case .second: write(value, 1, 0, isInstant, to: out)
    case .millisecond: write(value, 1000, 3, isInstant, to: out)
    case .microsecond: write(value, 1_000_000, 6, isInstant, to: out)
    case .nanosecond: write(value, 1_000_000_000, 9, isInstant, to: out)
    }
  }

  /// As `write`, but nil, with nothing written, for years before 1 and after 9999, which many readers do not know.
  public static func writeCommon(
    _ value: Int64, unit: TimeUnit, isInstant: Bool, to out: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8>? {
    let (first, end) = commonRange(unit)
    guard value >= first, value <= end else { return nil }
    return write(value, unit: unit, isInstant: isInstant, to: out)
  }

  /// From 0001-01-01 to the last unit of 9999-12-31, or as far as an `Int64` goes.
  private static func commonRange(_ unit: TimeUnit) -> (Int64, Int64) {
    switch unit {
    case .second: (-62_135_596_800, 253_402_300_799)
    case .millisecond: (-62_135_596_800_000, 253_402_300_799_999)
    case .microsecond: (-62_135_596_800_000_000, 253_402_300_799_999_999)
    case .nanosecond: (.min, .max)
    }
  }

  @inline(__always)  // One body a unit, whose divisions are by constants: 15 instead of 40 ns a timestamp.
  private static func write(
    _ value: Int64, _ perSecond: Int64, _ digits: Int, _ isInstant: Bool, to out: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    let (days, inDay) = floorDivide(value, perSecond &* Civil.secondsPerDay)
    let time = inDay / perSecond
    var at = writeDate(days, to: out)
    at[0] = UInt8(ascii: "T")
    at = writeTime(time, to: at + 1)
    if digits > 0 {
      at[0] = UInt8(ascii: ".")
      writeDigits(UInt64(bitPattern: inDay &- time &* perSecond), count: digits, to: at + 1)
      at += 1 + digits
    }
    guard isInstant else { return at }
    at[0] = UInt8(ascii: "Z")
    return at + 1
  }

  /// Writes "2024-02-29"; returns where it ends. Years outside of 0...9999 have a sign.
  ///
  /// - Parameter days: since 1970-01-01, in `Civil.days`.
  @inline(__always)  // Part of `write`.
  public static func writeDate(_ days: Int64, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    let date = Civil.date(days)
    var at = out
    if date.year >= 0, date.year <= 9999 {
      let year = UInt64(bitPattern: date.year)
      let century = year / 100
      store(
        digitPair(Int64(century)) | digitPair(Int64(year &- century &* 100)) &<< 16 | dash &<< 32
          | digitPair(date.month) &<< 40 | dash &<< 56, to: at)
      at += 8
    } else {
      at = writeYear(date.year, to: at)
      at[0] = UInt8(ascii: "-")
      writeTwoDigits(date.month, to: at + 1)
      at[3] = UInt8(ascii: "-")
      at += 4
    }
    writeTwoDigits(date.day, to: at)
    return at + 2
  }

  private static var dash: UInt64 { 0x2D }
  private static var colon: UInt64 { 0x3A }

  /// Writes eight bytes, the first from the lowest bits: one store instead of eight.
  @inline(__always)  // Part of `write`.
  private static func store(_ bytes: UInt64, to out: UnsafeMutablePointer<UInt8>) {
    UnsafeMutableRawPointer(out).storeBytes(of: bytes.littleEndian, as: UInt64.self)
  }

  /// Writes "23:59:59"; returns where it ends.
  ///
  /// - Parameter seconds: since midnight, less than a day.
  @inline(__always)  // Part of `write`.
  static func writeTime(_ seconds: Int64, to out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    let time = UInt32(truncatingIfNeeded: seconds)
    let minutes = time / 60
    let hours = minutes / 60
    store(
      digitPair(Int64(hours)) | colon &<< 16 | digitPair(Int64(minutes &- hours &* 60)) &<< 24 | colon &<< 40
        | digitPair(Int64(time &- minutes &* 60)) &<< 48, to: out)
    return out + 8
  }

  /// Writes a time of the day with as many decimals as its unit has, "23:59:59.000"; returns where it ends.
  ///
  /// - Parameter value: since midnight, less than a day.
  public static func writeTime(
    _ value: Int64, unit: TimeUnit, to out: UnsafeMutablePointer<UInt8>
  ) -> UnsafeMutablePointer<UInt8> {
    let (seconds, fraction) = floorDivide(value, unit.perSecond)
    let at = writeTime(seconds, to: out)
    guard unit != .second else { return at }
    at[0] = UInt8(ascii: ".")
    writeDigits(UInt64(bitPattern: fraction), count: unit.fractionDigits, to: at + 1)
    return at + 1 + unit.fractionDigits
  }

  /// The text that `write` makes.
  ///
  /// - Parameter omitsZeroFraction: leaves decimals out where all are 0.
  public static func text(
    _ value: Int64, unit: TimeUnit, isInstant: Bool, omitsZeroFraction: Bool = false
  ) -> String {
    let (seconds, fraction) = floorDivide(value, unit.perSecond)
    let isWhole = omitsZeroFraction && fraction == 0
    return text { write(isWhole ? seconds : value, unit: isWhole ? .second : unit, isInstant: isInstant, to: $0) }
  }

  /// A text of at most `width` bytes.
  static func text(_ write: (UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>) -> String {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: width) { bytes in
      guard let start = bytes.baseAddress else { return "" }
      return String(decoding: UnsafeBufferPointer(start: start, count: write(start) - start), as: UTF8.self)
    }
  }
}
