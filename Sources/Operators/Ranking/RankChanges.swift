/// What one batch has changed: the slots, and which rows each had before.
struct RankChanges {
  private(set) var slots: [UInt32] = []
  private var former: [RankedRow] = []
  /// By slot, where its former rows end.
  private var ends: [Int] = []

  /// A slot is about to change, for the first time in the batch.
  @inline(__always)  // A part of a loop over rows.
  mutating func note(_ slot: UInt32, _ rows: RankedLists.Rows) {
    slots.append(slot)
    for index in 0..<rows.count { former.append(rows[index]) }
    ends.append(former.count)
  }

  /// The rows that slot number `index` of `slots` had before.
  func former(_ index: Int) -> ArraySlice<RankedRow> { former[(index == 0 ? 0 : ends[index - 1])..<ends[index]] }
}

/// Rows of a result, in their order.
struct RankedOutput {
  private(set) var rows: [RankedRow] = []
  /// The codes of `RowKind`s; empty when the result is no changelog.
  private(set) var kinds: [UInt16] = []
  /// Empty when nobody wants them.
  private(set) var places: [Int64] = []

  /// - Parameter place: 0 is the first.
  @inline(__always)  // A part of a loop over rows.
  mutating func append(_ row: RankedRow, _ kind: RowKind?, place: Int?) {
    rows.append(row)
    if let kind { kinds.append(kind.code) }
    if let place { places.append(Int64(place &+ 1)) }
  }
}
