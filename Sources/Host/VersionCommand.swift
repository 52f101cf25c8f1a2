import Base
import CVolley
import VolleyPlan

/// `volley-host version`.
enum VersionCommand {
  /// The host's own version.
  static let host = "0.1.0"

  /// The compiler that built this host.
  static var compiler: String {
    #if compiler(>=6.4)
      "Swift 6.4 or later"
    #elseif compiler(>=6.3)
      "Swift 6.3"
    #elseif compiler(>=6.2)
      "Swift 6.2"
    #elseif compiler(>=6.1)
      "Swift 6.1"
    #else
      "Swift 6.0"
    #endif
  }

  static var text: String {
    let archive = SDKArchive.embedded
    let plan = Plan.Version.current
    return """
      volley-host \(host)
      plugin ABI  \(VOLLEY_ABI_MAJOR).\(VOLLEY_ABI_MINOR)
      plan        \(plan.major).\(plan.minor)
      SDK         \(archive.version) (\(archive.digest))
      compiler    \(compiler)

      """
  }
}
