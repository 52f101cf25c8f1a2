/// The rows of a batch grouped by a target: a stable counting sort of row indices, after which each target's rows are
/// gathered like any selection.
public struct RowGroups: Sendable {
  /// UInt32 row indices, target by target.
  private let indices: Buffer
  /// By target, and one more: where its rows start.
  private let starts: [Int]

  /// Groups `count` rows.
  ///
  /// - Parameters:
  ///   - targets: by row: its target, below `targetCount`.
  ///   - rows: the row indices that the targets belong to; nil: 0 ..< `count`.
  public init(
    targets: UnsafePointer<UInt32>, count: Int, targetCount: Int, rows: UnsafePointer<UInt32>? = nil
  ) {
    self.init(of: targets, count, targetCount, rows)
  }

  /// The same with narrower targets.
  public init(
    targets: UnsafePointer<UInt16>, count: Int, targetCount: Int, rows: UnsafePointer<UInt32>? = nil
  ) {
    self.init(of: targets, count, targetCount, rows)
  }

  @inline(__always)  // Specialises the loops for the two widths of a target.
  private init<Target: UnsignedInteger & FixedWidthInteger>(
    of targets: UnsafePointer<Target>, _ count: Int, _ targetCount: Int, _ rows: UnsafePointer<UInt32>?
  ) {
    let indices = Buffer(byteCount: count * 4)
    let target = indices.unsafeMutableValues(UInt32.self)
    // Both halves of the rows are counted and placed on their own: rows of one target that follow each other would
    // otherwise wait for each other's counter.
    let half = count / 2
    var starts = [Int](repeating: 0, count: targetCount + 1)
    var cursors = [UInt32](repeating: 0, count: 2 * targetCount)
    cursors.withUnsafeMutableBufferPointer { cursors in
      guard let first = cursors.baseAddress else { return }
      let second = first + targetCount
      var highest: Target = 0
      for row in 0..<count { highest = max(highest, targets[row]) }
      precondition(count == 0 || Int(highest) < targetCount, "a row goes to one of the targets")
      for row in 0..<half {
        first[Int(targets[row])] &+= 1
        second[Int(targets[half &+ row])] &+= 1
      }
      if 2 * half < count { second[Int(targets[count &- 1])] &+= 1 }
      var next: UInt32 = 0
      for index in 0..<targetCount {
        starts[index] = Int(next)
        let inFirst = first[index]
        first[index] = next
        next += inFirst
        let inSecond = second[index]
        second[index] = next
        next += inSecond
      }
      starts[targetCount] = count
      if let rows {
        Self.place(targets, half, count, first, second, target) { rows[$0] }
      } else {
        Self.place(targets, half, count, first, second, target) { UInt32(truncatingIfNeeded: $0) }
      }
    }
    self.indices = indices
    self.starts = starts
  }

  @inline(__always)  // As above; the closure is then no call.
  private static func place<Target: UnsignedInteger & FixedWidthInteger>(
    _ targets: UnsafePointer<Target>, _ half: Int, _ count: Int, _ first: UnsafeMutablePointer<UInt32>,
    _ second: UnsafeMutablePointer<UInt32>, _ out: UnsafeMutablePointer<UInt32>, _ row: (Int) -> UInt32
  ) {
    for index in 0..<half {
      let low = Int(targets[index])
      let high = Int(targets[half &+ index])
      out[Int(first[low])] = row(index)
      first[low] &+= 1
      out[Int(second[high])] = row(half &+ index)
      second[high] &+= 1
    }
    if 2 * half < count { out[Int(second[Int(targets[count &- 1])])] = row(count &- 1) }
  }

  public var targetCount: Int { starts.count - 1 }

  /// How many rows a target has.
  public func count(of target: Int) -> Int { starts[target + 1] - starts[target] }

  /// The rows of a target, in their order. Valid while this value is alive.
  public func rows(of target: Int) -> UnsafePointer<UInt32> { indices.values(UInt32.self) + starts[target] }
}

extension RecordBatch {
  /// The batch's rows by target, in their order, without a selection; nil where a target gets none.
  ///
  /// - Parameters:
  ///   - targets: by row that counts: its target, below `targetCount`.
  public func scattered(targets: UnsafePointer<UInt32>, targetCount: Int) -> [RecordBatch?] {
    let groups = RowGroups(targets: targets, count: rowCount, targetCount: targetCount, rows: selection?.rows)
    return (0..<targetCount).map { part(groups, $0) }
  }

  /// The rows that one target of `groups`, which are groups of this batch's rows, has.
  public func part(_ groups: RowGroups, _ target: Int) -> RecordBatch? {
    let count = groups.count(of: target)
    if count == 0 { return nil }
    // All rows to one target: nothing to move.
    if count == length && selection == nil { return self }
    let rows = groups.rows(of: target)
    return RecordBatch(schema: schema, columns: columns.map { $0.gather(rows, count: count) }, length: count)
  }
}
