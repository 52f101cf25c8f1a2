import Base

/// What the operators of a chain may know of their subtask's input. Used by the thread that runs the subtask.
public final class InputCursor: @unchecked Sendable {  // One thread at a time: that which runs the subtask.
  public init() {}

  /// Since when the subtask has looked for input and found none; nil while there is some, and while it does not look because
  /// its outputs have no room or its source is held back. What waits for rows that do not come counts from here: time in
  /// which nobody looked for them is not time in which there were none.
  public internal(set) var quietSince: ProcessingTime?
}
