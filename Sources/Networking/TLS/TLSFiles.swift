import Base
import COpenSSL
import Glibc

/// The contents of certificate files, and what tells whether they have changed since.
struct TLSFiles: Sendable {
  private(set) var certificate: [UInt8]?
  private(set) var key: [UInt8]?
  private(set) var authorities: [UInt8]?
  private var identities: [Identity]
  /// Of all contents: SHA-256.
  private(set) var digest: [UInt8]
  /// Whether a write in the clock's same tick as ours would show by the time of the change.
  private var isSettled: Bool

  /// What changes when a file is written or put in another one's place.
  private struct Identity: Hashable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    var modified: [Int]

    init?(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      self.init(status)
    }

    init(_ status: stat) {
      device = UInt64(status.st_dev)
      inode = UInt64(status.st_ino)
      size = Int64(status.st_size)
      modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
    }
  }

  /// No file of certificates is larger, in bytes.
  private static let limit = 4 << 20

  init(_ paths: TLSContext.Paths) throws(Failure) {
    var identities: [Identity] = []
    var newest = 0
    func read(_ path: String?, _ what: String) throws(Failure) -> [UInt8]? {
      guard let path else { return nil }
      let (bytes, identity) = try Self.read(path, what)
      identities.append(identity)
      newest = max(newest, identity.modified[0], identity.modified[2])
      return bytes
    }
    certificate = try read(paths.certificate, "certificate")
    key = try read(paths.key, "private key")
    authorities = try read(paths.authorities, "file of authorities")
    self.identities = identities
    isSettled = newest + 2 < time(nil)
    digest = Self.digest([certificate, key, authorities])
  }

  /// Whether the files are those that were read, as far as their identity tells.
  func areUnchanged(_ paths: TLSContext.Paths) -> Bool {
    isSettled && [paths.certificate, paths.key, paths.authorities].compactMap { $0 }.map { Identity($0) } == identities
  }

  private static func read(_ path: String, _ what: String) throws(Failure) -> ([UInt8], Identity) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let code = errno
      let remedy = code == EACCES ? "let this process's user read it" : "check the path"
      throw Failure(
        code == ENOENT ? .noInput : .io, "the \(what) '\(path)' cannot be read (\(systemText(code))); \(remedy)")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Failure(.usage, "the \(what) '\(path)' is no file: give the path of a file in PEM")
    }
    guard status.st_size <= limit else {
      throw Failure(
        .usage, "the \(what) '\(path)' has \(status.st_size) bytes, more than the \(limit) that one may have")
    }
    var bytes = [UInt8](repeating: 0, count: limit + 1)
    var count = 0
    while count < bytes.count {
      let got = bytes[count...].withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else {
        throw Failure(.io, "the \(what) '\(path)' cannot be read (\(systemText(errno))); check its disk")
      }
      if got == 0 { break }
      count += got
    }
    guard count > 0 else { throw Failure(.data, "the \(what) '\(path)' is empty; expected PEM") }
    return (Array(bytes[..<min(count, limit)]), Identity(status))
  }

  private static func digest(_ contents: [[UInt8]?]) -> [UInt8] {
    var all: [UInt8] = []
    for content in contents {
      withUnsafeBytes(of: content?.count ?? -1) { all += $0 }
      all += content ?? []
    }
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    guard EVP_Digest(all, all.count, &digest, &count, EVP_sha256(), nil) == 1 else {
      preconditionFailure("OpenSSL computes SHA-256")
    }
    return Array(digest[..<Int(count)])
  }
}
