import Keys

/// Which part of an operator's state a subtask has.
public struct StatePart: Sendable, Hashable {
  /// Below `parallelism`.
  public let subtask: Int
  public let parallelism: Int
  /// One of `KeyGroup.counts`, the same for the life of the state.
  public let maxKeyGroups: Int
  /// Those of the subtask.
  public let groups: Range<Int>

  public init(subtask: Int, parallelism: Int, maxKeyGroups: Int = KeyGroup.defaultCount) {
    self.subtask = subtask
    self.parallelism = parallelism
    self.maxKeyGroups = maxKeyGroups
    groups = KeyGroupAssignment(maxKeyGroups: maxKeyGroups, parallelism: parallelism).groups(of: subtask)
  }
}

/// What a subtask, of whatever parallelism, left of an operator's state in an epoch.
public struct StateOrigin: Sendable {
  public var part: StatePart
  /// As `StateDatabase.checkpoint` gave them, wherever they are now. Never written to.
  public var files: [StateFile]

  public init(part: StatePart, files: [StateFile]) {
    self.part = part
    self.files = files
  }
}
