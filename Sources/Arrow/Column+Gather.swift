extension Column {
  /// The selected rows, in a column of their own.
  public func gather(_ selection: Selection) -> Column { gather(selection.rows, count: selection.count) }

  /// Rows `rows[0]`, `rows[1]`, …, in a column of their own. A row may be taken more than once.
  ///
  /// - Parameter rows: `count` indices below `length`.
  /// - Precondition: the strings gathered take less than 2 GiB, as is sure when no row is taken twice.
  public func gather(_ rows: UnsafePointer<UInt32>, count: Int) -> Column {
    let validity = gatheredValidity(rows, count)
    switch type.layout {
    case .bits:
      let bits = Buffer(byteCount: Bitmap.byteCount(count))
      _ = Bitmap.gather(buffers[0].address, offset, rows: rows, count: count, to: bits.unsafeMutableAddress)
      return Column(type: type, length: count, validity: validity, buffers: [bits])
    case .fixed(let width):
      let target = Buffer(byteCount: count * width)
      GatherKernels.fixed(
        buffers[0].address + offset * width, width: width, rows: rows, count: count, to: target.unsafeMutableAddress)
      return Column(type: type, length: count, validity: validity, buffers: [target])
    case .variable32:
      let offsets = Buffer(byteCount: (count + 1) * 4)
      let total = GatherKernels.offsets(
        offsets32, rows: rows, count: count, to: offsets.unsafeMutableValues(Int32.self))
      precondition(total <= Int(Int32.max), "the strings of one column take less than 2 GiB")
      let bytes = Buffer(byteCount: total)
      if total > 0 {
        GatherKernels.bytes(
          self.bytes, sourceEnd: Int(offsets32[length]), offsets: offsets32, rows: rows, count: count,
          to: bytes.unsafeMutableValues(UInt8.self), capacity: bytes.capacity)
      }
      return Column(type: type, length: count, validity: validity, buffers: [offsets, bytes])
    case .view:
      let target = Buffer(byteCount: count * 16)
      GatherKernels.fixed(
        buffers[0].address + offset * 16, width: 16, rows: rows, count: count, to: target.unsafeMutableAddress)
      return Column(
        type: type, length: count, validity: validity, buffers: [target] + Array(buffers.dropFirst()))
    case .dictionary(let width):
      let target = Buffer(byteCount: count * width)
      GatherKernels.fixed(
        buffers[0].address + offset * width, width: width, rows: rows, count: count, to: target.unsafeMutableAddress)
      return Column(type: type, length: count, validity: validity, buffers: [target], children: children)
    case .record:
      let fields = children.indices.map { field($0).gather(rows, count: count) }
      return Column(type: type, length: count, validity: validity, buffers: [], children: fields)
    case .none: return Column(nullsOnly: count)
    case .list32: return gatheredLists(rows, count, validity)
    case .variable64, .list64, .fixedList:
      let builder = ColumnBuilder(type, capacity: count)
      for index in 0..<count {
        let row = Int(rows[index])
        builder.append(self, row..<(row + 1))
      }
      return builder.finish()
    }
  }

  /// The lists of those rows, whose items are gathered as rows of their column.
  private func gatheredLists(_ rows: UnsafePointer<UInt32>, _ count: Int, _ validity: Buffer?) -> Column {
    let offsets = Buffer(byteCount: (count + 1) * 4)
    let source = offsets32
    let total = GatherKernels.offsets(source, rows: rows, count: count, to: offsets.unsafeMutableValues(Int32.self))
    precondition(total <= Int(Int32.max), "the lists of one column have fewer than 2^31 items")
    let indices = Buffer(byteCount: total * 4)
    let items = indices.unsafeMutableValues(UInt32.self)
    var next = 0
    for index in 0..<count {
      let row = Int(rows[index])
      for item in source[row]..<source[row &+ 1] {
        items[next] = UInt32(truncatingIfNeeded: item)
        next &+= 1
      }
    }
    let gathered = children[0].gather(items, count: total)
    withExtendedLifetime(indices) {}
    return Column(type: type, length: count, validity: validity, buffers: [offsets], children: [gathered])
  }

  /// The validity of those rows, in a buffer of their own; nil when none is null.
  public func gatheredValidity(_ rows: UnsafePointer<UInt32>, _ count: Int) -> Buffer? {
    guard let validity else { return nil }
    let bits = Buffer(byteCount: Bitmap.byteCount(count))
    let ones = Bitmap.gather(validity.address, offset, rows: rows, count: count, to: bits.unsafeMutableAddress)
    return ones == count ? nil : bits
  }
}

