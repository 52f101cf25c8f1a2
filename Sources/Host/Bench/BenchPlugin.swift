import Base
import Glibc

/// Where the plugins of the benchmarks are found.
enum BenchPlugin {
  /// The path that was named, or the file beside this program.
  ///
  /// - Parameter name: of the folder in `Plugins`: "bench".
  static func path(_ named: String?, _ name: String) throws(Failure) -> String {
    if let named { return named }
    var buffer = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let program = String(decoding: buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let folder = program.lastIndex(of: "/").map { String(program[..<$0]) } ?? "."
    let path = "\(folder)/lib\(name).so"
    guard access(path, R_OK) == 0 else {
      throw Failure(
        .noInput,
        "this benchmark needs the plugin of Plugins/\(name), and \(path) is not there; build it with "
          + "Plugins/\(name)/build.sh and name it with --plugin")
    }
    return path
  }
}
