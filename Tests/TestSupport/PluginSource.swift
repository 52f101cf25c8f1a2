import Glibc
import Synchronization

/// A plugin's C source, compiled for this run of the tests: each variant once.
public struct PluginSource: Sendable {
  /// Under Tests/Museum.
  public var file: String
  /// Folder of the volley.h to compile against, from the repository's root.
  public var header: String
  /// `-D…` and whatever else the compiler is to be told.
  public var flags: [String]

  public init(file: String, header: String = "sdk/Sources/CVolley/include", flags: [String] = []) {
    self.file = file
    self.header = header
    self.flags = flags
  }

  /// The compiler refused the source.
  public struct DoesNotCompile: Error {
    public var reason: String
  }

  /// Every kind of user code, against the frozen header of version 0.1.
  public static let museum = museum("0.1")

  /// The released versions of the boundary.
  public static let museumVersions = ["0.1", "0.2", "0.3", "0.4", "0.5", "1.0"]

  /// Every kind of user code that the version has, against its frozen header.
  public static func museum(_ version: String) -> PluginSource {
    PluginSource(file: "abi-\(version)/pipeline.c", header: "Tests/Museum/abi-\(version)")
  }

  /// The plugin that breaks just that rule.
  public static func broken(_ fault: String) -> PluginSource {
    PluginSource(file: "broken/broken.c", flags: ["-DFAULT=\"\(fault)\""])
  }

  public static func broken(flags: [String]) -> PluginSource { PluginSource(file: "broken/broken.c", flags: flags) }

  /// The repository's root.
  public static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }

  private final class Once: Sendable {
    let path = Mutex<String?>(nil)
  }
  private static let made = Mutex<[String: Once]>([:])

  /// A folder that is removed when the process ends.
  private static let folder: String = {
    var template = Array("/tmp/volley-test-plugins-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fatalError("no temporary folder: errno \(errno)") }
    atexit { _ = TestProcess.run(["/bin/rm", "-rf", PluginSource.folder]) }
    return template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }()

  /// The path of the `.so`.
  public func compiled() throws(DoesNotCompile) -> String {
    let key = ([file, header] + flags).joined(separator: " ")
    let (once, number) = Self.made.withLock { made in
      if let once = made[key] { return (once, 0) }
      let once = Once()
      made[key] = once
      return (once, made.count)
    }
    return try once.path.withLock { path throws(DoesNotCompile) in
      if let path { return path }
      let name = file.split(separator: "/").joined(separator: "-").dropLast(2)
      let output = "\(Self.folder)/lib\(name)-\(number).so"
      let arguments =
        ["cc", "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fPIC", "-fvisibility=hidden", "-shared"]
        + ["-I", "\(Self.root)/\(header)", "-o", output, "\(Self.root)/Tests/Museum/\(file)"] + flags
      let outcome = TestProcess.run(arguments)
      guard outcome.status == 0 else { throw DoesNotCompile(reason: "\(key): \(outcome.errors)") }
      path = output
      return output
    }
  }
}
