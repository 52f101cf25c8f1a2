import Arrow
import Base
import Dataflow
import Operators
import State
import VolleyPlan

extension Plan.Deduplicate: PlannedStep {
  var kindName: String { "deduplicate" }
  var needsUID: String? { "an operator with state" }
  var keepsRows: Bool { true }
  func arrival(ofInput index: Int) -> Arrival { .keyed }

  /// Whether a row that was told stays: the first to arrive.
  private var isFinal: Bool { keep == .first && by.isEmpty }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    try inputs[0].refuseRevisions()
    try checkTimeToLive(timeToLive)
    try orderings.check(inputs[0].schema)
    if isFinal { return [TypedStream(inputs[0].schema, eventTime: inputs[0].eventTime)] }
    return [TypedStream(try inputs[0].schema.revised(), isChangelog: true)]
  }

  private var orderings: [Plan.Ordering] { by.map { Plan.Ordering($0, descending: keep == .last) } }

  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    [needed[0].union(by)]
  }

  /// A row that stays is handed on as it comes.
  func narrowed(
    _ whole: [TypedStream], _ inputs: [TypedStream], for needed: [Set<String>]
  ) throws(Failure) -> [TypedStream] {
    isFinal ? try typed(inputs) : [whole[0].keeping(needed[0]).stream]
  }

  func carried(_ column: String, ofInput index: Int, _ inputs: [TypedStream]) throws(Failure) -> String? { column }

  func summary(_ outputs: [TypedStream]) -> String {
    keep.rawValue + (by.isEmpty ? "" : " by \(by.joined(separator: ", "))") + text(timeToLive)
  }

  func stateTables(_ place: StepPlace) throws(Failure) -> [StateTable] {
    let (keys, input) = (place.inputs[0].keys, place.inputs[0].schema)
    return isFinal
      ? FirstRowOperator.stateTables(keys: keys, input: input, timeToLive: timeToLive)
      : TopNOperator.stateTables(keys: keys, input: input, timeToLive: timeToLive)
  }

  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    let (input, output) = (place.inputs[0], place.outputs[0].schema)
    if isFinal {
      return { FirstRowOperator(keys: input.keys, input: input.schema, timeToLive: timeToLive, context: $0) }
    }
    let columns = input.schema.columns(in: output)
    return {
      TopNOperator(
        orderings, count: 1, takesLast: keep == .last, keys: input.keys, input: input.schema, columns: columns,
        output: output, timeToLive: timeToLive, context: $0)
    }
  }
}

extension Plan.TopN: PlannedStep {
  var kindName: String { "topN" }
  var needsUID: String? { "an operator with state" }
  var keepsRows: Bool { true }
  func arrival(ofInput index: Int) -> Arrival { .keyed }

  func typed(_ inputs: [TypedStream]) throws(Failure) -> [TypedStream] {
    let input = inputs[0]
    try input.refuseRevisions()
    guard count >= 1, count <= Self.most else {
      throw Failure(.usage, "it keeps \(count) rows of each key; give 1 to \(Self.most)")
    }
    guard !by.isEmpty else { throw Failure(.usage, "it has no order; name at least one column") }
    try by.check(input.schema)
    try checkTimeToLive(timeToLive)
    var schema = emission == .updating ? try input.schema.revised() : input.schema
    if let rank { schema = try Schema.checked(schema.fields + [Field(rank, .int64, nullable: false)]) }
    if emission == .updating { return [TypedStream(schema, isChangelog: true)] }
    _ = try windowEnd(input)
    return [TypedStream(schema, eventTime: input.eventTime)]
  }

  private static let most = 1_000_000

