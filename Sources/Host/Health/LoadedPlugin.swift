import Base
import Checkpointing
import Glibc
import PluginLoading

/// A plugin that runs, and its file as it was when it was loaded: another file may have its path since.
final class LoadedPlugin: Sendable {
  private let plugin: Plugin
  /// Below zero when the file could not be opened.
  private let descriptor: Int32
  private let digest = Monitor<String?>(nil)

  init(_ plugin: Plugin) {
    self.plugin = plugin
    descriptor = open(plugin.path, O_RDONLY | O_CLOEXEC)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The file is read the first time that somebody wants to know.
  var description: WorkerMetrics.Plugin {
    let sha256 = digest.withLock { digest in
      if let digest { return digest }
      let read = descriptor < 0 ? "" : (try? DiskStorage().sha256("/proc/self/fd/\(descriptor)")) ?? ""
      digest = read
      return read
    }
    return WorkerMetrics.Plugin(
      name: plugin.name, version: plugin.version, sha256: sha256, sdk: plugin.note.sdkVersion)
  }
}
