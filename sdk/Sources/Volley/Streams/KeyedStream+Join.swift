import VolleyPlan

extension KeyedStream {
  /// The rows of this stream (left) and of another (right) that belong together: whose keys are equal, that are within
  /// `bounds`, and for which `condition` is true. A key that is null equals none.
  ///
  /// The result has the columns of the left stream, then those of the right one; a semi or anti join has the left ones
  /// only. A key's column that has one name on both sides comes once. Rows that are told before it is known that they
  /// have no partner make the result a changelog: an unbounded left, right, full or anti join begins with `row_kind`.
  /// Joins on intervals and windows give new rows only, and have an event time: that of the left row (the right one's
  /// in a right join, none in a full one), or of the window.
  ///
  ///     auctions.keyBy("id").join(
  ///       bids.keyBy("auction"), .inner, on: .unbounded(), where: col("price") >= col("reserve"),
  ///       sharedNames: .prefixed("auction_", "bid_"), uid: "auctions-with-bids")
  ///
  /// - Parameters:
  ///   - other: keyed by as many columns, of the same types.
  ///   - condition: over the columns of both sides, under their names in the result.
  ///   - sharedNames: what names that both sides have get in the result; by default they are refused.
  ///   - uid: the stable name in this pipeline, under which the state is kept.
  public func join(
    _ other: KeyedStream, _ kind: JoinKind = .inner, on bounds: JoinBounds, where condition: ColumnExpression? = nil,
    sharedNames: SharedNames? = nil, uid: String
  ) -> DataStream {
    joined([self, other], kind, bounds, condition, sharedNames, uid)
  }

  /// The rows of this stream and of several others whose keys are equal, that are in one window, and for which
  /// `condition` is true: the columns of each in turn, then `window_start` and `window_end`. A key that is null equals
  /// none.
  ///
  /// - Parameters:
  ///   - others: keyed by as many columns, of the same types.
  ///   - assigner: any but of counts and inherited ones.
  ///   - condition: over the columns of all, under their names in the result.
  ///   - sharedNames: what names that several have get in the result, a text for each stream; by default they are
  ///     refused.
  ///   - uid: the stable name in this pipeline, under which the state is kept.
  public func join(
    _ others: [KeyedStream], window assigner: WindowAssigner, where condition: ColumnExpression? = nil,
    sharedNames: SharedNames? = nil, uid: String
  ) -> DataStream {
    joined([self] + others, .inner, .window(assigner), condition, sharedNames, uid)
  }

  private func joined(
    _ streams: [KeyedStream], _ kind: JoinKind, _ bounds: JoinBounds, _ condition: ColumnExpression?,
    _ sharedNames: SharedNames?, _ uid: String
  ) -> DataStream {
    let place = "join '\(uid)'"
    for stream in streams where stream.environment !== environment {
      environment.report("\(place) takes a stream of another environment: use streams of one `build`")
    }
    if let condition { environment.register(condition.functions) }
    let result = environment.add(
      .join(
        Plan.Join(
          kind: kind.plan, bounds: bounds.plan(environment, place), condition: condition?.expression,
          sharedNames: sharedNames?.plan)), inputs: streams.map(\.input), uid: uid)
    if let parallelism = streams.lazy.compactMap(\.parallelism).first {
      environment.setParallelism(parallelism, of: result.input.node)
    }
    return result
  }
}

/// Which rows a join gives.
public enum JoinKind: Sendable {
  /// Pairs only.
  case inner
  /// And the left rows that have no partner, with nulls.
  case left
  /// And the right rows that have no partner, with nulls.
  case right
  /// And both.
  case full
  /// The left rows that have a partner, each once.
  case semi
  /// The left rows that have none.
  case anti

  var plan: Plan.JoinKind {
    switch self {
    case .inner: .inner
    case .left: .left
    case .right: .right
    case .full: .full
    case .semi: .semi
    case .anti: .anti
    }
  }
}

/// Which rows of the same key can be partners. Parts of durations finer than microseconds are dropped.
public struct JoinBounds: Sendable {
  enum Kind: Sendable {
    case unbounded(timeToLive: Duration?)
    case interval(lower: Duration, upper: Duration)
    case window(WindowAssigner)
    case version
    case side(Plan.SideJoin)
  }

  let kind: Kind

