import Arrow
import VolleyPlan

/// One named part of an operator's state that outlives the process: entries, each under a key and, within the key,
/// under a namespace.
///
/// Its schema is written into every checkpoint, by which state is printed, compared and migrated without the operator
/// or the plugin.
public struct StateTable: Sendable, Hashable, Codable {
  /// Who has an entry.
  public enum Scope: String, Sendable, Hashable, Codable {
    /// The subtask that has the key's group, whatever the parallelism is.
    case key
    /// The subtask that wrote it. After a restart every subtask of the operator is given the entries of all: what they
    /// say must be the same for all, or such that each can make its own of it. When there are more or fewer subtasks
    /// than there were all these entries are gone then, so each writes its own anew among its first changes.
    case subtask
  }

  /// Unique in the operator, and never changed: it is part of the format.
  public var name: String
  public var scope: Scope
  /// The operator's key columns, as the key table has them; none for the scope `subtask`.
  public var key: [Field]
  /// What tells the entries of one key apart, of types that keys may have: a window's bounds, a number in a sequence, a
  /// map's key. None when a key has one entry.
  public var namespace: [Field]
  public var value: [Field]

  enum CodingKeys: String, CodingKey, CaseIterable { case name, scope, key, namespace, value }

  public init(_ name: String, scope: Scope = .key, key: [Field], namespace: [Field] = [], value: [Field]) {
    precondition(scope == .key || key.isEmpty, "the entries of a subtask have no key")
    self.name = name
    self.scope = scope
    self.key = key
    self.namespace = namespace
    self.value = value
  }

  /// Key and namespace: an entry's address in the table.
  public var address: Schema { Schema(key + namespace) }
  /// Key, namespace and value: an entry.
  public var entry: Schema { Schema(key + namespace + value) }
}
