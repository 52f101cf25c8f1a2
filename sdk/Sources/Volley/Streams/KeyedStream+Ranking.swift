import VolleyPlan

extension KeyedStream {
  /// One row of each key: `.keyBy("user").deduplicate(.last, by: "time", uid: "latest")`.
  ///
  /// The first to arrive (`.first` without columns) is told once, as it is, and rows behind it are dropped. In every other case a row may
  /// take another's place, and the result is a changelog: `row_kind` ("+I" a key's first row; "-U" and "+U" the former row and the one
  /// in its place), then the columns. Of a key's rows in one batch only the one that is left is told.
  ///
  /// - Parameters:
  ///   - columns: what rows are ordered by, the least first; none: as they arrive. Of rows of equal order the first one stays the one
  ///     that arrived first, the last one becomes the one that arrived last. A null counts as worse than any value.
  ///   - timeToLive: how long, in processing time, a key is remembered after its row has changed; by default for ever.
  ///   - uid: the stable name in this pipeline, under which the state is kept.
  public func deduplicate(
    _ keep: KeptRow, by columns: String..., timeToLive: Duration? = nil, uid: String
  ) -> DataStream {
    let time = environment.timeToLive(timeToLive, "deduplicate '\(uid)'")
    return ranked(.deduplicate(.init(keep: keep.plan, by: columns, timeToLive: time)), uid)
  }

  /// The first rows of each key in an order: `.keyBy("auction").topN(10, by: .descending("price"), .ascending("time"), rank: "place",
  /// uid: "best")`.
  ///
  /// Updating results are a changelog: `row_kind`, the columns, and the rank if it is wanted. With a rank each place that gets another
  /// row is told ("-U" and "+U", or "+I" a place that is new); without one the rows that leave ("-D") and those that enter ("+I"), of one
  /// row a key "-U" and "+U". Changes are told once a batch.
  ///
  /// Final results are those of windows: key by `window_start`, `window_end` and what else there is, behind a window's aggregates; then each
  /// window's rows are told once, in their order, when the watermark passes its end.
  ///
  /// - Parameters:
  ///   - count: how many rows a key has at most. What a row costs grows with it.
  ///   - orderings: the first one decides, each further one between rows that are equal so far; of rows that are equal in all the one that
  ///     arrived first comes first.
  ///   - rank: the name of a column for a row's place, from 1 on; by default there is none.
  ///   - timeToLive: how long, in processing time, a key is remembered after its rows have changed; by default for ever.
  ///   - uid: the stable name in this pipeline, under which the state is kept.
  public func topN(
    _ count: Int, by orderings: Ordering..., rank: String? = nil, emission: WindowEmission = .updating,
    timeToLive: Duration? = nil, uid: String
  ) -> DataStream {
    let place = "topN '\(uid)'"
    if count < 1 { environment.report("\(place) keeps \(count) rows: give at least 1") }
    if orderings.isEmpty {
      environment.report("\(place) has no order: give it at least one, such as .descending(\"price\")")
    }
    let time = environment.timeToLive(timeToLive, place)
    return ranked(
      .topN(
        .init(
          count: count, by: orderings.map(\.plan), rank: rank, emission: emission == .final ? .final : .updating,
          timeToLive: time)), uid)
  }

  private func ranked(_ operation: Plan.Operator, _ uid: String) -> DataStream {
    let result = environment.add(operation, inputs: [input], uid: uid)
    return parallelism.map { result.withParallelism($0) } ?? result
  }
}

extension DataStream {
  /// Each row the first time that it comes.
  ///
  /// - Parameters:
  ///   - columns: what rows are told apart by; by default all columns.
  ///   - timeToLive: how long, in processing time, a row is remembered; by default for ever.
  ///   - uid: the stable name in this pipeline, under which the state is kept.
  public func distinct(on columns: String..., timeToLive: Duration? = nil, uid: String) -> DataStream {
    let keys = columns.map { NamedExpression($0, .column($0)) }
    let keyed = environment.add(.keyBy(.init(keys: keys, everyColumn: keys.isEmpty ? true : nil)), inputs: [input])
    return KeyedStream(environment: environment, input: keyed.input).deduplicate(
      .first, timeToLive: timeToLive, uid: uid)
  }
}

extension DataStream {
  /// What holds when the input has ended: of a changelog the rows that were not taken back, of any other stream the last row of each key. Rows
  /// have no `row_kind` any more.
  ///
  /// For files and tables that others read: `.latest(by: "category", uid: "table").toSink(.csv("totals.csv"), uid: "out")`. Of an input that does
  /// not end it tells nothing; sinks without it get every change.
  ///
  /// - Parameters:
  ///   - keys: what rows are told apart by: of the rows of one key that hold the last one is told. By default all columns: each row that
  ///     holds, as often as it does.
  ///   - uid: the stable name in this pipeline, under which the state is kept.
  public func latest(by keys: String..., uid: String) -> DataStream {
    let names = keys.map { NamedExpression($0, .column($0)) }
    let keyed = environment.add(.keyBy(.init(keys: names, everyColumn: names.isEmpty ? true : nil)), inputs: [input])
    return environment.add(.latest(.init()), inputs: [keyed.input], uid: uid)
  }
}

/// Which of a key's rows is kept.
public enum KeptRow: Sendable {
  case first
  case last

  var plan: Plan.KeptRow { self == .first ? .first : .last }
}

/// How rows are ordered by a column: -0.0 is 0.0, a NaN is more than any number, text is ordered by its bytes. Nulls come last, in both
/// directions, unless it says otherwise.
public struct Ordering: Sendable {
  let plan: Plan.Ordering

  /// The least value first.
  public static func ascending(_ column: String, nullsFirst: Bool = false) -> Ordering {
    Ordering(plan: .init(column, nullsFirst: nullsFirst))
  }

  /// The greatest value first.
  public static func descending(_ column: String, nullsFirst: Bool = false) -> Ordering {
    Ordering(plan: .init(column, descending: true, nullsFirst: nullsFirst))
  }
}

extension StreamExecutionEnvironment {
  /// A time to live for the plan; what is wrong with it is reported.
  func timeToLive(_ time: Duration?, _ place: String) -> Int64? {
    guard let time else { return nil }
    if time < .microseconds(1) { report("\(place): the time to live is \(time.text); give at least a microsecond") }
    return microseconds(time, place)
  }
}
