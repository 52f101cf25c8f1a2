import Base
import Synchronization

/// What the parts of a plugin share: its name, and the lock that keeps its control calls one at a time.
final class PluginScope: Sendable {
  let name: String
  private let lock = Mutex(())
  /// Entries that a list may have.
  static let listLimit: UInt32 = 1024

  init(name: String) { self.name = name }

  var label: String { "plugin '\(name)'" }

  /// Runs a `[control]` call: one thread at a time per plugin.
  func control<Value>(_ call: () throws(Failure) -> Value) throws(Failure) -> Value {
    var outcome: Result<Value, Failure>?
    lock.withLock { _ in outcome = Result { () throws(Failure) in try call() } }
    guard let outcome else { preconditionFailure("a lock runs its body") }
    return try outcome.get()
  }

  /// The same for a call that cannot fail.
  func withControl(_ call: () -> Void) { lock.withLock { _ in call() } }

  /// The entries of a list that ends in NULL.
  func enumerate<Entry>(
    _ slot: String, _ entry: (UInt32) -> UnsafePointer<Entry>?
  ) throws(Failure) -> [UnsafePointer<Entry>] {
    var entries: [UnsafePointer<Entry>] = []
    while let next = entry(UInt32(entries.count)) {
      guard entries.count < Self.listLimit else {
        throw Failure(
          .plugin,
          "\(label) gives more than \(Self.listLimit) entries from '\(slot)'; return NULL past the last one")
      }
      entries.append(next)
    }
    return entries
  }
}
