import VolleyPlan

extension KeyedStream {
  /// The rows of this stream (left) and of another (right) that belong together: whose keys are equal, that are within `bounds`, and
  /// for which `condition` is true. A key that is null equals none.
  ///
  /// The result has the columns of the left stream, then those of the right one; a semi or anti join has the left ones only. A key's column
  /// that has one name on both sides comes once. Rows that are told before it is known that they have no partner make the result a
  /// changelog: an unbounded left, right, full or anti join begins with `row_kind`.
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
    let place = "join '\(uid)'"
    if other.environment !== environment {
      environment.report("\(place) takes a stream of another environment: use streams of one `build`")
    }
    if let condition { environment.register(condition.functions) }
    let result = environment.add(
      .join(
        Plan.Join(
          kind: kind.plan, bounds: bounds.plan(environment, place), condition: condition?.expression,
          sharedNames: sharedNames?.plan)), inputs: [input, other.input], uid: uid)
    if let parallelism = parallelism ?? other.parallelism {
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
  }

  let kind: Kind

  /// Any two that are kept at the same time.
  ///
  /// - Parameter timeToLive: how long a row is kept, on the clock of those who process; nil: for ever, and so in memory that grows with
  ///   each row. A partner that is kept no longer changes nothing that was told.
  public static func unbounded(timeToLive: Duration? = nil) -> JoinBounds {
    JoinBounds(kind: .unbounded(timeToLive: timeToLive))
  }

  func plan(_ environment: StreamExecutionEnvironment, _ place: String) -> Plan.JoinBounds {
    switch kind {
    case .unbounded(let timeToLive):
      if let timeToLive, timeToLive < .microseconds(1) {
        environment.report("\(place): the time to live is \(timeToLive.text); give at least a microsecond")
      }
      return .unbounded(.init(timeToLive: timeToLive.map { environment.microseconds($0, place) }))
    }
  }
}

/// What names that several sides of a join have get in its result, a text for each side, which may be empty.
public struct SharedNames: Sendable {
  let plan: Plan.SharedNames

  /// In front: "bid_time".
  public static func prefixed(_ texts: String...) -> SharedNames { SharedNames(plan: .prefix(texts)) }

  /// Behind: "time_right".
  public static func suffixed(_ texts: String...) -> SharedNames { SharedNames(plan: .suffix(texts)) }
}
