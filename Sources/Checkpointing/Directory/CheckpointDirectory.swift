import Base

/// The folder in which a job's epochs lie:
///
///     epoch-N/manifest.json    one complete epoch, or the seal of a number that none is to have
///     epoch-N/published        that there was a manifest
///     files/CONTENT            files of databases, each once, named by content and never written again
///     plugins/SHA256.so        the plugins that the manifests name
///     lease/G                  who owns the directory in generation G
///
/// Reading needs no ownership, and may meet an epoch that retention is about to remove. What writes is for the owner
/// alone.
public struct CheckpointDirectory: Sendable {
  public let path: String
  public let storage: any Storage

  /// - Parameter path: absolute, or to stay so while the process runs.
  public init(_ path: String, storage: any Storage = DiskStorage()) {
    var path = path
    while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
    self.path = path
    self.storage = storage
  }

  /// As messages name it.
  public var place: String { "checkpoint directory \(path)" }

  var filesFolder: String { "\(path)/files" }
  var pluginsFolder: String { "\(path)/plugins" }

  func folder(of epoch: Epoch) -> String { "\(path)/epoch-\(epoch.number)" }

  static let manifestName = "manifest.json"
  /// Holds the digest of the manifest that is the epoch's. Made when that is durable, and gone before it is removed: a
  /// manifest that is missing beside it was taken away by somebody else. On a file system without hard links the
  /// manifest is a file `manifest-GENERATION.json`, and this is what makes it the epoch's.
  static let markerName = "published"

  public func path(of content: ContentName) -> String { "\(filesFolder)/\(content.text)" }

  public func path(ofPlugin sha256: String) -> String { "\(pluginsFolder)/\(sha256).so" }

  /// Runs steps of the storage and tells what went wrong as a sentence.
  func steps<Result>(_ body: () throws(StorageProblem) -> Result) throws(Failure) -> Result {
    do throws(StorageProblem) { return try body() } catch { throw error.failure(place) }
  }

  /// Makes the folders that are not there, so that they last.
  public func prepare() throws(Failure) {
    try steps { () throws(StorageProblem) in
      try makeFolders(path)
      for folder in [filesFolder, pluginsFolder] { try storage.makeFolder(folder, in: path) }
    }
  }

  func makeFolders(_ path: String) throws(StorageProblem) {
    let parent = Self.parent(of: path)
    do throws(StorageProblem) { try storage.makeFolder(path, in: parent) } catch {
      guard error.isMissing, parent != path else { throw error }
      try makeFolders(parent)
      try storage.makeFolder(path, in: parent)
    }
  }

  static func parent(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    let parent = String(path[..<slash])
    return parent.isEmpty ? "/" : parent
  }
}
