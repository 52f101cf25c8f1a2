/// A pipeline as data: what crosses from plugin to host.
///
/// The JSON form is part of the contract between them. Unknown fields, kinds and versions are refused by name
/// (`PlanJSON`), never skipped.
public struct Plan: Codable, Sendable, Hashable {
  /// The plan's schema. A host reads its own major and minors up to its own.
  public struct Version: Codable, Sendable, Hashable {
    public var major: Int
    public var minor: Int

    enum CodingKeys: String, CodingKey, CaseIterable { case major, minor }

    public init(major: Int, minor: Int) {
      self.major = major
      self.minor = minor
    }

    public static let current = Version(major: 0, minor: 2)
  }

  public var version: Version
  /// The pipeline's name, also the job's.
  public var name: String
  /// In any order; inputs name other nodes by id.
  public var nodes: [Node]

  enum CodingKeys: String, CodingKey, CaseIterable { case version, name, nodes }

  public init(name: String, nodes: [Node]) {
    version = .current
    self.name = name
    self.nodes = nodes
  }

  /// One operator of the pipeline.
  public struct Node: Codable, Sendable, Hashable {
    /// Unique in the plan; says nothing across versions of a pipeline.
    public var id: Int
    /// The stable name of a source, a sink or a stateful operator: required there, allowed elsewhere, unique in the plan.
    public var uid: String?
    /// How many subtasks; absent: the job's `--parallelism`.
    public var parallelism: Int?
    public var inputs: [Input]
    public var `operator`: Operator

    enum CodingKeys: String, CodingKey, CaseIterable { case id, uid, parallelism, inputs, `operator` }

    public init(id: Int, uid: String?, parallelism: Int? = nil, inputs: [Input], operator: Operator) {
      self.id = id
      self.uid = uid
      self.parallelism = parallelism
      self.inputs = inputs
      self.operator = `operator`
    }
  }

  /// An output of another node. Several nodes may read one output: each sees every row.
  public struct Input: Codable, Sendable, Hashable {
    public var node: Int
    /// Index of that node's output, 0 unless it is a batch function with several.
    public var output: Int

    enum CodingKeys: String, CodingKey, CaseIterable { case node, output }

    public init(node: Int, output: Int = 0) {
      self.node = node
      self.output = output
    }
  }
}
