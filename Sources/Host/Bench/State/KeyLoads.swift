import Arrow
import Base
import State
import VolleyPlan

/// Finds keys that are there.
final class KeyLoad: StateLoad {
  private let table: any KeyTable
  private let batches: [Column]
  private var next = 0
  private let slots = UnsafeMutablePointer<UInt32>.allocate(capacity: StateBench.batchRows)

  init(_ size: Int, text: Bool) throws(Failure) {
    table = makeKeyTable([text ? .utf8 : .int64], keepingKeys: true)
    var random = SplitMix64(state: 7)
    func column(_ key: (Int) -> Int) -> Column {
      if text {
        let builder = Utf8Builder()
        for row in 0..<StateBench.batchRows { builder.append("user-\(1_000_000_000 + key(row))") }
        return builder.finish()
      }
      let builder = FixedBuilder<Int64>(.int64)
      for row in 0..<StateBench.batchRows { builder.append(Int64(key(row)) &* 0x9E37_79B9_7F4A_7C1) }
      return builder.finish()
    }
    for first in stride(from: 0, to: size, by: StateBench.batchRows) {
      let rows = min(StateBench.batchRows, size - first)
      try table.find([column { first + $0 }.slice(0..<rows)], rowCount: rows, into: slots)
    }
    // Enough batches that their keys are not in the cache when they come again.
    batches = (0..<min(128, 4 * size / StateBench.batchRows + 1)).map { _ in
      column { _ in Int(random.next() % UInt64(size)) }
    }
  }

  deinit { slots.deallocate() }

  var byteCount: Int { table.byteCount }
  var liveKeys: Int { table.count }

  func prepare() { next = (next + 1) % batches.count }

  func step() throws(Failure) {
    try table.find([batches[next]], rowCount: StateBench.batchRows, into: slots)
  }
}

/// Each event removes one key and finds a new one.
final class ChurnLoad: StateLoad {
  private let table = WordTable(keepingWords: true)
  private let live: UnsafeMutablePointer<UInt32>
  private let words = UnsafeMutablePointer<UInt64>.allocate(capacity: StateBench.batchRows)
  private let size: Int
  private var next: UInt64 = 0
  private var random = SplitMix64(state: 7)

  init(_ size: Int) throws(Failure) {
    self.size = size
    live = .allocate(capacity: size + StateBench.batchRows)
    for first in stride(from: 0, to: size, by: StateBench.batchRows) {
      let rows = min(StateBench.batchRows, size - first)
      makeWords(rows)
      try table.find(words, count: rows, into: live + first)
    }
  }

  deinit {
    live.deallocate()
    words.deallocate()
  }

  var byteCount: Int { table.byteCount }
  var liveKeys: Int { table.count }

  private func makeWords(_ count: Int) {
    for index in 0..<count { words[index] = (next &+ UInt64(index)) &* 0x9E37_79B9_7F4A_7C15 }
    next += UInt64(count)
  }

  func prepare() {
    // Random ones move to the end, and make room for the new ones.
    for index in 0..<StateBench.batchRows {
      let chosen = Int(random.next() % UInt64(size - index))
      swap(&live[chosen], &live[size - 1 - index])
    }
    makeWords(StateBench.batchRows)
  }

  func step() throws(Failure) {
    let rows = StateBench.batchRows
    table.remove(live + (size - rows), count: rows)
    try table.find(words, count: rows, into: live + (size - rows))
  }
}
