extension Plan {
  /// What a node does. In JSON an object of one key, the kind.
  public enum Operator: Sendable, Hashable {
    /// No inputs, one output.
    case source(Source)
    /// Keeps the rows for which the condition is true (not false, not null).
    case filter(Filter)
    /// One column an expression.
    case select(Select)
    /// All columns of the input, then one an expression; a name that exists replaces that column in its place.
    case extend(Select)
    /// User code: batch to batches, on one or more outputs.
    case batchFunction(BatchFunction)
    /// Brings equal keys to one subtask; the next node must be keyed.
    case keyBy(KeyBy)
    /// Running aggregates of each key. Input: a `keyBy` node. Output: the key columns, then the aggregates.
    case aggregate(Aggregate)
    /// User code by key, with state and timers. Input: a `keyBy` node.
    case process(Process)
    /// One row of each key. Input: a `keyBy` node.
    case deduplicate(Deduplicate)
    /// The first rows of each key in an order. Input: a `keyBy` node.
    case topN(TopN)
    /// What holds of each key at the end of the input. Input: a `keyBy` node.
    case latest(Latest)
    /// Rows of one key that follow each other. Input: a `keyBy` node.
    case pattern(Pattern)
    /// All rows of all inputs, whose columns must be the same.
    case union(Union)
    /// Which column is the event time; makes watermarks.
    case eventTime(EventTime)
    /// Aggregates of each window's rows.
    case window(Window)
    /// Rows of several streams that belong together. Inputs: `keyBy` nodes.
    case join(Join)
    /// Of each window's rows those of the greatest or the least value.
    case windowChoice(WindowChoice)
    /// One input, no output.
    case sink(Sink)
  }

  public struct Source: Codable, Sendable, Hashable {
    public var implementation: Implementation
    /// The columns; empty: the host's connector finds them in the source's files.
    public var schema: [Field]
    public var badRecords: BadRecords

    enum CodingKeys: String, CodingKey, CaseIterable { case implementation, schema, badRecords }

    public init(implementation: Implementation, schema: [Field], badRecords: BadRecords = .stop) {
      self.implementation = implementation
      self.schema = schema
      self.badRecords = badRecords
    }
  }

  public struct Sink: Codable, Sendable, Hashable {
    public var implementation: Implementation

    enum CodingKeys: String, CodingKey, CaseIterable { case implementation }

    public init(implementation: Implementation) { self.implementation = implementation }
  }

  /// The code behind a source or a sink.
  public enum Implementation: Sendable, Hashable {
    /// The host's or another plugin's connector.
    case connector(Connector)
    /// User code of the pipeline's own plugin, by function id.
    case function(String)
  }

  public struct Connector: Codable, Sendable, Hashable {
    /// "csv", "jsonlines", "generator", …, or the name that a connector plugin gives.
    public var name: String
    /// An object; the connector refuses options that it does not know.
    public var options: JSONValue

    enum CodingKeys: String, CodingKey, CaseIterable { case name, options }

    public init(name: String, options: JSONValue = .object([])) {
      self.name = name
      self.options = options
    }
  }

  /// What becomes of a record that cannot be decoded.
  public enum BadRecords: Sendable, Hashable {
    /// The job ends with file, line and reason.
    case stop
    /// The record, with file, line and reason, is appended to a JSON-lines file at this path.
    case deadLetter(path: String)
  }

  public struct Filter: Codable, Sendable, Hashable {
    public var condition: Expression

    enum CodingKeys: String, CodingKey, CaseIterable { case condition }

    public init(condition: Expression) { self.condition = condition }
  }

  public struct Select: Codable, Sendable, Hashable {
    public var columns: [NamedExpression]

    enum CodingKeys: String, CodingKey, CaseIterable { case columns }

    public init(columns: [NamedExpression]) { self.columns = columns }
  }

  public struct BatchFunction: Codable, Sendable, Hashable {
    /// The id under which the plugin registered it.
    public var function: String
    /// What the author would call it, for `inspect` and reports: "map", "flatMap" or the function's name.
    public var label: String
    /// The columns of the input that it takes, by name and in this order; absent: all of them.
    public var columns: [Field]?
    /// The columns of each output.
    public var outputs: [[Field]]
    /// The code answers later; it has one output then. Absent: it answers at once.
    public var async: AsyncSettings?

