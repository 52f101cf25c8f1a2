import Glibc

public enum TestEnvironment {
  /// A variable of the environment.
  public static func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  /// The folder of the checkout that the tests were built from.
  public static let repository: String = {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)
    return parts.joined(separator: "/")
  }()
}
