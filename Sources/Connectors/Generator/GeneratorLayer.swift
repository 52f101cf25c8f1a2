/// How many rows of its share each subtask has made, of a parallelism that a job had once.
struct GeneratorLayer: Hashable {
  /// By subtask.
  var made: [Int64]

  var parallelism: Int64 { Int64(made.count) }

  /// Rows at the start of a block that were made.
  func made(ofBlock block: Int64) -> Int64 {
    let (round, index) = block.quotientAndRemainder(dividingBy: parallelism)
    return min(max(0, made[Int(index)] - round * GeneratorShare.blockRows), GeneratorShare.blockRows)
  }

  /// All blocks in front of it were made.
  var wholeBlocks: Int64 {
    made.indices.map { made[$0] / GeneratorShare.blockRows * parallelism + Int64($0) }.min() ?? 0
  }

  /// No block from it on was begun.
  var firstUntouched: Int64 {
    made.indices.map { index in
      let blocks = (made[index] + GeneratorShare.blockRows - 1) / GeneratorShare.blockRows
      return blocks == 0 ? 0 : (blocks - 1) * parallelism + Int64(index) + 1
    }.max() ?? 0
  }
}
