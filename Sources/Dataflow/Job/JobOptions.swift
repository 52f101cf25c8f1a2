/// How a job runs. The defaults suit one core and a few tasks.
public struct JobOptions: Sendable {
  /// Worker threads. Sources and sinks that block have a thread of their own beside them.
  public var threads: Int
  /// Rows of a full batch: what a source is asked for, and what small batches are held for.
  public var batchRows: Int
  /// The longest that a row is held in front of a channel; zero: not at all.
  public var batchDelay: Duration
  /// The most bytes on a channel, but for one batch that is larger. A channel may hold back as much again to fill a
  /// batch.
  public var channelBytes: Int
  /// The most elements on a channel.
  public var channelBatches: Int
  /// The most bytes that one call of an operator may give beyond what its channels have room for.
  public var waitingBytes: Int
  /// The most bytes that the keyed state of all subtasks may take together.
  public var stateBytes: Int
  /// What it takes for processing time.
  public var clock: ProcessingClock
  /// Where epochs go to and come from; nil: there are none.
  public var checkpoints: (any JobCheckpoints)?

  public init(
    threads: Int = 1, batchRows: Int = 65_536, batchDelay: Duration = .milliseconds(10),
    channelBytes: Int = 4 << 20, channelBatches: Int = 16, waitingBytes: Int = 256 << 20,
    stateBytes: Int = .max, clock: ProcessingClock = .system, checkpoints: (any JobCheckpoints)? = nil
  ) {
    self.threads = threads
    self.batchRows = batchRows
    self.batchDelay = batchDelay
    self.channelBytes = channelBytes
    self.channelBatches = channelBatches
    self.waitingBytes = waitingBytes
    self.stateBytes = stateBytes
    self.clock = clock
    self.checkpoints = checkpoints
  }
}
