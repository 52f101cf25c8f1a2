import Base
import Glibc

/// `volley-host sdk update [FOLDER]`: puts this host's SDK into a pipeline package.
enum SDKUpdateCommand {
  static func run(_ arguments: some Collection<String>, archive: SDKArchive) throws(Failure) {
    let words = try ParsedFlags(arguments, flags: [], verb: "sdk", environment: [:]).words
    guard words.first == "update", words.count <= 2 else {
      let found = words.isEmpty ? "nothing" : "'\(words.joined(separator: " "))'"
      throw Failure(
        .usage, "after 'sdk' found \(found), expected 'update' and the package's folder if it is not this one")
    }
    let package = words.count == 2 ? words[1] : "."
    let folder = "\(package)/\(SDKFolder.name)"
    guard access("\(package)/Package.swift", F_OK) == 0 else {
      throw Failure(
        .noInput, "there is no package in '\(package)', whose Package.swift is missing: name the package's folder")
    }
    guard PackageFiles.isFolder(folder) else {
      throw Failure(
        .noInput,
        "'\(package)' has no \(SDKFolder.name) to update: it depends on an SDK elsewhere, named in its Package.swift")
    }
    let former = stamp(in: folder)
    try PackageFiles.replace(archive.folder, at: folder)
    let now = "\(archive.version) (\(archive.digest))"
    switch former {
    case now?: try printLine("\(folder) held SDK \(now) already; its files are written afresh")
    case let former?: try printLine("\(folder) now holds SDK \(now); before, it was \(former)")
    case nil: try printLine("\(folder) now holds SDK \(now)")
    }
  }

  /// "0.1.0 (digest)", nil when there is no stamp.
  private static func stamp(in folder: String) -> String? {
    guard let bytes = readFile("\(folder)/\(SDKFolder.stamp)", limit: 4096) else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { $0.split(separator: " ") }
    func value(_ name: Substring) -> Substring? { lines.first { $0.first == name && $0.count == 2 }?.last }
    guard let version = value("version"), let digest = value("digest") else { return nil }
    return "\(version) (\(digest))"
  }
}
