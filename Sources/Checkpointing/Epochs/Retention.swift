import Base

/// What is to be removed from a checkpoint directory.
public struct RetentionPlan: Sendable, Hashable {
  /// Ascending, and to be removed in this order before any file is.
  public var epochs: [Epoch] = []
  /// Names in `files/`.
  public var files: [String] = []
  /// Names in `plugins/`.
  public var plugins: [String] = []

  public var isEmpty: Bool { epochs.isEmpty && files.isEmpty && plugins.isEmpty }
}

/// Keeps the last complete epochs and every savepoint, and nothing that no kept epoch needs.
public enum Retention {
  /// - Parameters:
  ///   - entries: everything that has a number, ascending; no epoch is being completed.
  ///   - keep: how many complete epochs are kept, 1 or more; savepoints are not counted.
  ///   - files: names in `files/`.
  ///   - plugins: names in `plugins/`.
  ///   - usedFiles: contents that the next epoch will name.
  ///   - usedPlugins: digests of plugins that run now.
  public static func plan(
    _ entries: [EpochEntry], keep: Int, files: [String], plugins: [String], usedFiles: [ContentName] = [],
    usedPlugins: [String] = []
  ) -> RetentionPlan {
    precondition(keep >= 1, "retention keeps an epoch")
    var plan = RetentionPlan()
    let oldest = oldestKept(entries, keep)
    var needed = Set(usedFiles.map(\.text))
    var neededPlugins = Set(usedPlugins)
    var isCertain = true
    for entry in entries {
      let isOld = oldest.map { entry.epoch < $0 } ?? false
      switch entry.content {
      case .complete(let manifest):
        if isOld && manifest.kind != .savepoint {
          plan.epochs.append(entry.epoch)
        } else {
          needed.formUnion(manifest.contents.keys.map(\.text))
          neededPlugins.formUnion(manifest.pluginDigests)
        }
      case .sealed, .unfinished:
        if isOld { plan.epochs.append(entry.epoch) }
      case .damaged:
        // What it needed cannot be known, and somebody may mend it.
        if isOld { plan.epochs.append(entry.epoch) } else { isCertain = false }
      }
    }
    guard isCertain else { return plan }
    plan.files = files.filter { !needed.contains($0) }.sorted()
    plan.plugins = plugins.filter { !neededPlugins.contains(String($0.dropLast(3))) || !$0.hasSuffix(".so") }.sorted()
    return plan
  }

  /// The oldest of the epochs that are kept for their number; nil while there are fewer than that many.
  private static func oldestKept(_ entries: [EpochEntry], _ keep: Int) -> Epoch? {
    let line = Recovery.line(entries).filter { $0.kind != .savepoint }
    return line.count >= keep ? line[keep - 1].epoch : nil
  }
}
