import Synchronization

/// The console sinks of a process: with more than one of them, each line says whose it is.
final class ConsoleNames: Sendable {
  static let shared = ConsoleNames()
  private let uses = Mutex<[String: Int]>([:])

  /// Whether lines need their sink's uid.
  var isShared: Bool { uses.withLock { $0.count > 1 } }

  func add(_ uid: String) { uses.withLock { $0[uid, default: 0] += 1 } }

  func remove(_ uid: String) {
    uses.withLock { uses in
      let left = (uses[uid] ?? 0) - 1
      uses[uid] = left > 0 ? left : nil
    }
  }
}

/// Holds a console sink's name as long as the plan that has it lives.
final class ConsoleName: Sendable {
  let uid: String
  private let names: ConsoleNames

  init(_ uid: String, in names: ConsoleNames) {
    self.uid = uid
    self.names = names
    names.add(uid)
  }

  deinit { names.remove(uid) }

  var isShared: Bool { names.isShared }
}