  /// Any two that are kept at the same time.
  ///
  /// - Parameter timeToLive: how long a row is kept, on the clock of those who process; nil: for ever, and so in memory
  ///   that grows with each row. A partner that is kept no longer changes nothing that was told, and neither does a row
  ///   that a changelog takes back when it is kept no longer: it is counted among the late rows.
  public static func unbounded(timeToLive: Duration? = nil) -> JoinBounds {
    JoinBounds(kind: .unbounded(timeToLive: timeToLive))
  }

  /// Two rows of which the right one's event time is at least the left one's plus `lower`, and at most that plus
  /// `upper`. A row is kept until the watermark says that it has no partner to come.
  ///
  /// - Parameters:
  ///   - lower: negative where the right row may come before the left one.
  ///   - upper: at least `lower`.
  public static func interval(lower: Duration, upper: Duration) -> JoinBounds {
    JoinBounds(kind: .interval(lower: lower, upper: upper))
  }

  /// Rows of the same window of event time. The result has `window_start` and `window_end` behind the other columns,
  /// and is told when the window ends.
  ///
  /// `.inherited` joins the results of two windows, as soon as both are there: their windows are equal as their keys
  /// are, and the columns `window_start` and `window_end` of both come once.
  public static func window(_ assigner: WindowAssigner) -> JoinBounds { JoinBounds(kind: .window(assigner)) }

  /// A left row, and the version of its key that held at its event time: the last right row that is not later, of
  /// several of one time the last to come. A left row is told when the watermark has passed it. The right stream may be
  /// a changelog: a row that an update takes back holds until the time of the one that takes its place, also where that
  /// has another key, and "-D" ends it at its own event time. For inner, left, semi and anti joins.
  public static var versioned: JoinBounds { JoinBounds(kind: .version) }

  /// A left row when it comes, and the rows of a bounded right stream, which is read to its end before the left one is.
  /// For inner, left, semi and anti joins; the right stream needs sources of its own.
  ///
  /// - Parameter placement: where the right rows are kept.
  public static func lookup(_ placement: SidePlacement = .everySubtask) -> JoinBounds {
    JoinBounds(kind: .side(Plan.SideJoin(spread: placement.plan, awaited: true, keep: .all)))
  }

  /// A left row when it comes, and the right rows that have come by then, which every subtask keeps. For inner, left,
  /// semi and anti joins. The right stream's watermark does not count.
  ///
  /// - Parameter kept: by default the last row of each key; then the right stream may be a changelog.
  public static func broadcast(keeping kept: SideRows = .latest) -> JoinBounds {
    JoinBounds(kind: .side(Plan.SideJoin(spread: .broadcast, awaited: false, keep: kept.plan)))
  }

  func plan(_ environment: StreamExecutionEnvironment, _ place: String) -> Plan.JoinBounds {
    switch kind {
    case .version: return .version
    case .side(let side): return .side(side)
    case .unbounded(let timeToLive):
      if let timeToLive, timeToLive < .microseconds(1) {
        environment.report("\(place): the time to live is \(timeToLive.text); give at least a microsecond")
      }
      return .unbounded(.init(timeToLive: timeToLive.map { environment.microseconds($0, place) }))
    case .interval(let lower, let upper):
      if lower > upper {
        environment.report("\(place): the interval is from \(lower.text) to \(upper.text); the lower bound comes first")
      }
      return .interval(
        .init(lower: environment.microseconds(lower, place), upper: environment.microseconds(upper, place)))
    case .window(let assigner): return .window(.init(assigner: assigner.plan(environment, place)))
    }
  }
}

/// Where rows that are looked up are kept.
public enum SidePlacement: Sendable {
  /// All in each subtask, so that the left rows stay where they are: for small tables.
  case everySubtask
  /// Each in the subtask of its key: for large ones.
  case byKey

  var plan: Plan.SideSpread { self == .everySubtask ? .broadcast : .key }
}

/// Which of the rows of a key are kept.
public enum SideRows: Sendable {
  case all
  /// The last to come; of a changelog the last to come that was not taken back.
  case latest

  var plan: Plan.SideRows { self == .all ? .all : .latest }
}

/// What names that several sides of a join have get in its result, a text for each side, which may be empty.
public struct SharedNames: Sendable {
  let plan: Plan.SharedNames

  /// In front: "bid_time".
  public static func prefixed(_ texts: String...) -> SharedNames { SharedNames(plan: .prefix(texts)) }

  /// Behind: "time_right".
  public static func suffixed(_ texts: String...) -> SharedNames { SharedNames(plan: .suffix(texts)) }
}
