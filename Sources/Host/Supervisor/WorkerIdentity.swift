import Glibc

/// What a process is told that is started as a worker: the first arguments after the program's name.
struct WorkerIdentity: Sendable, Hashable {
  /// The verb that no help text names.
  static let verb = "worker-of"

  var supervisor: pid_t
  /// Descriptor of the crash report.
  var report: Int32
  /// Descriptor of the socket on which it answers about its health; nil: it is not asked.
  var health: Int32?
  /// Workers of the job before this one that died.
  var restarts: Int

  init(supervisor: pid_t, report: Int32, health: Int32? = nil, restarts: Int = 0) {
    self.supervisor = supervisor
    self.report = report
    self.health = health
    self.restarts = restarts
  }

  var arguments: [String] { [Self.verb, "\(supervisor)", "\(report)", "\(health ?? -1)", "\(restarts)"] }

  /// The identity and what is to be done; nil when the command line is not a worker's.
  static func split(_ arguments: ArraySlice<String>) -> (WorkerIdentity, ArraySlice<String>)? {
    let words = Array(arguments.prefix(5))
    guard words.count == 5, words[0] == verb, let supervisor = pid_t(words[1]), let report = Int32(words[2]),
      let health = Int32(words[3]), let restarts = Int(words[4])
    else { return nil }
    let identity = WorkerIdentity(
      supervisor: supervisor, report: report, health: health < 0 ? nil : health, restarts: restarts)
    return (identity, arguments.dropFirst(5))
  }
}
