/// A file of a database at an epoch.
public struct StateFile: Sendable, Hashable {
  /// What the database calls it, without a folder: the name that it is to have again when the state is restored.
  public var name: String
  /// Where it is now.
  public var path: String
  public var byteCount: Int

  public init(name: String, path: String, byteCount: Int) {
    self.name = name
    self.path = path
    self.byteCount = byteCount
  }

  /// Whether the file is never written to again, so that it may have names in several folders, and a file of that name
  /// in a later epoch of the same `StateDatabase` has the same content; of another one, also in the same folder, it may
  /// have any. The others are small and are copied.
  public var isImmutable: Bool { name.hasSuffix(".sst") }
}