/// Values of chosen rows, by physical width. Nulls do not matter here: the value of a null row is copied like any
/// other.
enum GatherKernels {
  static func fixed(
    _ source: UnsafeRawPointer, width: Int, rows: UnsafePointer<UInt32>, count: Int, to target: UnsafeMutableRawPointer
  ) {
    switch width {
    case 1: fixed(source, UInt8.self, rows: rows, count: count, to: target)
    case 2: fixed(source, UInt16.self, rows: rows, count: count, to: target)
    case 4: fixed(source, UInt32.self, rows: rows, count: count, to: target)
    case 8: fixed(source, UInt64.self, rows: rows, count: count, to: target)
    case 16:
      for index in 0..<count {
        let value = (source + Int(rows[index]) &* 16).loadUnaligned(as: SIMD2<UInt64>.self)
        (target + index &* 16).storeBytes(of: value, as: SIMD2<UInt64>.self)
      }
    default:
      for index in 0..<count {
        (target + index * width).copyMemory(from: source + Int(rows[index]) * width, byteCount: width)
      }
    }
  }

  /// Whether eight rows follow each other, as most do that a filter keeps which drops few: their values are then copied
  /// as one block.
  @inline(__always)  // A few instructions for eight rows.
  private static func follow(_ rows: UnsafePointer<UInt32>) -> Bool {
    let pairs = UnsafeRawPointer(rows)
    let step: UInt64 = 0x0000_0002_0000_0002
    let first = pairs.loadUnaligned(as: UInt64.self)
    let second = pairs.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    let third = pairs.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
    let fourth = pairs.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
    let pair = (first >> 32) ^ ((first & 0xFFFF_FFFF) &+ 1)
    return pair | ((second &- first) ^ step) | ((third &- second) ^ step) | ((fourth &- third) ^ step) == 0
  }

  @inline(__always)  // One specialised loop a width, chosen once a column.
  private static func fixed<Value: BitwiseCopyable>(
    _ source: UnsafeRawPointer, _: Value.Type, rows: UnsafePointer<UInt32>, count: Int,
    to target: UnsafeMutableRawPointer
  ) {
    let source = source.assumingMemoryBound(to: Value.self)
    let target = target.assumingMemoryBound(to: Value.self)
    var index = 0
    while index &+ 8 <= count {
      if follow(rows + index) {
        (target + index).update(from: source + Int(rows[index]), count: 8)
      } else {
        for row in index..<(index &+ 8) { target[row] = source[Int(rows[row])] }
      }
      index &+= 8
    }
    while index < count {
      target[index] = source[Int(rows[index])]
      index &+= 1
    }
  }

  /// Writes the `count + 1` offsets of the gathered rows and returns the last one unclipped, which tells whether they
  /// fit.
  static func offsets(
    _ source: UnsafePointer<Int32>, rows: UnsafePointer<UInt32>, count: Int, to target: UnsafeMutablePointer<Int32>
  ) -> Int {
    var end = 0
    target[0] = 0
    var index = 0
    while index < count {
      let step = min(8, count &- index)
      if step == 8 && follow(rows + index) {
        let row = Int(rows[index])
        let shift = Int32(truncatingIfNeeded: end) &- source[row]
        for next in 1...8 { target[index &+ next] = source[row &+ next] &+ shift }
        end &+= Int(source[row &+ 8] &- source[row])
      } else {
        for index in index..<(index &+ step) {
          let row = Int(rows[index])
          end &+= Int(source[row &+ 1] &- source[row])
          target[index &+ 1] = Int32(truncatingIfNeeded: end)
        }
      }
      index &+= step
    }
    return end
  }

  /// Copies the bytes of the gathered rows, one after the other.
  ///
  /// Short strings are copied as one block of 16 bytes where both sides have that many: a call of `memcpy` costs more
  /// than the bytes.
  static func bytes(
    _ source: UnsafePointer<UInt8>, sourceEnd: Int, offsets: UnsafePointer<Int32>, rows: UnsafePointer<UInt32>,
    count: Int, to target: UnsafeMutablePointer<UInt8>, capacity: Int
  ) {
    let from = UnsafeRawPointer(source)
    let to = UnsafeMutableRawPointer(target)
    var position = 0
    var index = 0
    while index < count {
      let step = min(8, count &- index)
      if step == 8 && follow(rows + index) {
        let start = Int(offsets[Int(rows[index])])
        let length = Int(offsets[Int(rows[index]) &+ 8]) &- start
        (to + position).copyMemory(from: from + start, byteCount: length)
        position &+= length
      } else {
        for index in index..<(index &+ step) {
          let start = Int(offsets[Int(rows[index])])
          let length = Int(offsets[Int(rows[index]) &+ 1]) &- start
          if length <= 16 && start &+ 16 <= sourceEnd && position &+ 16 <= capacity {
            let block = (from + start).loadUnaligned(as: SIMD2<UInt64>.self)
            (to + position).storeBytes(of: block, as: SIMD2<UInt64>.self)
          } else {
            (to + position).copyMemory(from: from + start, byteCount: length)
          }
          position &+= length
        }
      }
      index &+= step
    }
  }
}
