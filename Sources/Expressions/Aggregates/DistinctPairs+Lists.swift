import Arrow
import Base

extension DistinctPairs {
  /// The pairs of slots, slot by slot: lists of keys, and of marks where there are some.
  struct Lists {
    /// How many lists there are.
    let count: Int
    /// Int32: where each list begins, and where the last one ends.
    let offsets: Buffer
    let itemCount: Int
    /// Int64.
    let keys: Buffer
    /// UInt32; nil where pairs are not marked.
    let marks: Buffer?

    /// - Parameter known: by slot.
    /// - Throws: a `data` failure for more items than a column of lists can have.
    fileprivate init(
      _ known: UnsafePointer<Slot>, _ slots: UnsafePointer<UInt32>, count: Int, isMarked: Bool
    ) throws(Failure) {
      self.count = count
      offsets = Buffer(byteCount: (count + 1) * 4)
      let starts = offsets.unsafeMutableValues(Int32.self)
      var total = 0
      for row in 0..<count {
        starts[row] = Int32(truncatingIfNeeded: total)
        total &+= Int(known[Int(slots[row])].count)
      }
      guard total <= Int(Int32.max) else { throw ColumnTooLong.failure(.list(of: .null)) }
      starts[count] = Int32(truncatingIfNeeded: total)
      itemCount = total
      keys = Buffer(byteCount: total * 8)
      marks = isMarked ? Buffer(byteCount: total * 4) : nil
    }

    /// The lists as a column.
    func column(of items: Column) -> Column {
      Column(type: .list(of: items.type), length: count, validity: nil, buffers: [offsets], children: [items])
    }
  }

  /// - Parameters:
  ///   - known: by slot, of which there are `slotCount`.
  ///   - isMarked: whether the marks are wanted.
  func lists(
    _ known: UnsafePointer<Slot>, slotCount: Int, _ slots: UnsafePointer<UInt32>, count: Int, isMarked: Bool
  ) throws(Failure) -> Lists {
    let lists = try Lists(known, slots, count: count, isMarked: isMarked)
    let keys = lists.keys.unsafeMutableValues(Int64.self)
    let marks = lists.marks?.unsafeMutableValues(UInt32.self)
    if freeCount == 0 && count == slotCount && (0..<count).allSatisfy({ slots[$0] == UInt32(truncatingIfNeeded: $0) }) {
      writeAll(lists, keys, marks)
    } else {
      let starts = lists.offsets.values(Int32.self)
      for row in 0..<count { write(from: known[Int(slots[row])].head, Int(starts[row]), keys, marks) }
    }
    return lists
  }

  /// The pairs of one slot, from an item on.
  private func write(
    from head: UInt32, _ first: Int, _ keys: UnsafeMutablePointer<Int64>, _ marks: UnsafeMutablePointer<UInt32>?
  ) {
    var (entry, item) = (head, first)
    while entry != 0 {
      let number = Int(entry &- 1)
      keys[item] = entries.base[number].key
      marks?[item] = markings.base[number]
      entry = entries.base[number].next
      item &+= 1
    }
  }

  /// The pairs of all slots: entries are read one after the other, and not along their links.
  private func writeAll(
    _ lists: Lists, _ keys: UnsafeMutablePointer<Int64>, _ marks: UnsafeMutablePointer<UInt32>?
  ) {
    let next = Buffer(byteCount: lists.count * 4)
    let cursors = next.unsafeMutableValues(Int32.self)
    cursors.update(from: lists.offsets.values(Int32.self), count: lists.count)
    let entries = entries.base
    for number in 0..<count {
      let slot = Int(entries[number].slot)
      let item = Int(cursors[slot])
      cursors[slot] &+= 1
      keys[item] = entries[number].key
      marks?[item] = markings.base[number]
    }
    withExtendedLifetime(next) {}
  }
}
