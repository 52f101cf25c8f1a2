/// What a worker is asked to look for: records on which these functions trap.
struct TrapSearchOrder: Sendable, Hashable {
  /// Their names, or the first 127 bytes of them.
  var functions: [String]
  /// Complete epochs without a find after which the worker stops looking.
  var patience: Int
}

/// What a worker made of its order.
enum TrapSearchState: UInt32, Sendable, Hashable {
  /// It had none.
  case none = 0
  /// It tried each call in a copy of itself first.
  case running = 1
  /// It no longer did: what was found was in a complete epoch.
  case over = 2
  /// Calls of such a function cannot be tried.
  case vain = 3
}

/// Whether the next worker looks for the record on which a function trapped: a decision, without a process.
///
/// A death after which the next worker looks counts neither towards probation nor towards the limit of restarts. So it must not
/// go on for ever: each function is looked for once, and again only after a complete epoch.
struct TrapSearchPolicy: Sendable, Hashable {
  enum Decision: Sendable, Hashable {
    /// The next worker starts at once, and looks.
    case search(TrapSearchOrder)
    /// It was looked for in vain: the death counts like any other.
    case vain
    /// The death has nothing to do with records.
    case none
  }

  /// What the next worker is asked for; nil: nothing.
  private(set) var order: TrapSearchOrder?
  /// How often a search began, which makes the next one more patient: where such records come again and again, most calls are
  /// tried.
  private var searches = 0
  /// Functions that were looked for since the last complete epoch.
  private var sought: Set<String> = []

  private static let mostPatience = 1024

  /// - Parameters:
  ///   - function: in whose call with records the worker died; nil: in none.
  ///   - state: what the worker made of `order`.
  mutating func decide(function: String?, state: TrapSearchState, completedEpoch: Bool) -> Decision {
    if completedEpoch { sought = [] }
    guard let function else {
      // A worker that died of something else has not looked at all of the records.
      if state == .over { order = nil }
      return .none
    }
    let others = order?.functions.filter { $0 != function } ?? []
    let isWanted = order?.functions.contains(function) == true
    // Unless the search was over, it traps where a copy did not: not on a record alone.
    if sought.contains(function) || (isWanted && !(state == .over && completedEpoch)) {
      sought.insert(function)
      order?.functions = others
      if others.isEmpty { order = nil }
      return .vain
    }
    sought.insert(function)
    let next = TrapSearchOrder(
      functions: (state == .running ? others : []) + [function],
      patience: min(1 << min(searches, 20), Self.mostPatience))
    searches += 1
    order = next
    return .search(next)
  }
}
