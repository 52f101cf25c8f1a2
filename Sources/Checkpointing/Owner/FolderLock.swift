import Base
import Glibc

/// The `flock` of a folder, which the kernel gives to one process and takes back when that ends, however it ends.
public final class FolderLock: @unchecked Sendable {  // Does not change once it is made.
  private let descriptor: Int32

  /// Nanoseconds for which a lock that another process has is asked for again: one that was killed keeps it until its
  /// memory was given back.
  public static let patience: Int64 = 3_000_000_000

  /// - Parameters:
  ///   - folder: is made where it is not there.
  ///   - place: leads messages: "state directory /data/state".
  ///   - pause: called between two tries.
  /// - Throws: `unavailable` when another process has it, with that one's host name and pid; `io` when there can be
  ///   no lock.
  public convenience init(
    _ folder: String, place: String, patience: Int64 = FolderLock.patience, pause: () -> Void
  ) throws(Failure) {
    do throws(StorageProblem) { try CheckpointDirectory(folder).makeFolders(folder) } catch {
      throw error.failure(place)
    }
    guard let lock = try Self.ask(folder, place: place, patience: patience, pause: pause) else {
      throw Self.refusal(place, LeaseRecord((try? DiskStorage().read(Self.path(in: folder))) ?? []))
    }
    self.init(lock)
    let owner = Self.owner.bytes
    ftruncate(lock, 0)
    _ = owner.withUnsafeBytes { pwrite(lock, $0.baseAddress, $0.count, 0) }
  }

  private init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// The lock of a folder that is there; nil when another process has it all the time.
  static func asking(
    _ folder: String, place: String, patience: Int64, pause: () -> Void
  ) throws(Failure) -> FolderLock? {
    try ask(folder, place: place, patience: patience, pause: pause).map { FolderLock($0) }
  }

  private static func ask(
    _ folder: String, place: String, patience: Int64, pause: () -> Void
  ) throws(Failure) -> Int32? {
    let path = path(in: folder)
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
    guard descriptor >= 0 else { throw StorageProblem(.write, path, code: errno).failure(place) }
    let deadline = MonotonicTime.now + patience
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      if code == EWOULDBLOCK && MonotonicTime.now < deadline {
        pause()
        continue
      }
      close(descriptor)
      if code == EWOULDBLOCK { return nil }
      throw Failure(
        .io,
        "\(place): \(path) cannot be locked: \(String(cString: strerror(code))); name a directory on a "
          + "file system with locks")
    }
    return descriptor
  }

  deinit { close(descriptor) }

  private static func path(in folder: String) -> String { "\(folder)/lock" }

  /// This process.
  static var owner: LeaseRecord {
    LeaseRecord(host: hostName, pid: Int(getpid()), boot: bootID)
  }

  /// - Parameter record: nil when it is not known.
  static func refusal(_ place: String, _ record: LeaseRecord?) -> Failure {
    let owner = record.map { "process \($0.pid) on host \($0.host)" } ?? "another process"
    return Failure(
      .unavailable, retryable: true,
      "\(place): is in use by \(owner); stop that one first, or name another directory")
  }

  private static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static var bootID: String {
    let bytes = (try? DiskStorage().read("/proc/sys/kernel/random/boot_id")) ?? []
    return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
  }
}
