import Base
import CPlatform
import Glibc

/// Where the dynamic loader would find the libraries that a plugin needs: ld.so(8), "DESCRIPTION".
struct LibrarySearch {
  private let image: ElfImage
  private let origin: String

  init(_ image: ElfImage, pluginPath: String) {
    self.image = image
    origin = pluginPath.lastIndex(of: "/").map { String(pluginPath[..<$0]) } ?? "."
  }

  /// Refuses a plugin whose libraries are not there, and one that would run on a Swift runtime of another version.
  func check(_ path: String, builtWith: String) throws(Failure) {
    let missing = image.needed.filter { Self.loadedPath(of: $0) == nil && find($0) == nil }
    if let runtime = missing.first(where: { $0.hasPrefix("libswift") }) {
      throw Failure(
        .plugin,
        "plugin '\(path)' needs the shared Swift runtime (\(runtime)), which this machine does not have; build the "
          + "self-contained release with ./build.sh in the plugin's package")
    }
    if !missing.isEmpty {
      let libraries = missing.map { "'\($0)'" }.joined(separator: ", ")
      let noun = missing.count == 1 ? "the library" : "the libraries"
      throw Failure(
        .plugin,
        "plugin '\(path)' needs \(noun) \(libraries), which this machine does not have; install what brings it, or put it "
          + "beside the plugin and link with -rpath '$ORIGIN'")
    }
    if image.needed.contains(PluginFile.swiftCore) { try checkSwiftCore(path) }
  }

  /// One process can hold one shared Swift runtime: a second plugin gets the first one's, whatever it was built for.
  private func checkSwiftCore(_ path: String) throws(Failure) {
    guard let loaded = Self.loadedPath(of: PluginFile.swiftCore), let own = find(PluginFile.swiftCore),
      !Self.areSame(loaded, own)
    else { return }
    throw Failure(
      .plugin,
      "plugin '\(path)' needs the shared Swift runtime '\(own)', but this process already holds another version, '\(loaded)'; "
        + "build the self-contained release with ./build.sh in the plugin's package")
  }

  // MARK: Finding

  /// The path of the file that the loader would take.
  func find(_ library: String) -> String? {
    if library.contains("/") { return access(library, R_OK) == 0 ? library : nil }
    for folder in folders {
      let path = "\(folder)/\(library)"
      if isFitting(path) { return path }
    }
    if let cached = LibraryCache.shared.paths(of: library).first(where: isFitting) { return cached }
    for folder in Self.systemFolders where isFitting("\(folder)/\(library)") { return "\(folder)/\(library)" }
    return nil
  }

  private var folders: [String] {
    let environment = getenv("LD_LIBRARY_PATH").map { String(cString: $0) } ?? ""
    let fromEnvironment = environment.split(whereSeparator: { $0 == ":" || $0 == ";" }).map(String.init)
    let own = image.searchPath.map(expand)
    return image.searchPathIsRunpath ? fromEnvironment + own : own + fromEnvironment
  }

  private static let systemFolders =
    ["/lib/\(Machine.libraryFolder)", "/usr/lib/\(Machine.libraryFolder)", "/lib64", "/usr/lib64", "/lib", "/usr/lib"]

  private func expand(_ folder: String) -> String {
    var result = ""
    var rest = folder[...]
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[dollar...]
      if let name = ["${ORIGIN}", "$ORIGIN"].first(where: { rest.hasPrefix($0) }) {
        result += origin
        rest = rest.dropFirst(name.count)
      } else {
        result += "$"
        rest = rest.dropFirst()
      }
    }
    return result + rest
  }

  /// Whether a file is there and is a 64-bit ELF file for this machine; the loader passes over others.
  private func isFitting(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return withUnsafeTemporaryAllocation(byteCount: 20, alignment: 8) { header in
      guard read(descriptor, header.baseAddress, 20) == 20 else { return false }
      return header.prefix(5).elementsEqual([0x7f, 0x45, 0x4c, 0x46, 2])
        && header.load(fromByteOffset: 18, as: UInt16.self) == Machine.number
    }
  }

  /// Where a library of this process was loaded from, nil if it holds none of that name.
  private static func loadedPath(of library: String) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { path in
      // The buffer has room for a path, so it has an address.
      platform_loaded_library(library, path.baseAddress!, path.count) == 1 ? String(cString: path.baseAddress!) : nil
    }
  }

  /// Whether two libraries are one file, or copies of one build.
  private static func areSame(_ left: String, _ right: String) -> Bool {
    var leftStatus = stat()
    var rightStatus = stat()
    guard stat(left, &leftStatus) == 0, stat(right, &rightStatus) == 0 else { return false }
    if leftStatus.st_dev == rightStatus.st_dev && leftStatus.st_ino == rightStatus.st_ino { return true }
    guard let leftID = buildID(of: left), let rightID = buildID(of: right) else { return false }
    return leftID == rightID
  }

  private static func buildID(of path: String) -> [UInt8]? {
    guard let file = try? MappedFile(path),
      Stranger.of(file.bytes) == nil,
      let image = try? ElfImage(
        ByteView(bytes: file.bytes), noteOwner: PluginNote.owner, noteType: 0, section: PluginNote.section, symbol: "-"),
      !image.buildID.isEmpty
    else { return nil }
    return image.buildID
  }
}
