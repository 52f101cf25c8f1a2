import Arrow
import Base
import CPlatform
import Keys

/// The keys of slots as columns.
extension BytesKeyTable {
  func keys(of slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
    guard let kept = kept?.values else { preconditionFailure("a table whose keys are asked for keeps them") }
    if isText {
      let text = try text(kept, slots, count)
      return [try KeyColumn.restored(text, as: types[0])]
    }
    let offsets = Buffer(byteCount: (count + 1) * 8)
    let total = ends(kept, slots, count, offsets.unsafeMutableValues(Int64.self))
    let bytes = gathered(kept, slots, count, total)
    return try KeyEncoding.decode(EncodedKeys(count: count, offsets: offsets, bytes: bytes), types: types)
  }

  private func text(
    _ kept: UnsafePointer<Kept>, _ slots: UnsafePointer<UInt32>, _ count: Int
  ) throws(Failure) -> Column {
    let offsets = Buffer(byteCount: (count + 1) * 4)
    let total = ends(kept, slots, count, offsets.unsafeMutableValues(Int32.self))
    guard total <= Int(Int32.max) else {
      throw Failure(
        .data, "the text keys of \(count) rows take \(total) bytes, and 2147483647 fit a column; lower --batch-rows")
    }
    let validity = nullSlot.flatMap { FixedKeyTable.validity(slots, count, without: $0) }
    return Column(
      type: KeyColumn.plainType(types[0]), length: count, validity: validity,
      buffers: [offsets, gathered(kept, slots, count, total)])
  }

  /// Writes the `count + 1` offsets and returns the last one unclipped, which tells whether they fit.
  private func ends<Offset: FixedWidthInteger>(
    _ kept: UnsafePointer<Kept>, _ slots: UnsafePointer<UInt32>, _ count: Int, _ target: UnsafeMutablePointer<Offset>
  ) -> Int {
    var total = 0
    target[0] = 0
    for index in 0..<count {
      if index &+ Self.ahead < count { platform_prefetch(kept + Int(slots[index &+ Self.ahead])) }
      total &+= kept[Int(slots[index])].head.length
      target[index &+ 1] = Offset(truncatingIfNeeded: total)
    }
    return total
  }

  private func gathered(
    _ kept: UnsafePointer<Kept>, _ slots: UnsafePointer<UInt32>, _ count: Int, _ total: Int
  ) -> Buffer {
    // A short key is written as sixteen bytes, over whose rest the next key is written.
    let buffer = Buffer(byteCount: total + 16)
    buffer.setByteCount(total)
    var target = buffer.unsafeMutableAddress
    for index in 0..<count {
      if index &+ Self.ahead < count {
        let next = kept[Int(slots[index &+ Self.ahead])]
        if next.head.isLong, let base = arena.base { platform_prefetch(base + next.start) }
      }
      let key = kept[Int(slots[index])]
      if key.head.isLong {
        arena.copy(at: key.start, count: key.head.length, to: target)
      } else {
        key.head.write(to: target)
      }
      target += key.head.length
    }
    return buffer
  }
}
