import Base
import CPlatform
import Glibc

/// The pages that a worker shares with its supervisor: what it was doing when it died.
struct CrashReport: ~Copyable {
  private let pages: UnsafeMutablePointer<platform_crash_report>
  /// Open over exec, so that the worker inherits it.
  let descriptor: Int32

  init() throws(Failure) {
    var descriptor: Int32 = -1
    guard let pages = platform_make_crash_report(&descriptor) else {
      throw Failure(.software, "cannot make memory that is shared with the worker: \(systemError(errno))")
    }
    self.pages = pages
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
    platform_drop_crash_report(pages)
  }

  /// Whether the worker said that it ends by itself.
  var saidGoodbye: Bool { pages.pointee.goodbye != 0 }

  /// Whether the job had started.
  var hasStarted: Bool { pages.pointee.started != 0 }

  /// The newest epoch that the worker completed; nil when it completed none.
  var newestEpoch: Epoch? { pages.pointee.epochs == 0 ? nil : Epoch(pages.pointee.newest_epoch) }

  /// What the worker made of its order to look for records.
  var search: TrapSearchState { TrapSearchState(rawValue: pages.pointee.search) ?? TrapSearchState.none }

  /// Has the worker look for records on which functions trap. Before it starts.
  func ask(for order: TrapSearchOrder) {
    withUnsafeMutableBytes(of: &pages.pointee.suspects) { space in
      var length = 0
      for function in order.functions {
        let line = Array("\(function)\n".utf8)
        guard length + line.count <= space.count else { break }
        UnsafeMutableRawBufferPointer(rebasing: space[length...]).copyBytes(from: line)
        length += line.count
      }
      pages.pointee.suspects_length = UInt32(length)
    }
    pages.pointee.patience = UInt32(order.patience)
  }

  /// Why the worker ended by itself; nil when it ended well, or did not say.
  var toldFailure: String? {
    let told = text(\.failure)
    return told.isEmpty ? nil : told
  }

  /// Where the worker crashed; nil when it did not, or outside of plugin calls. Read it after the worker's end.
  var site: WorkerEnd.CallSite? {
    guard pages.pointee.ready == PLATFORM_CRASH_WRITTEN else { return nil }
    let plugin = text(\.plugin)
    guard !plugin.isEmpty else { return nil }
    return WorkerEnd.CallSite(plugin: plugin, path: path(of: plugin), function: text(\.function), call: text(\.call))
  }

  /// The memory for want of which the worker ended; nil when it was not that. Read it after the worker's end.
  var shortage: WorkerEnd.Shortage? {
    guard pages.pointee.ready == PLATFORM_CRASH_WRITTEN, pages.pointee.ran_short != 0 else { return nil }
    let shortage = pages.pointee.shortage
    let purpose = withUnsafeBytes(of: shortage.purpose) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    return WorkerEnd.Shortage(
      asked: shortage.asked == 0 ? nil : .init(byteCount: Int(clamping: shortage.asked), purpose: purpose),
      residentBytes: Int(clamping: shortage.resident), mappedBytes: Int(clamping: shortage.mapped))
  }

  private func path(of plugin: String) -> String {
    var path = [CChar](repeating: 0, count: 4096)
    platform_noted_plugin(pages, plugin, &path, path.count)
    return String(decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// A C text of the report, up to its NUL or its end; bytes that are no UTF-8 are replaced.
  private func text<Bytes>(_ field: KeyPath<platform_crash_report, Bytes>) -> String {
    withUnsafeBytes(of: pages.pointee[keyPath: field]) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

extension TrapSearchOrder {
  /// What this worker's supervisor asks for; nil: nothing.
  static var ofSupervisor: TrapSearchOrder? {
    guard let pages = platform_own_crash_report(), pages.pointee.suspects_length > 0 else { return nil }
    let text = withUnsafeBytes(of: pages.pointee.suspects) { bytes in
      String(decoding: bytes.prefix(Int(pages.pointee.suspects_length)), as: UTF8.self)
    }
    return TrapSearchOrder(
      functions: text.split(separator: "\n").map(String.init), patience: Int(pages.pointee.patience))
  }
}

/// What errno means, in words.
func systemError(_ number: Int32) -> String { String(cString: strerror(number)) }
