import Base
import Glibc

/// What `new` was asked to write.
struct NewOptions: Sendable {
  static let sdk = Flag(
    "sdk", "PATH", variable: "VOLLEY_SDK", fallbackWords: "the one that this host carries, written to NAME/.volley-sdk",
    expected: "the folder of an SDK, which has a Package.swift", help: "the SDK that the package depends on",
    read: { absolutePath(of: $0, holding: "Package.swift") })
  static let flags = [sdk.entry]

  var name: PackageName
  /// Absolute; nil: the one that the host carries.
  var sdk: String?

  init(_ arguments: some Collection<String>, environment: [String: String]) throws(Failure) {
    let flags = try ParsedFlags(arguments, flags: Self.flags, verb: "new", environment: environment)
    guard let word = flags.words.first, flags.words.count == 1 else {
      let found = flags.words.isEmpty ? "none" : flags.words.map { "'\($0)'" }.joined(separator: " and ")
      throw Failure(.usage, "'new' takes one name, found \(found): write 'volley-host new word-count'")
    }
    name = try PackageName(word)
    sdk = try flags.value(Self.sdk)
  }
}

/// `volley-host new`: writes a pipeline package that builds, tests and runs.
enum NewCommand {
  static func run(_ options: NewOptions, archive: SDKArchive) throws(Failure) {
    let name = options.name
    if PackageFiles.isOccupied(name.name) {
      throw Failure(
        .usage, "'\(name.name)' is already here and not an empty folder: choose another name, or move it away")
    }
    var files = archive.template.map { PackageTemplate.fill($0, for: name, sdk: options.sdk ?? SDKFolder.name) }
    if options.sdk == nil {
      files += archive.folder.map { file in
        var file = file
        file.path = "\(SDKFolder.name)/\(file.path)"
        return file
      }
    }
    try PackageFiles.create(files, at: name.name)
    let sdk = options.sdk.map { "the SDK in \($0)" } ?? "SDK \(archive.version)"
    try printLine(
      "\(name.name)/ holds the pipeline '\(name.type)' on \(sdk); its README.md says how to build, test and run it")
  }
}

/// The SDK's copy inside a pipeline package.
enum SDKFolder {
  static let name = ".volley-sdk"
  /// Says which SDK the folder holds.
  static let stamp = "VERSION"
}

extension SDKArchive {
  /// What stands in a package's `.volley-sdk/`: the sources and the stamp.
  var folder: [File] {
    let stamp = "version \(version)\ndigest \(digest)\n"
    return sources + [File(path: SDKFolder.stamp, isExecutable: false, bytes: Array(stamp.utf8))]
  }
}

/// The absolute path of a folder that holds a file of that name; nil when it does not.
private func absolutePath(of folder: String, holding file: String) -> String? {
  guard !folder.isEmpty, access("\(folder)/\(file)", R_OK) == 0, let path = realpath(folder, nil) else { return nil }
  defer { free(path) }
  return String(cString: path)
}
