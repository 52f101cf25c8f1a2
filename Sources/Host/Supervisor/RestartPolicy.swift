/// How often and how soon a worker that died is started again.
struct RestartLimits: Sendable, Hashable {
  /// Restarts in a row.
  var restarts: Int
  /// Before the first restart in a row; each further one waits twice as long.
  var delay: Duration
  var longestDelay: Duration
  /// A worker that lived this long and completed an epoch begins a new row.
  var resetAfter: Duration
  /// How often a plugin that replaced another may die before its first complete epoch.
  var probationDeaths: Int
}

/// What a supervisor does when a worker of a job with checkpoints has died: a decision, without a process or a clock.
struct RestartPolicy: Sendable, Hashable {
  /// How a worker died.
  enum Death: Sendable, Hashable {
    /// Before the job began it told a failure that no restart mends: a wrong flag, a plan or plugin that is refused.
    case refused
    /// By the plugin's fault, as it will again.
    case certain
    /// In any other way: it may live when it is started again.
    case ordinary
  }

  /// A worker's life, as far as it matters here.
  struct Life: Sendable, Hashable {
    var death: Death
    /// It replaced the plugin that made the checkpoint which it went on from.
    var replacedPlugin: Bool
    var completedEpoch: Bool
    var duration: Duration
  }

  enum Decision: Sendable, Hashable {
    /// The same plugin again.
    /// - number: of the restart in its row, from 1.
    case restart(after: Duration, number: Int)
    /// The plugin that made the checkpoint, as the new one died that often without a complete epoch.
    case returnToFormer(after: Duration, deaths: Int)
    /// That many restarts in a row did not help.
    case giveUp(restarts: Int)
    /// A restart does not help.
    case end
  }

  private let limits: RestartLimits
  /// Restarts in a row.
  private var restarts = 0
  /// Deaths of a plugin on probation.
  private var deathsOnProbation = 0
  /// The former plugin runs again: it replaces nothing.
  private var hasReturned = false

  init(_ limits: RestartLimits) { self.limits = limits }

  mutating func decide(_ life: Life) -> Decision {
    if life.death == .refused { return .end }
    if life.completedEpoch {
      deathsOnProbation = 0
      if life.duration >= limits.resetAfter { restarts = 0 }
    }
    let isOnProbation = life.replacedPlugin && !life.completedEpoch && !hasReturned
    if isOnProbation {
      deathsOnProbation += 1
      if deathsOnProbation >= limits.probationDeaths {
        defer {
          hasReturned = true
          restarts = 0
        }
        return .returnToFormer(after: delay, deaths: deathsOnProbation)
      }
    } else if life.death == .certain {
      return .end
    }
    // A plugin on probation is returned, however few restarts are allowed.
    guard restarts < limits.restarts || isOnProbation else { return .giveUp(restarts: restarts) }
    let pause = delay
    restarts += 1
    return .restart(after: pause, number: restarts)
  }

  /// Before the next restart.
  private var delay: Duration {
    var delay = min(limits.delay, limits.longestDelay)
    for _ in 0..<restarts where delay < limits.longestDelay { delay = min(delay * 2, limits.longestDelay) }
    return delay
  }
}
