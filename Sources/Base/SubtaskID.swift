/// One parallel instance of a task.
public struct SubtaskID: Sendable, Hashable {
  /// Index of the task in the execution graph.
  public var task: Int
  /// Index of the subtask in its task.
  public var index: Int

  public init(task: Int, index: Int) {
    self.task = task
    self.index = index
  }
}
