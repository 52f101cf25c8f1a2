import Arrow
import Base

/// What a job runs: tasks, and the channels between them. Made by `Planning`, which knows what the operators mean; here they
/// are only run.
public struct JobGraph {
  public var name: String
  public var tasks: [Task]
  public var edges: [Edge]

  public init(name: String, tasks: [Task], edges: [Edge]) {
    self.name = name
    self.tasks = tasks
    self.edges = edges
  }

  /// A chain of operators that runs as one unit, in `parallelism` subtasks.
  public struct Task {
    /// For logs and reports: the labels of its operators, "orders → filter → select".
    public var name: String
    public var parallelism: Int
    public var head: Head
    /// In topological order: each step's consumers stand behind it. Empty for a bare source.
    public var steps: [Step]
    /// By input (a source counts as one): everybody who takes its rows, steps or outputs of the task.
    public var entry: [[Target]]
    /// How many outputs edges may leave from; 0 for a task that ends in sinks.
    public var outputCount: Int

    public init(
      name: String, parallelism: Int, head: Head, steps: [Step], entry: [[Target]], outputCount: Int
    ) {
      self.name = name
      self.parallelism = parallelism
      self.head = head
      self.steps = steps
      self.entry = entry
      self.outputCount = outputCount
    }
  }

  /// Where a task's rows come from.
  public enum Head {
    case source(label: String, uid: String, make: (SubtaskContext) throws(Failure) -> any Source)
    /// Channels, `count` logical inputs, each of which edges lead to.
    case inputs(count: Int)
  }

  /// One operator or sink of a chain.
  public struct Step {
    /// What a report calls it: "filter", "aggregate revenue", "sink out".
    public var label: String
    public var uid: String?
    public var body: Body
    /// By output: who takes its rows. Empty for a sink.
    public var outputs: [[Target]]

    public init(label: String, uid: String?, body: Body, outputs: [[Target]]) {
      self.label = label
      self.uid = uid
      self.body = body
      self.outputs = outputs
    }
  }

  public enum Body {
    case `operator`((SubtaskContext) throws(Failure) -> any Operator)
    case sink((SubtaskContext) throws(Failure) -> any Sink)
  }

  /// A consumer inside a task.
  public enum Target: Hashable {
    /// Step `index`, as its input `input`.
    case step(index: Int, input: Int)
    /// Output `index` of the task: every edge that leaves from it.
    case output(Int)
  }

  /// A bundle of channels from each subtask of one task to subtasks of another.
  public struct Edge {
    public var from: Int
    public var output: Int
    public var to: Int
    public var input: Int
    public var exchange: Exchange
    public var schema: Schema
    /// What it is when it is not what drives the task; an input is that as a whole.
    public var side: SideInput?

    public init(
      from: Int, output: Int, to: Int, input: Int, exchange: Exchange, schema: Schema, side: SideInput? = nil
    ) {
      self.from = from
      self.output = output
      self.to = to
      self.input = input
      self.exchange = exchange
      self.schema = schema
      self.side = side
    }
  }

  /// An input whose event time does not count: the task's watermark is that of the others, of which there is one.
  public enum SideInput: Sendable, Hashable {
    /// Read beside the others.
    case live
    /// Read to its end before the others are read at all. What feeds it must not wait for what feeds them.
    case awaited
  }

  /// Which subtask gets which row.
  public enum Exchange {
    /// Subtask i to subtask i modulo the receivers: the rows of a subtask stay together and in order. Where there are fewer
    /// senders than receivers, another edge has to lead to the rest.
    case forward
    /// Whole batches in turn.
    case rebalance
    /// Each row to the subtask that a partitioner says.
    case partition(() -> any Partitioner)
    /// Every row to every subtask: the batches are shared, not copied. Each channel counts them whole.
    case broadcast
  }
}
