import Glibc

/// The file system of this machine.
public struct DiskStorage: Storage {
  private static let pieceSize = 1 << 20

  public init() {}

  public func makeFolder(_ path: String) throws(StorageProblem) {
    guard mkdir(path, 0o777) == 0 else { throw StorageProblem(.makeFolder, path, code: errno) }
  }

  public func removeFolder(_ path: String) throws(StorageProblem) {
    guard rmdir(path) == 0 else { throw StorageProblem(.remove, path, code: errno) }
  }

  public func write(_ bytes: [UInt8], to path: String, onlyNew: Bool) throws(StorageProblem) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (onlyNew ? O_EXCL : O_TRUNC), 0o666)
    guard descriptor >= 0 else { throw StorageProblem(.write, path, code: errno) }
    let problem = bytes.withUnsafeBytes { Self.write($0, descriptor) }
    // Some file systems tell only now that there was no room.
    let closed = close(descriptor) == 0 ? nil : errno
    if let code = problem ?? closed { throw StorageProblem(.write, path, code: code) }
  }

  public func syncFile(_ path: String) throws(StorageProblem) {
    // A failure to write back that nobody was told of is told to the next who syncs, whoever wrote.
    try sync(path, flags: O_RDONLY)
  }

  public func syncFolder(_ path: String) throws(StorageProblem) { try sync(path, flags: O_RDONLY | O_DIRECTORY) }

  private func sync(_ path: String, flags: Int32) throws(StorageProblem) {
    let descriptor = open(path, flags | O_CLOEXEC)
    guard descriptor >= 0 else { throw StorageProblem(.sync, path, code: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw StorageProblem(.sync, path, code: errno) }
  }

  public func link(_ path: String, to new: String) throws(StorageProblem) {
    guard Glibc.link(path, new) == 0 else { throw StorageProblem(.link, new, code: errno) }
  }

  public func rename(_ path: String, to new: String) throws(StorageProblem) {
    guard Glibc.rename(path, new) == 0 else { throw StorageProblem(.rename, new, code: errno) }
  }

  public func remove(_ path: String) throws(StorageProblem) {
    guard unlink(path) == 0 else { throw StorageProblem(.remove, path, code: errno) }
  }

  public func copy(_ path: String, to new: String) throws(StorageProblem) {
    let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw StorageProblem(.write, new, code: errno) }
    var problem: Int32?
    do throws(StorageProblem) {
      try read(path) { piece in
        if problem == nil { problem = Self.write(piece, descriptor) }
      }
    } catch {
      close(descriptor)
      unlink(new)
      throw error
    }
    let closed = close(descriptor) == 0 ? nil : errno
    if let code = problem ?? closed {
      unlink(new)
      throw StorageProblem(.write, new, code: code)
    }
  }

  public func entries(_ path: String) throws(StorageProblem) -> [String] {
    guard let folder = opendir(path) else { throw StorageProblem(.read, path, code: errno) }
    defer { closedir(folder) }
    var names: [String] = []
    errno = 0
    while let entry = readdir(folder) {
      // Read from the entry itself: a copy of it would be as long as the longest name.
      guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { preconditionFailure("an entry has a name") }
      let name = String(cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
      if name != ".", name != ".." { names.append(name) }
      errno = 0
    }
    guard errno == 0 else { throw StorageProblem(.read, path, code: errno) }
    return names
  }

  public func size(_ path: String) throws(StorageProblem) -> Int64? {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return nil }
      throw StorageProblem(.read, path, code: errno)
    }
    return status.st_mode & S_IFMT == S_IFREG ? Int64(status.st_size) : nil
  }

  public func read(_ path: String, _ piece: (UnsafeRawBufferPointer) -> Void) throws(StorageProblem) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw StorageProblem(.read, path, code: errno) }
    defer { close(descriptor) }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceSize, alignment: 16)
    defer { memory.deallocate() }
    while true {
      let count = Glibc.read(descriptor, memory.baseAddress, memory.count)
      if count == 0 { return }
      if count < 0 {
        if errno == EINTR { continue }
        throw StorageProblem(.read, path, code: errno)
      }
      piece(UnsafeRawBufferPointer(rebasing: memory[..<count]))
    }
  }

  /// The code of what went wrong.
  private static func write(_ bytes: UnsafeRawBufferPointer, _ descriptor: Int32) -> Int32? {
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if count < 0 {
        if errno == EINTR { continue }
        return errno
      }
      done += count
    }
    return nil
  }
}
