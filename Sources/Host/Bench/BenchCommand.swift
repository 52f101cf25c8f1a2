import Base

/// `volley-host bench`: where the verb arrives.
enum BenchCommand {
  static let flags: [FlagEntry] = []

  static func run(_ arguments: [String], environment: [String: String]) throws(Failure) -> Int32 {
    throw Failure(.usage, "this build has no benchmarks")
  }
}
