import Glibc
import TestSupport

/// Plan documents of released versions. They stay as they are: today's host must read them.
enum Museum {
  static let folder = "\(#filePath)".split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" } + "/Museum"

  /// The released versions of the plan.
  static let planVersions = ["plan-0.1", "plan-0.2"]

  /// The files of a folder of all versions of the plan, by name.
  static func planDocuments(_ folder: String = "") -> [String: String] {
    var all: [String: String] = [:]
    for version in planVersions {
      all.merge(documents(version + folder)) { _, _ in preconditionFailure("a document stands in one version") }
    }
    return all
  }

  /// The files of a version, by name.
  static func documents(_ version: String) -> [String: String] {
    var documents: [String: String] = [:]
    guard let entries = opendir("\(folder)/\(version)") else { return [:] }
    defer { closedir(entries) }
    while let entry = readdir(entries) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard name.hasSuffix(".json"), let bytes = TestProcess.contents(of: "\(folder)/\(version)/\(name)") else {
        continue
      }
      documents[String(name.dropLast(5))] = String(decoding: bytes, as: UTF8.self)
    }
    return documents
  }
}
