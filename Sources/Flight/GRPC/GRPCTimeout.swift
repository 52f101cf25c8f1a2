/// The value of `grpc-timeout`: how long a client waits for the whole of a call.
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Timeout"
enum GRPCTimeout {
  /// By letter, from the finest.
  private static let units: [(letter: Character, nanoseconds: Int64)] = [
    ("n", 1), ("u", 1_000), ("m", 1_000_000), ("S", 1_000_000_000), ("M", 60_000_000_000), ("H", 3_600_000_000_000),
  ]

  private static let largestNumber: Int64 = 99_999_999

  /// The nanoseconds of a value: one to eight digits and a unit. What is longer than 292 years is that. nil when it is
  /// none.
  static func nanoseconds(_ text: String) -> Int64? {
    guard let letter = text.last, let unit = units.first(where: { $0.letter == letter }) else { return nil }
    let digits = text.utf8.dropLast()
    guard (1...8).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    let number = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
    let (product, overflows) = number.multipliedReportingOverflow(by: unit.nanoseconds)
    return overflows ? .max : product
  }

  /// In the finest unit whose number has eight digits at most, rounded up: a peer does not give up before this side
  /// does. What is over already is one nanosecond, as 0 has no form.
  static func text(_ nanoseconds: Int64) -> String {
    let rest = max(1, nanoseconds)
    for unit in units {
      let number = rest / unit.nanoseconds + (rest % unit.nanoseconds == 0 ? 0 : 1)
      if number <= largestNumber { return "\(number)\(unit.letter)" }
    }
    preconditionFailure("Int64.max nanoseconds are 2.6 million hours")
  }
}
