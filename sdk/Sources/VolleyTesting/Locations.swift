import Glibc

/// Where the host and the plugin are.
enum Locations {
  static func host() throws -> String {
    if let path = variable("VOLLEY_HOST"), !path.isEmpty {
      guard isProgram(path) else {
        throw PipelineTestFailure("VOLLEY_HOST is '\(path)', which is no program: set it to the path of volley-host")
      }
      return path
    }
    for folder in (variable("PATH") ?? "").split(separator: ":") where isProgram("\(folder)/volley-host") {
      return "\(folder)/volley-host"
    }
    throw PipelineTestFailure(
      "there is no volley-host: set VOLLEY_HOST to its path, or put its folder into PATH")
  }

  /// - Parameter name: of a library product, or a path.
  static func plugin(_ name: String) throws -> String {
    if name.contains("/") {
      guard access(name, R_OK) == 0 else { throw PipelineTestFailure("there is no plugin '\(name)': build it first") }
      return name
    }
    guard let program = ownProgram() else { throw PipelineTestFailure("this program cannot tell its own path") }
    // The products of a build lie in one folder; the test's program may lie in a bundle inside it.
    var folder = program
    for _ in 0..<4 {
      guard let slash = folder.lastIndex(of: "/") else { break }
      folder = String(folder[..<slash])
      let path = "\(folder)/lib\(name).so"
      if access(path, R_OK) == 0 { return path }
    }
    throw PipelineTestFailure(
      "there is no lib\(name).so beside \(program): name the package's dynamic library product, or give a path")
  }

  private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  private static func isProgram(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
  }

  private static func ownProgram() -> String? {
    guard let path = realpath("/proc/self/exe", nil) else { return nil }
    defer { free(path) }
    return String(cString: path)
  }
}
