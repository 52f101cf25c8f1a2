import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Dataflow

struct BatchCoalescerTests {
  private static let delay: Int64 = 10

  private static func coalescer(rows: Int = 100, bytes: Int = 1_000_000) -> BatchCoalescer {
    BatchCoalescer(rowLimit: rows, byteLimit: bytes, delay: delay)
  }

  private static func ids(_ item: ChannelItem?) -> [Int64]? {
    guard case .batch(let batch) = item?.element else { return nil }
    return Rows.ids(batch)
  }

  private static func time(_ nanoseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: nanoseconds) }

  /// Adds rows at a time that came into the job at `since`.
  private static func add(
    _ ids: Range<Int64>, to coalescer: inout BatchCoalescer, at now: Int64, since: Int64? = nil, drained: Bool = false
  ) throws -> [[Int64]] {
    let batch = Rows.batch(Array(ids))
    let release = try coalescer.add(
      batch, bytes: batch.byteCount, since: time(since ?? now), now: time(now), drained: drained)
    return [release.first, release.second].compactMap { BatchCoalescerTests.ids($0) }
  }

  @Test("a small batch is held until the delay after it came has passed, to the nanosecond")
  func delay() throws {
    var coalescer = Self.coalescer()
    #expect(coalescer.deadline == nil && !coalescer.isDue(now: Self.time(5), drained: true))
    #expect(try Self.add(0..<3, to: &coalescer, at: 5) == [])
    #expect(try Self.add(3..<4, to: &coalescer, at: 9) == [])
    #expect(coalescer.deadline == Self.time(15))
    #expect(!coalescer.isDue(now: Self.time(14), drained: true))
    #expect(coalescer.isDue(now: Self.time(15), drained: false))
    let item = try coalescer.flush()
    #expect(Self.ids(item) == [0, 1, 2, 3] && item?.since == Self.time(5) && item?.byteCount == 32)
    #expect(coalescer.isEmpty && coalescer.deadline == nil)
    #expect(try coalescer.flush() == nil)
  }

  @Test("a batch of a quarter of the full size passes at once, after what was held")
  func large() throws {
    var coalescer = Self.coalescer(rows: 100)
    #expect(try Self.add(0..<25, to: &coalescer, at: 0) == [Array(0..<25)])
    #expect(try Self.add(0..<24, to: &coalescer, at: 0) == [])
    #expect(try Self.add(24..<49, to: &coalescer, at: 1) == [Array(0..<24), Array(24..<49)])
    #expect(coalescer.isEmpty)
  }

  @Test("a batch that is large in bytes passes at once as well")
  func largeInBytes() throws {
    var coalescer = Self.coalescer(rows: 1_000_000, bytes: 320)
    #expect(try Self.add(0..<9, to: &coalescer, at: 0) == [])
    #expect(try Self.add(9..<19, to: &coalescer, at: 0) == [Array(0..<9), Array(9..<19)])
  }

  @Test("a large batch is handed on without a copy")
  func untouched() throws {
    var coalescer = Self.coalescer(rows: 4)
    let batch = Rows.batch([1, 2])
    let release = try coalescer.add(batch, bytes: 16, since: Self.time(0), now: Self.time(0), drained: false)
    guard case .batch(let passed) = release.second?.element else { return #expect(Bool(false)) }
    #expect(passed.columns[0].buffers[0] === batch.columns[0].buffers[0])
  }

  @Test("held rows leave before rows whose dictionaries have more values with theirs than indices count")
  func dictionaries() throws {
    let type = DataType.dictionary(index: .int8, value: .utf8, ordered: false)
    func column(_ values: Range<Int>) -> Column {
      let builder = ColumnBuilder(type)
      for value in values { builder.append(.utf8("value \(value)")) }
      return builder.finish()
    }
    // 128 values fit, and those of one dictionary count once.
    let (first, second, third) = (column(0..<60), column(100..<168), column(200..<300))
    let columns = [first, second, third, second, second.slice(3..<20), first, first, first]
    var coalescer = Self.coalescer(rows: 10_000)
    var items: [ChannelItem?] = []
    for column in columns {
      let batch = RecordBatch(schema: Schema([Field("d", type)]), columns: [column], length: column.length)
      let release = try coalescer.add(batch, bytes: 100, since: Self.time(0), now: Self.time(0), drained: false)
      items += [release.first, release.second]
    }
    items.append(try coalescer.flush())
    let found = items.compactMap { item -> Column? in
      guard case .batch(let batch) = item?.element else { return nil }
      return batch.columns[0]
    }
    #expect(found.map(\.length) == [128, 100, 68 + 17 + 3 * 60])
    var row = 0
    let all = found.flatMap { column in (0..<column.length).map { column.literal(at: $0) } }
    for column in columns {
      for index in 0..<column.length {
        #expect(all[row] == column.literal(at: index))
        row += 1
      }
    }
    #expect(row == all.count)
  }

  @Test("held rows leave when they fill a batch, and never more of them")
  func full() throws {
    var coalescer = Self.coalescer(rows: 100)
    for step in Int64(0)..<4 { #expect(try Self.add(step * 24..<(step + 1) * 24, to: &coalescer, at: step) == []) }
    // 96 are held: 4 more make a batch, 5 more would make too large a one.
    var other = coalescer
    #expect(try Self.add(96..<100, to: &coalescer, at: 5) == [Array(0..<100)])
    #expect(coalescer.isEmpty)
    #expect(try Self.add(96..<101, to: &other, at: 5) == [Array(0..<96)])
    #expect(other.deadline == Self.time(15))
    #expect(Self.ids(try other.flush()) == Array(96..<101))
  }

  @Test("rows that were held before leave at once when the reader waits, and only then")
  func oldRows() throws {
    var coalescer = Self.coalescer()
    #expect(try Self.add(0..<1, to: &coalescer, at: 20, since: 10, drained: true) == [[0]])
    #expect(try Self.add(0..<1, to: &coalescer, at: 20, since: 11, drained: true) == [])
    #expect(try Self.add(1..<2, to: &coalescer, at: 20, since: 10, drained: false) == [])
    #expect(coalescer.isDue(now: Self.time(21), drained: true))
    #expect(!coalescer.isDue(now: Self.time(21), drained: false))
    #expect(try coalescer.flush()?.since == Self.time(10))
  }

  @Test("without a delay nothing is held")
  func noDelay() throws {
    var coalescer = BatchCoalescer(rowLimit: 100, byteLimit: 100, delay: 0)
    #expect(try Self.add(0..<1, to: &coalescer, at: 0) == [[0]])
    #expect(coalescer.isEmpty)
  }

  @Test("random batches leave in order, none too large, none too late")
  func random() throws {
    var generator = SeededGenerator()
    for _ in 0..<50 {
      let rowLimit = Int.random(in: 1...60, using: &generator)
      var coalescer = Self.coalescer(rows: rowLimit)
      var (next, now): (Int64, Int64) = (0, 0)
      var given: [Int64] = []
      var enteredAt: [Int64] = []
      func check(_ batches: [[Int64]]) {
        for batch in batches {
          given += batch
          #expect(batch.count <= max(rowLimit, 40), "\(generator)")
        }
      }
      for _ in 0..<200 {
        now += Int64.random(in: 0...3, using: &generator)
        if coalescer.isDue(now: Self.time(now), drained: Bool.random(using: &generator)) {
          check([Self.ids(try coalescer.flush()) ?? []])
        }
        let count = Int64.random(in: 1...40, using: &generator)
        enteredAt += [Int64](repeating: now, count: Int(count))
        check(
          try Self.add(next..<next + count, to: &coalescer, at: now, drained: Bool.random(using: &generator)))
        next += count
        // What has not left came less than the delay ago.
        if given.count < enteredAt.count { #expect(now - enteredAt[given.count] < Self.delay, "\(generator)") }
      }
      if let rest = Self.ids(try coalescer.flush()) { check([rest]) }
      #expect(given == Array(0..<next), "\(generator)")
    }
  }
}
