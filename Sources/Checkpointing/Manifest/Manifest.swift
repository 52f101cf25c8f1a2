import Base
import VolleyPlan

/// One complete epoch as a document: all that a job needs to go on from it, and all that a person needs to look into
/// it without the plugin.
///
/// Its form is versioned and lasts: a manifest that any released version wrote is read for ever.
public struct Manifest: Codable, Sendable, Hashable {
  /// The form that this version writes, and the newest that it reads.
  public static let currentFormat = 1

  public enum Kind: String, Codable, CaseIterable, Sendable {
    case checkpoint
    /// Asked for by somebody: retention never deletes it.
    case savepoint
    /// Taken when all input had ended: nothing is left to process behind it.
    case final
  }

  public var format: Int
  /// The job's name: that of its pipeline.
  public var job: String
  public var epoch: Epoch
  public var kind: Kind
  /// Microseconds since 1970 on the wall clock of the machine that completed it.
  public var created: Int64
  /// Who completed it.
  public var generation: Generation
  public var cost: Cost
  public var plugin: Plugin
  /// Plugins whose connectors, codecs or functions the job uses, the pipeline's own left out.
  public var connectors: [Plugin]
  /// How the plugins were put to use, so that they can be again.
  public var launch: Launch
  /// As it crossed from the plugin, in the version that it had then.
  public var plan: JSONValue
  /// Fixed for the life of the state.
  public var maxKeyGroups: Int
  /// Sources, stateful operators and transactional sinks.
  public var stages: [Stage]

  enum CodingKeys: String, CodingKey, CaseIterable {
    case format, job, epoch, kind, created, generation, cost, plugin, connectors, launch, plan, maxKeyGroups, stages
  }

  public init(
    job: String, epoch: Epoch, kind: Kind, created: ProcessingTime, generation: Generation, cost: Cost = Cost(),
    plugin: Plugin, connectors: [Plugin] = [], launch: Launch, plan: JSONValue, maxKeyGroups: Int, stages: [Stage]
  ) {
    format = Self.currentFormat
    self.job = job
    self.epoch = epoch
    self.kind = kind
    self.created = created.microseconds
    self.generation = generation
    self.cost = cost
    self.plugin = plugin
    self.connectors = connectors
    self.launch = launch
    self.plan = plan
    self.maxKeyGroups = maxKeyGroups
    self.stages = stages
  }

  public func stage(_ id: String) -> Stage? { stages.first { $0.id == id } }

  /// Every file that it names, each content once, in no order.
  public var contents: [ContentName: Int64] {
    var contents: [ContentName: Int64] = [:]
    for stage in stages {
      for subtask in stage.subtasks { for file in subtask.files { contents[file.content] = file.size } }
    }
    return contents
  }

  /// The digests of all plugins that it needs.
  public var pluginDigests: [String] { ([plugin] + connectors).map(\.sha256) }
}

extension Manifest {
  /// What the epoch took.
  public struct Cost: Codable, Sendable, Hashable {
    /// From its start to just before it was published.
    public var microseconds: Int64
    /// Bytes of files that no earlier epoch had brought.
    public var newBytes: Int64

    enum CodingKeys: String, CodingKey, CaseIterable { case microseconds, newBytes }

    public init(microseconds: Int64 = 0, newBytes: Int64 = 0) {
      self.microseconds = microseconds
      self.newBytes = newBytes
    }
  }

  /// A plugin as it was when the epoch was taken; the file itself is kept by its digest.
  public struct Plugin: Codable, Sendable, Hashable {
    public var name: String
    /// Its author's.
    public var version: String?
    /// 64 digits.
    public var sha256: String
    /// Of the boundary, as "0.4".
    public var abi: String?
    public var sdk: String?
    public var compiler: String?

    enum CodingKeys: String, CodingKey, CaseIterable { case name, version, sha256, abi, sdk, compiler }

    public init(
      name: String, version: String? = nil, sha256: String, abi: String? = nil, sdk: String? = nil,
      compiler: String? = nil
    ) {
      self.name = name
      self.version = version
      self.sha256 = sha256
      self.abi = abi
      self.sdk = sdk
      self.compiler = compiler
    }
  }

