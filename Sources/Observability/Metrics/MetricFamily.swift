/// A family of metrics as Prometheus knows it: all samples of one name.
public struct MetricFamily: Sendable, Hashable {
  public enum Kind: String, Sendable {
    /// Only grows, from the start of the process. Its name ends in `_total`.
    case counter
    /// May go both ways.
    case gauge
    /// Counts observations by size.
    case histogram
  }

  /// In base units, seconds and bytes, which it says: `volley_busy_seconds_total`.
  public let name: String
  public let kind: Kind
  /// A sentence without its full stop.
  public let help: String

  public init(_ name: String, _ kind: Kind, _ help: String) {
    precondition(MetricFamily.isName(name), "'\(name)' is no name of a metric")
    precondition((kind == .counter) == name.hasSuffix("_total"), "names of counters, and only those, end in _total")
    self.name = name
    self.kind = kind
    self.help = help
  }

  /// Letters of ASCII, digits, underscores and colons, and no digit first.
  private static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: ":"): true
      default: false
      }
    }
  }
}

/// What tells one sample of a family from the others. The value may be any text.
public struct MetricLabel: Sendable, Hashable {
  public let name: String
  public let value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}
