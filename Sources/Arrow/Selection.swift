/// The rows of a batch that a filter kept: ascending row indices.
public struct Selection: Sendable {
  /// UInt32 row indices.
  public var indices: Buffer
  public var count: Int

  public init(indices: Buffer, count: Int) {
    self.indices = indices
    self.count = count
  }

  /// The rows, in the order of `rows`.
  public init(_ rows: some Collection<Int>) {
    let indices = Buffer(byteCount: rows.count * 4)
    let target = indices.unsafeMutableValues(UInt32.self)
    for (index, row) in rows.enumerated() { target[index] = UInt32(row) }
    self.init(indices: indices, count: rows.count)
  }

  @inlinable
  public var rows: UnsafePointer<UInt32> { indices.values(UInt32.self) }

  /// Of these rows, those that `inner` names: row i of the result is row `inner[i]` of these.
  public func selecting(_ inner: Selection) -> Selection {
    let target = Buffer(byteCount: inner.count * 4)
    GatherKernels.fixed(
      UnsafeRawPointer(rows), width: 4, rows: inner.rows, count: inner.count, to: target.unsafeMutableAddress)
    return Selection(indices: target, count: inner.count)
  }

  /// The first `count` of these rows, sharing the memory.
  public func prefix(_ count: Int) -> Selection { Selection(indices: indices, count: min(count, self.count)) }
}

extension RecordBatch {
  /// Of the rows that count, those that `inner` names (0 is the first row that counts).
  public func selecting(_ inner: Selection) -> RecordBatch {
    var batch = self
    batch.selection = selection?.selecting(inner) ?? inner
    return batch
  }
}