  /// The column of the key by which windows end.
  private func windowEnd(_ input: TypedStream) throws(Failure) -> Int {
    if timeToLive != nil {
      throw Failure(.usage, "final results are kept until their window ends; leave the time to live out")
    }
    let time = EventTimeColumn(WindowColumns.end, shift: -1)
    guard input.eventTime == time, let end = input.schema.index(of: time.name), input.keys.contains(end) else {
      throw Failure(
        .usage,
        "final results are those of windows, and its input has no window by which they end: take the results of a window operator, keep "
          + "'\(WindowColumns.start)' and '\(WindowColumns.end)' through select, and name both in the keyBy; or take updating results"
      )
    }
    return end
  }

  func columnsRead(of inputs: [TypedStream], for needed: [Set<String>]) throws(Failure) -> [Set<String>?] {
    [needed[0].union(by.map(\.column))]
  }

  /// Whether there are places decides what is told of them.
  func narrowed(
    _ whole: [TypedStream], _ inputs: [TypedStream], for needed: [Set<String>]
  ) throws(Failure) -> [TypedStream] {
    [whole[0].keeping(needed[0].union([rank].compactMap { $0 })).stream]
  }

  func carried(_ column: String, ofInput index: Int, _ inputs: [TypedStream]) throws(Failure) -> String? { column }

  func summary(_ outputs: [TypedStream]) -> String {
    var text = "\(count) by " + by.map(\.text).joined(separator: ", ")
    if let rank { text += " as \(rank)" }
    return text + (emission == .final ? ", final" : "") + self.text(timeToLive)
  }

  func stateTables(_ place: StepPlace) throws(Failure) -> [StateTable] {
    let (keys, input) = (place.inputs[0].keys, place.inputs[0].schema)
    return emission == .final
      ? WindowTopNOperator.stateTables(keys: keys, input: input)
      : TopNOperator.stateTables(keys: keys, input: input, timeToLive: timeToLive)
  }

  func maker(_ place: StepPlace) throws(Failure) -> (SubtaskContext) throws(Failure) -> any Operator {
    let (input, output) = (place.inputs[0], place.outputs[0].schema)
    let columns = input.schema.columns(in: output)
    if emission == .final {
      let end = try windowEnd(input)
      return {
        WindowTopNOperator(
          by, count: count, keys: input.keys, end: end, input: input.schema, columns: columns, output: output,
          context: $0)
      }
    }
    return {
      TopNOperator(
        by, count: count, keys: input.keys, input: input.schema, columns: columns, output: output,
        timeToLive: timeToLive, context: $0)
    }
  }
}

extension PlannedStep {
  func checkTimeToLive(_ time: Int64?) throws(Failure) {
    if let time, time <= 0 { throw Failure(.usage, "its time to live is \(time) µs; it is more than 0") }
  }

  /// A time to live, in words.
  func text(_ timeToLive: Int64?) -> String {
    timeToLive.map { ", forgotten after \(microseconds: $0)" } ?? ""
  }
}

extension [Plan.Ordering] {
  /// Whether rows with these columns can be ordered so.
  func check(_ input: Schema) throws(Failure) {
    for (index, ordering) in enumerated() {
      let field = input.fields[try input.required(ordering.column)]
      guard TopNOperator.orders(field.type) else {
        throw Failure(
          .usage,
          "rows cannot be ordered by '\(ordering.column)', which is \(field.type); order by a boolean, a number, a date, a time, a text or "
            + "bytes")
      }
      if self[..<index].contains(where: { $0.column == ordering.column }) {
        throw Failure(.usage, "rows are ordered by '\(ordering.column)' twice; name it once")
      }
    }
  }
}

extension Plan.Ordering {
  /// In words, for `inspect`.
  var text: String { column + (descending ? " descending" : "") + (nullsFirst ? " nulls first" : "") }
}

extension Schema {
  /// These columns of rows that revise others.
  func revised() throws(Failure) -> Schema {
    try Schema.checked([Field(Plan.rowKindColumn, .utf8, nullable: false)] + fields)
  }

  /// Those of these columns that rows with other ones have as well.
  fileprivate func columns(in output: Schema) -> [Int] {
    fields.indices.filter { output.index(of: fields[$0].name) != nil }
  }
}
