import Glibc

public enum TestEnvironment {
  /// A variable of the environment.
  public static func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
