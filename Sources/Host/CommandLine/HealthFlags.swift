import Base

/// The flag of `run` that says where it is asked about its health.
enum HealthFlags {
  static let port = Flag(
    "health-port", "N", variable: "VOLLEY_HEALTH_PORT", fallback: "8080",
    expected: "a whole number from 1 to 65535, or 0 for none",
    help:
      "the TCP port of /healthz, /readyz and /metrics (for Prometheus), or 0; when the default one is taken, the job runs without",
    read: { text in text.allSatisfy { $0.isASCII && $0.isNumber } ? UInt16(text) : nil })
}

/// Where a run answers about its health.
struct HealthOptions: Sendable, Hashable {
  /// 0: nowhere.
  var port: UInt16
  /// The user named it: a run that cannot have it is not what was asked for.
  var isGiven: Bool

  init(_ flags: ParsedFlags) throws(Failure) {
    port = try flags.required(HealthFlags.port)
    isGiven = flags.isGiven(HealthFlags.port.entry)
  }

  init(port: UInt16, isGiven: Bool) {
    self.port = port
    self.isGiven = isGiven
  }
}
