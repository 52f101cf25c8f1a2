import Base
import Glibc

/// Runs a program to its end. No Foundation: the product's tests link what the product links.
public enum TestProcess {
  public struct Outcome {
    /// The exit code, or 128 + signal.
    public var status: Int32
    public var output: String
    public var errors: String
  }

  /// - Parameters:
  ///   - arguments: the program (searched in PATH) and its arguments.
  ///   - input: what it reads from standard input.
  ///   - environment: variables added to this process's own.
  public static func run(
    _ arguments: [String], input: String = "", environment: [String: String] = [:], folder: String? = nil
  ) -> Outcome {
    let arguments = folder.map { ["env", "-C", $0] + arguments } ?? arguments
    let files = [namelessFile(input.utf8), namelessFile([]), namelessFile([])]
    defer { for file in files { close(file) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    for (standard, file) in files.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, file, Int32(standard))
    }
    defer { posix_spawn_file_actions_destroy(&actions) }
    var variables: [String] = []
    var pointer = environ
    while let entry = pointer.pointee {
      let text = String(cString: entry)
      let name = String(text.prefix { $0 != "=" })
      if environment[name] == nil { variables.append(text) }
      pointer += 1
    }
    variables += environment.map { "\($0)=\($1)" }
    // Many hosts run side by side: only those that are asked about their health have a port.
    if !variables.contains(where: { $0.hasPrefix("VOLLEY_HEALTH_PORT=") }) { variables.append("VOLLEY_HEALTH_PORT=0") }
    var argumentPointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var variablePointers: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
    defer { for pointer in argumentPointers + variablePointers { free(pointer) } }
    var pid = pid_t()
    let status = posix_spawnp(&pid, arguments[0], &actions, nil, &argumentPointers, &variablePointers)
    guard status == 0 else {
      return Outcome(status: 127, output: "", errors: "cannot run \(arguments[0]): errno \(status)")
    }
    var result: Int32 = 0
    while waitpid(pid, &result, 0) < 0 && errno == EINTR {}
    let signal = result & 0x7f
    return Outcome(
      status: signal == 0 ? (result >> 8) & 0xff : 128 + signal,
      output: String(decoding: contents(of: files[1]), as: UTF8.self),
      errors: String(decoding: contents(of: files[2]), as: UTF8.self))
  }

  /// `run` on a thread of its own, for tests whose other side works in tasks: their threads are as few as the cores, and must not
  /// wait.
  public static func runAside(_ arguments: [String]) async throws -> Outcome {
    try await withCheckedThrowingContinuation { continuation in
      do throws(Failure) {
        try OSThread(name: "process") { continuation.resume(returning: run(arguments)) }.detach()
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  /// Runs a Python program that a test compares with.
  public static func python(_ program: String, arguments: [String] = [], input: String = "") -> Outcome {
    run(["python3", "-c", program] + arguments, input: input)
  }

  public static func contents(of path: String) -> [UInt8]? {
    guard let handle = fopen(path, "r") else { return nil }
    defer { fclose(handle) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&chunk, 1, chunk.count, handle)
      if count == 0 { return bytes }
      bytes += chunk[0..<count]
    }
  }

  /// An open file that is gone when it is closed, however this process ends; read from its beginning.
  private static func namelessFile(_ content: some Sequence<UInt8>) -> Int32 {
    var template = Array("/tmp/volley-test-file-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { fatalError("no temporary file: errno \(errno)") }
    unlink(template)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    // The standard descriptors are the child's to be.
    precondition(descriptor > 2, "the tests' standard descriptors are open")
    let bytes = Array(content)
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { fatalError("cannot write a temporary file: errno \(errno)") }
      done += count
    }
    lseek(descriptor, 0, SEEK_SET)
    return descriptor
  }

  /// All that is in a file, wherever those who share it stand.
  private static func contents(of file: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = pread(file, &chunk, chunk.count, bytes.count)
      if count <= 0 { return bytes }
      bytes += chunk[0..<count]
    }
  }
}
