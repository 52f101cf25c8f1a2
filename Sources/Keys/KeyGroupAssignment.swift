/// Which subtask has which key groups: each a contiguous range, all of nearly the same size. Key group g of G belongs, at
/// parallelism p, to subtask g · p / G (rounded down).
public struct KeyGroupAssignment: Sendable, Hashable {
  public let maxKeyGroups: Int
  public let parallelism: Int
  /// By key group: its subtask.
  private let subtasks: [UInt32]

  /// - Parameters:
  ///   - maxKeyGroups: one of `KeyGroup.counts`.
  ///   - parallelism: 1 ... `maxKeyGroups`; more subtasks would have nothing to do.
  public init(maxKeyGroups: Int = KeyGroup.defaultCount, parallelism: Int) {
    precondition(KeyGroup.counts.contains(maxKeyGroups), "there are \(KeyGroup.counts) key groups")
    precondition(parallelism >= 1 && parallelism <= maxKeyGroups, "each subtask has a key group")
    self.maxKeyGroups = maxKeyGroups
    self.parallelism = parallelism
    subtasks = (0..<maxKeyGroups).map { UInt32($0 * parallelism / maxKeyGroups) }
  }

  /// The subtask that has the key group.
  public func subtask(of group: KeyGroup) -> Int { Int(subtasks[group.index]) }

  /// The key groups of a subtask.
  public func groups(of subtask: Int) -> Range<Int> {
    precondition(subtask >= 0 && subtask < parallelism, "a subtask is below the parallelism")
    func start(_ subtask: Int) -> Int { (subtask * maxKeyGroups + parallelism - 1) / parallelism }
    return start(subtask)..<start(subtask + 1)
  }

  /// The subtask of each of `count` hashes.
  public func targets(
    _ hashes: UnsafePointer<UInt64>, count: Int, into targets: UnsafeMutablePointer<UInt32>
  ) {
    let groups = UInt64(maxKeyGroups)
    subtasks.withUnsafeBufferPointer { subtasks in
      // Below the count, so inside the table, in both loops.
      if groups & (groups - 1) == 0 {
        for row in 0..<count { targets[row] = subtasks[Int(hashes[row] & (groups - 1))] }
      } else {
        for row in 0..<count { targets[row] = subtasks[Int(hashes[row] % groups)] }
      }
    }
  }
}
