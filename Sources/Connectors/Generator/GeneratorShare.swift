/// Which rows of a generator a subtask makes: every `parallelism`th block of rows. What the rows hold does not depend on it.
struct GeneratorShare: Sendable {
  static let blockRows: Int64 = 4096
  let index: Int64
  let parallelism: Int64
  /// Rows of this share; nil: endless.
  let count: Int64?

  init(rows: Int64?, index: Int, parallelism: Int) {
    self.index = Int64(index)
    self.parallelism = Int64(parallelism)
    let round = Self.blockRows * Int64(parallelism)
    count = rows.map { rows in
      let rest = rows % round - Int64(index) * Self.blockRows
      return rows / round * Self.blockRows + min(max(0, rest), Self.blockRows)
    }
  }

  /// The runs of which rows `first`..<`first + count` of the share are made.
  func runs(first: Int64, count: Int) -> [RowRun] {
    if parallelism == 1 { return [RowRun(row: first, place: 0, count: count)] }
    var runs: [RowRun] = []
    var place = 0
    while place < count {
      let (block, within) = (first + Int64(place)).quotientAndRemainder(dividingBy: Self.blockRows)
      let length = min(Int(Self.blockRows - within), count - place)
      runs.append(RowRun(row: (block * parallelism + index) * Self.blockRows + within, place: place, count: length))
      place += length
    }
    return runs
  }
}
