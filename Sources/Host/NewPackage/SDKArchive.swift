import Base
import CSDKArchive
import Glibc
import Keys

/// The SDK that this host carries, as files.
struct SDKArchive: Sendable {
  struct File: Sendable, Hashable {
    /// Relative to the SDK's folder.
    var path: String
    var isExecutable: Bool
    var bytes: [UInt8]
  }

  /// The SDK proper, what a pipeline package depends on.
  let sources: [File]
  /// The template of a pipeline package; paths relative to the package's folder.
  let template: [File]
  /// As the SDK's Package.swift says it.
  let version: String
  /// A hash of all sources, for telling whether a copy is this one.
  let digest: String

  /// What this binary was built with.
  static let embedded = SDKArchive(
    (0..<sdk_archive_count).map { index in
      let file = sdk_archive_files[index]
      return File(
        path: String(cString: file.path), isExecutable: file.executable != 0,
        bytes: [UInt8](UnsafeBufferPointer(start: file.bytes, count: file.size)))
    })

  init(_ files: [File]) {
    let prefix = "Template/"
    sources = files.filter { !$0.path.hasPrefix(prefix) }
    template = files.filter { $0.path.hasPrefix(prefix) }.map { file in
      var file = file
      file.path.removeFirst(prefix.count)
      return file
    }
    version = Self.version(in: sources.first { $0.path == "Package.swift" }?.bytes ?? [])
    digest = Self.digest(of: sources)
  }

  /// The text of `let sdkVersion = "…"`.
  private static func version(in manifest: [UInt8]) -> String {
    for line in String(decoding: manifest, as: UTF8.self).split(separator: "\n") where line.hasPrefix("let sdkVersion")
    {
      let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
      if parts.count == 3 { return String(parts[1]) }
    }
    preconditionFailure("the SDK's Package.swift has a line 'let sdkVersion = \"…\"'")
  }

  /// XXH3 over paths, lengths and bytes, in hexadecimal.
  private static func digest(of files: [File]) -> String {
    var all: [UInt8] = []
    for file in files {
      all += Array("\(file.path)\n\(file.bytes.count)\n".utf8)
      all += file.bytes
    }
    let hash = String(all.withUnsafeBytes { XXH3.hash64($0) }, radix: 16)
    return String(repeating: "0", count: 16 - hash.count) + hash
  }
}