    enum CodingKeys: String, CodingKey, CaseIterable { case function, label, columns, outputs, async }

    public init(function: String, label: String, columns: [Field]?, outputs: [[Field]], async: AsyncSettings? = nil) {
      self.function = function
      self.label = label
      self.columns = columns
      self.outputs = outputs
      self.async = async
    }
  }

  public struct KeyBy: Codable, Sendable, Hashable {
    /// A key that is not a plain column is computed and travels with the row under its name. At least one, unless it is every column.
    public var keys: [NamedExpression]
    /// Whether all columns together are the key; absent: no.
    public var everyColumn: Bool?

    enum CodingKeys: String, CodingKey, CaseIterable { case keys, everyColumn }

    public init(keys: [NamedExpression], everyColumn: Bool? = nil) {
      self.keys = keys
      self.everyColumn = everyColumn
    }
  }

  public struct Aggregate: Codable, Sendable, Hashable {
    public var aggregates: [AggregateCall]
    public var emission: Emission

    enum CodingKeys: String, CodingKey, CaseIterable { case aggregates, emission }

    public init(aggregates: [AggregateCall], emission: Emission) {
      self.aggregates = aggregates
      self.emission = emission
    }
  }

  public struct AggregateCall: Codable, Sendable, Hashable {
    /// "count", "sum", "arg_max", …; the host knows which. With `user`, what the author calls it.
    public var function: String
    /// Absent for a count of rows, and with `user`.
    public var argument: Expression?
    /// The name of the column that it makes.
    public var name: String
    /// The value by which `arg_min` and `arg_max` choose a row, and `first` and `last` order the rows when it is there.
    public var by: Expression?
    /// A condition: only rows for which it is true count. Absent: all do.
    public var filter: Expression?
    /// Which quantile `approx_quantile` gives, 0...1; 0.5 is the median.
    public var fraction: Double?
    /// The author's code. Absent: it is one of the host's.
    public var user: UserAggregate?

    enum CodingKeys: String, CodingKey, CaseIterable { case function, argument, name, by, filter, fraction, user }

    public init(
      function: String, argument: Expression?, name: String, by: Expression? = nil, filter: Expression? = nil,
      fraction: Double? = nil, user: UserAggregate? = nil
    ) {
      self.function = function
      self.argument = argument
      self.name = name
      self.by = by
      self.filter = filter
      self.fraction = fraction
      self.user = user
    }
  }

  /// When a running aggregate tells its new value.
  public enum Emission: String, Codable, Sendable, Hashable, CaseIterable {
    /// Each touched key once per batch.
    case perBatch = "per-batch"
    /// Once per input record, in order.
    case perRecord = "per-record"
    /// Each touched key whose results have changed once per batch, as changelog rows: `row_kind`, the key columns, the aggregates. Takes rows that
    /// revise others.
    case changelog
  }

  public struct Union: Codable, Sendable, Hashable {
    public init() {}
    public init(from decoder: any Decoder) throws { try decoder.expectEmptyObject() }
  }
}

extension Plan.Operator {
  /// How many outputs it has.
  public var outputCount: Int {
    switch self {
    case .sink: 0
    case .batchFunction(let function): function.outputs.count
    case .process(let process): process.outputs.count
    case .eventTime(let eventTime): eventTime.undated == .route ? 2 : 1
    case .window(let window): window.lateOutput + (window.late == .route ? 1 : 0)
    case .windowChoice(let choice): choice.late == .route ? 2 : 1
    case .source, .filter, .select, .extend, .keyBy, .aggregate, .union, .join: 1
    case .deduplicate, .topN, .latest: 1
    case .pattern(let pattern): 1 + (pattern.timedOut == .route ? 1 : 0) + (pattern.late == .route ? 1 : 0)
    }
  }
}

extension Plan.Operator: Codable {
  private enum Kind: String, CodingKey, CaseIterable {
    case source, filter, select, extend, batchFunction, keyBy, aggregate, process, union, eventTime, window, join, sink
    case deduplicate, topN, latest, windowChoice, pattern
  }

