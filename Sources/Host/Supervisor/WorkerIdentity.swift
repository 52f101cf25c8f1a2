import Glibc

/// What a process is told that is started as a worker: the first arguments after the program's name.
struct WorkerIdentity: Sendable, Hashable {
  /// The verb that no help text names.
  static let verb = "worker-of"

  var supervisor: pid_t
  /// Descriptor of the crash report.
  var report: Int32

  var arguments: [String] { [Self.verb, "\(supervisor)", "\(report)"] }

  /// The identity and what is to be done; nil when the command line is not a worker's.
  static func split(_ arguments: ArraySlice<String>) -> (WorkerIdentity, ArraySlice<String>)? {
    guard arguments.first == verb, arguments.count >= 3 else { return nil }
    let numbers = arguments.dropFirst()
    guard let supervisor = numbers.first.flatMap({ pid_t($0) }),
      let report = numbers.dropFirst().first.flatMap({ Int32($0) })
    else { return nil }
    return (WorkerIdentity(supervisor: supervisor, report: report), arguments.dropFirst(3))
  }

  init(supervisor: pid_t, report: Int32) {
    self.supervisor = supervisor
    self.report = report
  }
}
