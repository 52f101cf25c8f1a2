import Base
import Checkpointing
import Glibc

/// `volley-host savepoint`: asks the job that has a checkpoint folder for a savepoint, and waits for it.
///
/// It is a signal to the process that the lease names, SIGUSR1, as anybody can send it: there is no other way in to guard.
struct SavepointCommand {
  private let directory: CheckpointDirectory
  private let timeout: Duration

  init(_ arguments: some Collection<String>, environment: [String: String]) throws(Failure) {
    let flags = try ParsedFlags(arguments, flags: LookFlags.savepoint, verb: "savepoint", environment: environment)
    if let word = flags.words.first {
      throw Failure(.usage, "unexpected '\(word)' after 'savepoint': it takes flags only")
    }
    timeout = try flags.required(LookFlags.timeout)
    directory = try flags.checkpointDirectory("savepoint")
  }

  /// Prints the savepoint's name when it is complete.
  func run() throws(Failure) {
    let former = try directory.savepoint(after: Epoch(0)) ?? Epoch(0)
    let end = ContinuousClock.now + timeout
    var asked: Int?
    while true {
      if let savepoint = try directory.savepoint(after: former) { return try printLine(savepoint.name) }
      let owner = DirectoryLease.owner(of: directory)
      // A worker that died has not heard; the one after it is asked again.
      if asked != owner?.pid || asked == nil {
        asked = try ask(owner, isFirst: asked == nil)
      }
      guard ContinuousClock.now < end else {
        throw Failure(
          .software, domain: .external, retryable: true,
          "\(directory.place): no savepoint was complete within \(timeText(timeout.seconds)); the job may be restarting or its sinks "
            + "slow: see its log, or raise --timeout")
      }
      usleep(20_000)
    }
  }

  /// - Returns: the process that was asked; nil while there is none to ask.
  private func ask(_ owner: LeaseRecord?, isFirst: Bool) throws(Failure) -> Int? {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard let owner, !owner.released else {
      if !isFirst { return nil }
      throw Failure(
        .unavailable,
        "\(directory.place): no job runs with it; every run ends with an epoch, which the next one goes on from")
    }
    guard owner.host == host else {
      throw Failure(
        .unavailable,
        "\(directory.place): the job runs on host \(owner.host) as process \(owner.pid), and this is \(host); ask there"
      )
    }
    guard kill(pid_t(owner.pid), SIGUSR1) == 0 else {
      let reason = errno
      if reason == ESRCH {
        if !isFirst { return nil }
        throw Failure(
          .unavailable, retryable: true, "\(directory.place): its job, process \(owner.pid), has died; run it again")
      }
      throw Failure(.unavailable, "process \(owner.pid) cannot be asked for a savepoint: \(systemError(reason))")
    }
    return owner.pid
  }
}
