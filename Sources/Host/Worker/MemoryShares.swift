import Dataflow

/// How `--memory-limit` is shared out among the parts of a job that hold batches.
struct MemoryShares: Sendable, Hashable {
  /// The bound of each channel.
  var channelBytes: Int
  /// What one subtask may hold for which its channels have no room.
  var waitingBytes: Int

  /// Free blocks that are kept for the next batches.
  var idleBytes: Int

  /// What keyed state may take: what is not given away elsewhere, but for what the program itself needs.
  var stateBytes: Int
  /// What the caches and buffers of all databases may take together.
  var databaseBytes = 0

  /// User code has to do with what others leave.
  ///
  /// - Parameters:
  ///   - channels: between all subtasks. Each may hold its bound twice: queued, and held back to fill a batch.
  ///   - subtasks: of all tasks.
  ///   - keepsState: state is kept in databases, which take a part of what it may take. What channels cannot use is the
  ///     state's then, which can use all.
  init(limit: Int, channels: Int, subtasks: Int, keepsState: Bool = false) {
    channelBytes = min(max(limit / 4 / (2 * max(1, channels)), Self.smallestChannel), Self.largestChannel)
    waitingBytes = min(max(limit / 4 / max(1, subtasks), Self.smallestWaiting), Self.largestWaiting)
    idleBytes = min(limit / 8, Self.largestIdle)
    stateBytes = max(limit * 3 / 8 - Self.program, limit / 8)
    guard keepsState else { return }
    stateBytes += max(0, limit / 4 - 2 * max(1, channels) * channelBytes)
    databaseBytes = min(max(stateBytes / 4, Self.smallestDatabases), Self.largestDatabases)
    stateBytes = max(stateBytes - databaseBytes, stateBytes / 2)
  }

  /// - Parameter keepsState: state is kept in databases.
  init(limit: Int, graph: JobGraph, keepsState: Bool = false) {
    var channels = 0
    for edge in graph.edges {
      let (from, to) = (graph.tasks[edge.from].parallelism, graph.tasks[edge.to].parallelism)
      if case .forward = edge.exchange { channels += from } else { channels += from * to }
    }
    self.init(
      limit: limit, channels: channels, subtasks: graph.tasks.reduce(0) { $0 + $1.parallelism }, keepsState: keepsState)
  }

  /// A channel smaller than this passes batches of a few rows, and one larger than a core's caches gains nothing.
  static let smallestChannel = 64 << 10
  static let largestChannel = 4 << 20
  static let smallestWaiting = 1 << 20
  static let largestWaiting = 256 << 20
  static let smallestDatabases = 16 << 20
  static let largestDatabases = 1 << 30
  static let largestIdle = 256 << 20
  /// What a worker takes before its first row.
  static let program = 32 << 20
}
