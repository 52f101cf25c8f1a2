/// Whether combining rows before they travel pays. Keys that hardly repeat within a batch are not worth a table: then
/// the rows of some batches pass one by one, and a batch now and then is combined to see whether that is still so.
struct CombineYield {
  /// Batches to pass row by row before the next one is combined.
  private var batchesToPass = 0

  /// Combining pays when it drops at least this share of the rows.
  private static let worthwhileShare = 0.25
  private static let passLength = 64
  /// A batch of fewer rows says little about the keys, and combining it costs little.
  private static let telling = 64

  /// Whether the rows of the next batch pass one by one.
  mutating func passes() -> Bool {
    if batchesToPass == 0 { return false }
    batchesToPass -= 1
    return true
  }

  /// A batch was combined to so many groups.
  mutating func combined(_ rowCount: Int, to groups: Int) {
    if rowCount >= Self.telling, Double(groups) > (1 - Self.worthwhileShare) * Double(rowCount) {
      batchesToPass = Self.passLength
    }
  }

  /// A table, or states, above so many bytes go when the batch did not need it: one large batch would cost memory for
  /// ever, and each small one behind it the time to empty it.
  static func keptBytes(_ rowCount: Int) -> Int { max(4 << 20, 128 * rowCount) }
}
