import CPlatform
import Glibc
import Synchronization

/// A place in a plugin that the host calls: what a crash report, and a failure, name.
///
/// The C side keeps a pointer to it while a call runs, and a crash handler reads it from any thread, so each is made once
/// and lives as long as the process. Their number is bounded by the code that plugins offer.
struct CallSite: @unchecked Sendable {  // Points to memory that is never changed after it was made.
  let pointer: UnsafePointer<platform_call_site>

  private struct Key: Hashable {
    var plugin: String
    var function: String
    var slot: String
  }
  private static let made = Mutex<[Key: CallSite]>([:])

  /// - Parameters:
  ///   - function: the function, connector, pipeline, or the plugin's own name.
  ///   - slot: "call", "process", "plan", …
  init(plugin: String, function: String, slot: String) {
    let key = Key(plugin: plugin, function: function, slot: slot)
    self = Self.made.withLock { made in
      if let site = made[key] { return site }
      let site = CallSite(copying: key)
      made[key] = site
      return site
    }
  }

  private init(copying key: Key) {
    let site = UnsafeMutablePointer<platform_call_site>.allocate(capacity: 1)
    site.initialize(
      to: platform_call_site(plugin: strdup(key.plugin), function: strdup(key.function), call: strdup(key.slot)))
    pointer = UnsafePointer(site)
  }

  /// Runs a call into the plugin, so that a trap in it is blamed on this place.
  @inline(__always)  // One store before and one after a call by pointer; a closure call would cost more than both.
  func run<Result>(_ call: () -> Result) -> Result {
    let outer = platform_exchange_call(pointer)
    defer { _ = platform_exchange_call(outer) }
    return call()
  }

  /// Whether the calling thread is in a plugin's call.
  static var isInCall: Bool {
    let site = platform_exchange_call(nil)
    _ = platform_exchange_call(site)
    return site != nil
  }

  /// Runs the host's own code on a thread that is in a plugin's call: a crash in it is not the plugin's.
  static func outsidePlugins<Result, Problem: Error>(_ work: () throws(Problem) -> Result) throws(Problem) -> Result {
    let inner = platform_exchange_call(nil)
    defer { _ = platform_exchange_call(inner) }
    return try work()
  }
}
