/// The unit of keyed state that moves when a cluster is rescaled: all keys whose hashes are equal modulo `maxKeyGroups`.
///
/// A hash table inside one key group or subtask takes its slot from the hash's upper bits: the lower ones decided the group.
public struct KeyGroup: Sendable, Hashable, Comparable {
  /// 0 ..< the number of key groups.
  public var index: Int

  public init(_ index: Int) { self.index = index }

  /// How many key groups a pipeline has when its author does not say.
  public static let defaultCount = 256
  /// How many it may have.
  public static let counts = 1...32768

  /// The key group of a key of that hash.
  public static func of(_ hash: UInt64, maxKeyGroups: Int) -> KeyGroup {
    KeyGroup(Int(truncatingIfNeeded: hash % UInt64(maxKeyGroups)))
  }

  public static func < (left: KeyGroup, right: KeyGroup) -> Bool { left.index < right.index }
}
