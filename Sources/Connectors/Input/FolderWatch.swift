import Base
import Glibc

/// Tells when something happens in folders: inotify. What happens is looked up by whoever asks; the events only say when to look.
final class FolderWatch: Sendable {
  /// Readable when something has happened.
  let descriptor: Int32

  init(place: String) throws(Failure) {
    descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
    guard descriptor >= 0 else {
      throw Failure(
        .io,
        "\(place): folders cannot be watched: \(systemError()); raise fs.inotify.max_user_instances or read without 'watch'"
      )
    }
  }

  deinit { close(descriptor) }

  /// Watches a folder from now on; again and again does no harm. False when it cannot: then only looking finds new files.
  func add(_ folder: String) -> Bool {
    let events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE
    return inotify_add_watch(descriptor, folder, UInt32(events)) >= 0
  }

  /// Forgets the events so far. Whether there were some.
  func drain() -> Bool {
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    var found = false
    while read(descriptor, &buffer, buffer.count) > 0 { found = true }
    return found
  }
}
