import Base
import CVolley
import Glibc
import TestSupport

/// The `volley-host` that was built beside these tests.
enum HostProgram {
  /// The build's folder.
  static let folder: String = {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let tests = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return tests.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
  }()

  static let path: String = {
    let path = "\(folder)/volley-host"
    guard access(path, X_OK) == 0 else { fatalError("there is no \(path): run 'swift build' first") }
    return path
  }()

  /// Runs it to its end, in a folder.
  static func run(
    _ arguments: String..., in folder: String? = nil, environment: [String: String] = [:]
  ) -> TestProcess.Outcome {
    TestProcess.run([path] + arguments, environment: environment, folder: folder)
  }
}

/// The plugin ABI of this build.
enum ABI {
  static let version = "\(VOLLEY_ABI_MAJOR).\(VOLLEY_ABI_MINOR)"
}

/// The failure that `body` throws, nil when it throws none.
func failure(of body: () throws(Failure) -> Void) -> Failure? {
  do throws(Failure) {
    try body()
    return nil
  } catch {
    return error
  }
}

/// The message of the failure that `body` throws; "no failure" when it throws none.
func message(of body: () throws -> Void) -> String {
  do {
    try body()
    return "no failure"
  } catch {
    return "\(error)"
  }
}