  /// What a command line says of the plugins: with it, the plugins that made an epoch run again.
  public struct Launch: Codable, Sendable, Hashable {
    /// Which of the plugin's pipelines.
    public var pipeline: String
    /// An object, parameter to value, of those that were given.
    public var parameters: JSONValue
    /// Digests of the plugins that were named for their connectors, in that order.
    public var connectors: [String]
    /// Digests of the plugins that were named for their codecs, in that order.
    public var codecs: [String]

    enum CodingKeys: String, CodingKey, CaseIterable { case pipeline, parameters, connectors, codecs }

    public init(
      pipeline: String, parameters: JSONValue = .object([]), connectors: [String] = [], codecs: [String] = []
    ) {
      self.pipeline = pipeline
      self.parameters = parameters
      self.connectors = connectors
      self.codecs = codecs
    }
  }

  /// One source, operator or sink.
  public struct Stage: Codable, Sendable, Hashable {
    public enum Role: String, Codable, CaseIterable, Sendable {
      case source, `operator`, sink
    }

    /// Its uid; of one without, a name made of its place in the pipeline.
    public var id: String
    public var uid: String?
    public var role: Role
    /// For people: "window", "csv".
    public var label: String?
    public var parallelism: Int
    /// An operator's, in their order.
    public var tables: [Table]
    /// By index; all of them.
    public var subtasks: [Subtask]

    enum CodingKeys: String, CodingKey, CaseIterable { case id, uid, role, label, parallelism, tables, subtasks }

    public init(
      id: String, uid: String? = nil, role: Role, label: String? = nil, parallelism: Int, tables: [Table] = [],
      subtasks: [Subtask]
    ) {
      self.id = id
      self.uid = uid
      self.role = role
      self.label = label
      self.parallelism = parallelism
      self.tables = tables
      self.subtasks = subtasks
    }
  }

  /// The schema of one part of an operator's state.
  public struct Table: Codable, Sendable, Hashable {
    public enum Scope: String, Codable, CaseIterable, Sendable {
      case key, subtask
    }

    public var name: String
    public var scope: Scope
    public var key: [Field]
    public var namespace: [Field]
    public var value: [Field]

    enum CodingKeys: String, CodingKey, CaseIterable { case name, scope, key, namespace, value }

    public init(_ name: String, scope: Scope, key: [Field], namespace: [Field], value: [Field]) {
      self.name = name
      self.scope = scope
      self.key = key
      self.namespace = namespace
      self.value = value
    }
  }

  /// One parallel instance of a stage: of the lists, those that its role has.
  public struct Subtask: Codable, Sendable, Hashable {
    public var keyGroups: KeyGroups?
    /// An operator's database.
    public var files: [File]
    /// A source's, as `ReplayableSource` gave them.
    public var positions: [Position]
    /// A sink's, as `TransactionalSink` gave them: all that is to be committed when the epoch is complete.
    public var transactions: [String]
    /// Of a source: it had given all its rows and told that they were all. Absent: it had not, or that was not noted.
    public var hasEnded: Bool?

    enum CodingKeys: String, CodingKey, CaseIterable { case keyGroups, files, positions, transactions, hasEnded }

    public init(
      keyGroups: KeyGroups? = nil, files: [File] = [], positions: [Position] = [], transactions: [String] = [],
      hasEnded: Bool? = nil
    ) {
      self.hasEnded = hasEnded
      self.keyGroups = keyGroups
      self.files = files
      self.positions = positions
      self.transactions = transactions
    }
  }

  public struct KeyGroups: Codable, Sendable, Hashable {
    public var first: Int
    public var count: Int

    enum CodingKeys: String, CodingKey, CaseIterable { case first, count }

    public init(_ range: Range<Int>) {
      first = range.lowerBound
      count = range.count
    }

    public var range: Range<Int> { first..<(first + count) }
  }

  /// One file of a database, kept by its content.
  public struct File: Codable, Sendable, Hashable {
    /// In the database's folder.
    public var name: String
    public var content: ContentName
    /// Bytes.
    public var size: Int64

    enum CodingKeys: String, CodingKey, CaseIterable { case name, content, size }

    public init(name: String, content: ContentName, size: Int64) {
      self.name = name
      self.content = content
      self.size = size
    }
  }

  /// How far a split was read.
  public struct Position: Codable, Sendable, Hashable {
    public var split: String
    /// JSON of the source's own, as text.
    public var position: String

    enum CodingKeys: String, CodingKey, CaseIterable { case split, position }

    public init(split: String, position: String) {
      self.split = split
      self.position = position
    }
  }
}
