/// The template's words that stand for a package's own, in contents and in paths.
enum PackageTemplate {
  static let name = "__NAME__"
  static let type = "__TYPE__"
  static let library = "__LIBRARY__"
  static let sdk = "__SDK__"

  /// - Parameter sdk: the path of the SDK, as the package's manifest names it.
  static func fill(_ file: SDKArchive.File, for package: PackageName, sdk path: String) -> SDKArchive.File {
    let words = [(name, package.name), (type, package.type), (library, package.library), (sdk, path)]
    var filled = file
    for (word, value) in words {
      filled.path = String(decoding: replace(word, by: value, in: Array(filled.path.utf8)), as: UTF8.self)
      filled.bytes = replace(word, by: value, in: filled.bytes)
    }
    return filled
  }

  private static func replace(_ word: String, by value: String, in bytes: [UInt8]) -> [UInt8] {
    let word = Array(word.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index...].starts(with: word) {
        result += Array(value.utf8)
        index += word.count
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return result
  }
}
