import Arrow
import Base
import Operators
import VolleyPlan

extension Plan.Join {
  /// - Throws: `.usage` for bounds that make no join, or none of so many inputs.
  func check(inputCount: Int) throws(Failure) {
    switch bounds {
    case .unbounded(let bounds):
      if let timeToLive = bounds.timeToLive, timeToLive < 1 {
        throw Failure(.usage, "the time to live is \(timeToLive) µs; it is at least 1")
      }
    case .interval(let bounds):
      let longest = WindowColumns.longest
      guard bounds.lower <= bounds.upper, bounds.lower >= -longest, bounds.upper <= longest else {
        throw Failure(
          .usage,
          "its rows are from \(bounds.lower) to \(bounds.upper) µs apart; the upper bound is not below the lower one, and both are "
            + "at most 9,000 years")
      }
    case .version, .side:
      if kind == .right || kind == .full {
        throw Failure(
          .usage,
          "it is \(kind.rawValue), and would tell rows of the second input that no row needed; take inner, left, semi or anti"
        )
      }
    case .window(let bounds):
      try bounds.assigner.check()
      if case .count = bounds.assigner {
        throw Failure(.usage, "windows of a number of rows have no common time; join on windows of another kind")
      }
      guard inputCount > 2 else { return }
      if kind != .inner {
        throw Failure(.usage, "it has \(inputCount) inputs, and is \(kind.rawValue); join more than two with inner")
      }
      if case .inherited = bounds.assigner {
        throw Failure(.usage, "it has \(inputCount) inputs; join results of windows two at a time")
      }
    }
  }

  /// Whether an input may be a changelog.
  func takesRevisions(ofInput input: Int) -> Bool {
    switch bounds {
    case .unbounded: true
    case .version: input == 1
    case .side(let bounds): input == 1 && bounds.keep == .latest
    case .interval, .window: false
    }
  }

  /// The columns, those of the key first among what is equal.
  func layout(_ inputs: [TypedStream]) throws(Failure) -> JoinLayout {
    let schemas = inputs.map(\.schema)
    let keys = inputs.map(\.keys)
    let kinds: [Int?] = inputs.map { $0.isChangelog ? 0 : nil }
    switch bounds {
    case .unbounded: return try JoinLayout(self, inputs: schemas, keys: keys, kindColumns: kinds)
    case .interval: return try JoinLayout(self, inputs: schemas, keys: keys, times: try times(inputs))
    case .version:
      return try JoinLayout(
        self, inputs: schemas, keys: keys, times: try times(inputs), kindColumns: kinds)
    case .side:
      return try JoinLayout(self, inputs: schemas, keys: keys, kindColumns: kinds)
    case .window(let bounds):
      if case .inherited = bounds.assigner { return try inheritedLayout(inputs) }
      let times = try times(inputs)
      guard case .timestamp(_, let zone) = schemas[0].fields[times[0].column].type else {
        preconditionFailure("an event time is a timestamp")
      }
      let bound = DataType.timestamp(.microsecond, timezone: zone)
      return try JoinLayout(
        self, inputs: schemas, keys: keys, times: times,
        more: [WindowColumns.start, WindowColumns.end].map { Field($0, bound, nullable: false) })
    }
  }

  private func times(_ inputs: [TypedStream]) throws(Failure) -> [JoinTime] {
    var times: [JoinTime] = []
    for (index, input) in inputs.enumerated() {
      do throws(Failure) {
        times.append(JoinTime(column: try input.requireEventTime(), shift: input.eventTime?.shift ?? 0))
      } catch {
        throw error.within("input \(index)")
      }
    }
    return times
  }

  /// Results of windows: the window is among what is equal, and its last microsecond the time of its rows.
  private func inheritedLayout(_ inputs: [TypedStream]) throws(Failure) -> JoinLayout {
    var keys = inputs.map(\.keys)
    var types: [[DataType]] = []
    for (index, input) in inputs.enumerated() {
      guard input.eventTime == EventTimeColumn(WindowColumns.end, shift: -1),
        let start = input.schema.index(of: WindowColumns.start), let end = input.schema.index(of: WindowColumns.end)
      else {
        throw Failure(
          .usage,
          "input \(index) is not a window's results; a join on inherited windows takes streams with the columns "
            + "'\(WindowColumns.start)' and '\(WindowColumns.end)' as the window made them")
      }
      types.append([start, end].map { input.schema.fields[$0].type })
      for column in [start, end] where !keys[index].contains(column) { keys[index].append(column) }
    }
    let names = zip(inputs, keys).map { input, keys in Set(keys.suffix(2).map { input.schema.fields[$0].name }) }
    guard types.allSatisfy({ $0 == types[0] }), keys.allSatisfy({ $0.count == keys[0].count }),
      names.allSatisfy({ $0 == names[0] })
    else {
      throw Failure(
        .usage,
        "the windows of the inputs differ in their types, or are keys of some only; take windows of one time zone, and the same keys "
          + "on all sides")
    }
    let times = try times(inputs)
    return try JoinLayout(
      self, inputs: inputs.map(\.schema), keys: keys, keyCount: inputs[0].keys.count, times: times)
  }

  /// Which column of the output tells the event time; nil when none is sure to do.
  func eventTime(_ layout: JoinLayout, _ inputs: [TypedStream]) -> EventTimeColumn? {
    switch bounds {
    case .unbounded: return nil
    case .window: return EventTimeColumn(WindowColumns.end, shift: -1)
    case .version, .side:
      guard let time = inputs[0].eventTime, let column = inputs[0].schema.index(of: time.name) else { return nil }
      return layout.outputName(of: column, input: 0).map { EventTimeColumn($0, shift: time.shift) }
    case .interval:
      if kind == .full { return nil }
      let input = kind == .right ? 1 : 0
      let time = layout.times[input]
      return layout.outputName(of: time.column, input: input).map { EventTimeColumn($0, shift: time.shift) }
    }
  }
}
