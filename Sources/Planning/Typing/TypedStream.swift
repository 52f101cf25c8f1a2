import Arrow

/// What planning knows of the rows on one output of a node.
public struct TypedStream: Sendable {
  public var schema: Schema
  /// The key's columns: of a `keyBy`; else empty.
  public var keys: [Int]
  /// Which column tells a row's event time; nil before `eventTime`, and behind an operator that changed the column.
  public var eventTime: EventTimeColumn?
  /// Whether rows may revise former ones; then the first column is `row_kind`.
  public var isChangelog: Bool

  public init(
    _ schema: Schema, keys: [Int] = [], eventTime: EventTimeColumn? = nil, isChangelog: Bool = false
  ) {
    self.schema = schema
    self.keys = keys
    self.eventTime = eventTime
    self.isChangelog = isChangelog
  }

  /// The names of the key's columns, in its order.
  var keyNames: [String] { keys.map { schema.fields[$0].name } }
}

/// A timestamp column that tells a row's event time.
public struct EventTimeColumn: Sendable, Hashable {
  public var name: String
  /// Microseconds to be added: a window's result belongs to its last microsecond, and has the column `window_end`.
  public var shift: Int64

  public init(_ name: String, shift: Int64 = 0) {
    self.name = name
    self.shift = shift
  }
}
