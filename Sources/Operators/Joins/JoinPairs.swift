import Arrow
import Base
import Expressions
import State
import VolleyPlan

/// Pairs of a row in hand and one that is kept.
struct JoinPairs {
  /// UInt32 indices of rows in hand, in order.
  fileprivate(set) var rows: Selection
  /// UInt32 numbers of rows that are kept.
  fileprivate(set) var numbers: Selection

  var count: Int { rows.count }
}

/// Which of the rows of the same key are partners.
final class JoinSearch {
  private let condition: JoinCondition?
  /// Pairs looked at together, at the most.
  private static let pairRows = 8_192

  init(condition: JoinCondition?) { self.condition = condition }

  /// Partners are the rows of a key for which the join's condition holds; without one, all.
  convenience init(
    _ join: Plan.Join, _ layout: JoinLayout, functions: any ScalarFunctionProvider
  ) throws(Failure) {
    self.init(
      condition: try join.condition.map { condition throws(Failure) in
        try JoinCondition(condition, layout, functions: functions)
      })
  }

  func open() throws(Failure) { try condition?.open() }
  func close() throws(Failure) { try condition?.close() }

  /// Goes through the pairs of rows in hand and those that `store` keeps, by the rows in hand: adds steps that do.
  /// Nothing is removed from the store until they have run.
  ///
  /// - Parameters:
  ///   - own: `count` rows of the input `input`, 0 or 1.
  ///   - slots: UInt32, by row.
  ///   - lastOnly: whether of each slot the last row alone may be a partner.
  ///   - times: Int64, by row, the first and the last time of its partners; nil: all.
  func forEachPair(
    _ own: JoinPart, count: Int, input: Int, slots: Buffer, times: (low: Buffer, high: Buffer)? = nil,
    in store: RowStore, lastOnly: Bool = false, _ steps: PendingSteps,
    _ body: @escaping (JoinPairs) throws(Failure) -> Void
  ) {
    if store.rowCount == 0 || count == 0 { return }
    var cursor = RowCursor()
    let limit = own.repeatLimit(Self.pairRows)
    steps.loop { [condition] () throws(Failure) in
      let found =
        lastOnly
        ? store.matchLast(slots.values(UInt32.self), count: count, cursor: &cursor, limit: limit)
        : store.match(
          slots.values(UInt32.self), count: count, from: times?.low.values(Int64.self),
          to: times?.high.values(Int64.self), cursor: &cursor, limit: limit)
      if found.count == 0 { return false }
      var pairs = JoinPairs(
        rows: Selection(indices: found.indices, count: found.count),
        numbers: Selection(indices: found.numbers, count: found.count))
      if let kept = try condition?.select(Self.parts(own, pairs, input: input, in: store), count: pairs.count) {
        pairs.rows = pairs.rows.selecting(kept)
        pairs.numbers = pairs.numbers.selecting(kept)
      }
      if pairs.count > 0 { try body(pairs) }
      return !found.isLast
    }
  }

  /// Those of rows, put together already, for which the condition is true; nil: all.
  func select(_ parts: [JoinPart], count: Int) throws(Failure) -> Selection? {
    try condition?.select(parts, count: count)
  }

  /// The two rows of each pair, by input.
  static func parts(_ own: JoinPart, _ pairs: JoinPairs, input: Int, in store: RowStore) -> [JoinPart] {
    inOrder(own.selecting(pairs.rows), .stored(store, pairs.numbers), input: input)
  }

  /// What comes of input `input`, and what of the other, by input.
  static func inOrder(_ own: JoinPart, _ other: JoinPart, input: Int) -> [JoinPart] {
    input == 0 ? [own, other] : [other, own]
  }
}

extension JoinPart {
  /// How often its rows may be repeated in one batch, at most `limit`.
  func repeatLimit(_ limit: Int) -> Int {
    switch self {
    case .whole(let rows), .chosen(let rows, _): rows.repeatLimit(limit)
    case .stored(let store, _): store.blockRows(limit)
    case .none: limit
    }
  }
}

extension RecordBatch {
  /// How often a row may be repeated so that the text of no column reaches 2 GiB, at most `limit`.
  fileprivate func repeatLimit(_ limit: Int) -> Int {
    if byteCount <= Int(Int32.max) / limit { return limit }
    var longest = 1
    for column in columns {
      switch column.type.layout {
      case .bits, .fixed, .dictionary, .none, .view: break
      case .variable32:
        let offsets = column.offsets32
        for row in 0..<length { longest = max(longest, Int(offsets[row + 1] - offsets[row])) }
      default: longest = max(longest, column.byteCount)
      }
    }
    return min(limit, max(1, Int(Int32.max) / longest))
  }
}
