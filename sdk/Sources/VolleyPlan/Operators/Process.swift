extension Plan {
  /// User code by key: each row sees what the function keeps of the row's key, and sets timers for it. Input: a `keyBy` node.
  public struct Process: Codable, Sendable, Hashable {
    /// The id under which the plugin registered it.
    public var function: String
    /// What the author calls it, for `inspect` and reports.
    public var label: String
    /// The columns of the input that it takes, by name and in this order; absent: all of them.
    public var columns: [Field]?
    /// The key's columns as the function takes them, in the order of the `keyBy`; absent: as they are.
    public var key: [Field]?
    /// What it keeps of each key; a call names a state by its place in this list.
    public var states: [State]
    /// The columns of each output.
    public var outputs: [[Field]]

    enum CodingKeys: String, CodingKey, CaseIterable { case function, label, columns, key, states, outputs }

    public init(
      function: String, label: String, columns: [Field]?, key: [Field]?, states: [State], outputs: [[Field]]
    ) {
      self.function = function
      self.label = label
      self.columns = columns
      self.key = key
      self.states = states
      self.outputs = outputs
    }
  }

  /// Something that a function keeps of each key.
  public struct State: Codable, Sendable, Hashable {
    /// Unique in its operator.
    public var name: String
    public var kind: StateKind
    /// The columns of a value, of an item of a list, or of the value of a map's entry.
    public var schema: [Field]
    /// The column of a map's key; absent for other kinds.
    public var mapKey: Field?
    /// Microseconds of processing time after which what was written last is no more; of a map each entry has its own. Absent:
    /// it stays.
    public var timeToLive: Int64?

    enum CodingKeys: String, CodingKey, CaseIterable { case name, kind, schema, mapKey, timeToLive }

    public init(
      name: String, kind: StateKind, schema: [Field], mapKey: Field? = nil, timeToLive: Int64? = nil
    ) {
      self.name = name
      self.kind = kind
      self.schema = schema
      self.mapKey = mapKey
      self.timeToLive = timeToLive
    }
  }

  public enum StateKind: String, Codable, Sendable, Hashable, CaseIterable {
    /// One value a key.
    case value
    /// Items in the order in which they were appended.
    case list
    /// Entries by a key of their own.
    case map
    /// One value a key, that rows are added to.
    case accumulator
  }
}