  public init(from decoder: any Decoder) throws {
    let (kind, container) = try decoder.soleKey(Kind.self, of: "an operator")
    switch kind {
    case .source: self = .source(try container.decode(Plan.Source.self, forKey: kind))
    case .filter: self = .filter(try container.decode(Plan.Filter.self, forKey: kind))
    case .select: self = .select(try container.decode(Plan.Select.self, forKey: kind))
    case .extend: self = .extend(try container.decode(Plan.Select.self, forKey: kind))
    case .batchFunction: self = .batchFunction(try container.decode(Plan.BatchFunction.self, forKey: kind))
    case .keyBy: self = .keyBy(try container.decode(Plan.KeyBy.self, forKey: kind))
    case .aggregate: self = .aggregate(try container.decode(Plan.Aggregate.self, forKey: kind))
    case .process: self = .process(try container.decode(Plan.Process.self, forKey: kind))
    case .deduplicate: self = .deduplicate(try container.decode(Plan.Deduplicate.self, forKey: kind))
    case .topN: self = .topN(try container.decode(Plan.TopN.self, forKey: kind))
    case .latest: self = .latest(try container.decode(Plan.Latest.self, forKey: kind))
    case .pattern: self = .pattern(try container.decode(Plan.Pattern.self, forKey: kind))
    case .union: self = .union(try container.decode(Plan.Union.self, forKey: kind))
    case .eventTime: self = .eventTime(try container.decode(Plan.EventTime.self, forKey: kind))
    case .window: self = .window(try container.decode(Plan.Window.self, forKey: kind))
    case .join: self = .join(try container.decode(Plan.Join.self, forKey: kind))
    case .windowChoice: self = .windowChoice(try container.decode(Plan.WindowChoice.self, forKey: kind))
    case .sink: self = .sink(try container.decode(Plan.Sink.self, forKey: kind))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .source(let value): try container.encode(value, forKey: .source)
    case .filter(let value): try container.encode(value, forKey: .filter)
    case .select(let value): try container.encode(value, forKey: .select)
    case .extend(let value): try container.encode(value, forKey: .extend)
    case .batchFunction(let value): try container.encode(value, forKey: .batchFunction)
    case .keyBy(let value): try container.encode(value, forKey: .keyBy)
    case .aggregate(let value): try container.encode(value, forKey: .aggregate)
    case .process(let value): try container.encode(value, forKey: .process)
    case .deduplicate(let value): try container.encode(value, forKey: .deduplicate)
    case .topN(let value): try container.encode(value, forKey: .topN)
    case .latest(let value): try container.encode(value, forKey: .latest)
    case .pattern(let value): try container.encode(value, forKey: .pattern)
    case .union(let value): try container.encode(value, forKey: .union)
    case .eventTime(let value): try container.encode(value, forKey: .eventTime)
    case .window(let value): try container.encode(value, forKey: .window)
    case .join(let value): try container.encode(value, forKey: .join)
    case .windowChoice(let value): try container.encode(value, forKey: .windowChoice)
    case .sink(let value): try container.encode(value, forKey: .sink)
    }
  }
}

extension Plan.Implementation: Codable {
  private enum Kind: String, CodingKey, CaseIterable { case connector, function }

  public init(from decoder: any Decoder) throws {
    let (kind, container) = try decoder.soleKey(Kind.self, of: "an implementation")
    switch kind {
    case .connector: self = .connector(try container.decode(Plan.Connector.self, forKey: kind))
    case .function: self = .function(try container.decode(String.self, forKey: kind))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .connector(let value): try container.encode(value, forKey: .connector)
    case .function(let value): try container.encode(value, forKey: .function)
    }
  }
}

extension Plan.BadRecords: Codable {
  private enum Kind: String, CodingKey, CaseIterable { case stop, deadLetter }
  private struct Nothing: Codable {
    init() {}
    init(from decoder: any Decoder) throws { try decoder.expectEmptyObject() }
  }
  private struct DeadLetter: Codable {
    var path: String

    enum CodingKeys: String, CodingKey, CaseIterable { case path }
  }

  public init(from decoder: any Decoder) throws {
    let (kind, container) = try decoder.soleKey(Kind.self, of: "a policy for bad records")
    switch kind {
    case .stop:
      _ = try container.decode(Nothing.self, forKey: kind)
      self = .stop
    case .deadLetter: self = .deadLetter(path: try container.decode(DeadLetter.self, forKey: kind).path)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Kind.self)
    switch self {
    case .stop: try container.encode(Nothing(), forKey: .stop)
    case .deadLetter(let path): try container.encode(DeadLetter(path: path), forKey: .deadLetter)
    }
  }
}
