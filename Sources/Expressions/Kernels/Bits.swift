import Arrow

/// Bits to read, 64 rows at a time.
struct Bits {
  let address: UnsafeRawPointer
  /// The bit of row 0.
  let offset: Int

  init(_ address: UnsafeRawPointer, offset: Int = 0) {
    self.address = address
    self.offset = offset
  }

  /// The values of a `bool` column.
  init(valuesOf column: Column) { self.init(column.buffers[0].address, offset: column.offset) }

  /// Nil when every row holds a value.
  init?(validityOf column: Column) {
    guard let validity = column.validity else { return nil }
    self.init(validity.address, offset: column.offset)
  }

  /// Bits of `count` rows from `row` on, 1...64 of them; the rest is 0.
  @inline(__always)  // Called once per 64 rows in loops that do little more.
  func word(_ row: Int, _ count: Int) -> UInt64 { Bitmap.word(address, offset &+ row, count: count) }
}

/// 64-bit words of bits in a buffer of their own: row i is bit i, and the bits past the last row are 0.
struct Words {
  let buffer: Buffer
  let count: Int

  /// Undefined bits for `count` rows.
  init(count: Int) {
    self.count = count
    buffer = Buffer(byteCount: Bitmap.paddedByteCount(count))
  }

  /// The same bit for `count` rows.
  init(repeating value: Bool, count: Int) {
    self.init(count: count)
    if count > 0 { Bitmap.fill(buffer.unsafeMutableAddress, 0, count: count, value) }
  }

  var words: UnsafeMutablePointer<UInt64> { buffer.unsafeMutableValues(UInt64.self) }

  /// How many words hold a row.
  var wordCount: Int { (count + 63) >> 6 }

  var ones: Int {
    let words = words
    var ones = 0
    for index in 0..<wordCount { ones &+= words[index].nonzeroBitCount }
    return ones
  }

  /// The rows whose bit is 1.
  var selection: Selection { Selection(bits: buffer.address, count: count) }

  /// These bits as a `bool` column.
  func column(validity: Buffer? = nil) -> Column {
    Column(type: .bool, length: count, validity: validity, buffers: [buffer])
  }

  /// New words; `word` makes each from the first row of the word and the number of its rows.
  @inline(__always)  // The closure disappears; as a call it would cost more than the word.
  init(count: Int, _ word: (_ row: Int, _ rows: Int) -> UInt64) {
    self.init(count: count)
    let words = words
    var row = 0
    while row &+ 64 <= count {
      words[row >> 6] = word(row, 64).littleEndian
      row &+= 64
    }
    if row < count {
      let rows = count &- row
      words[row >> 6] = (word(row, rows) & ((1 << UInt64(truncatingIfNeeded: rows)) &- 1)).littleEndian
    }
  }

  /// The rows of a `bool` column that are true: neither false nor null.
  init(trueRowsOf column: Column) {
    let values = Bits(valuesOf: column)
    if let validity = Bits(validityOf: column) {
      self.init(count: column.length) { values.word($0, $1) & validity.word($0, $1) }
    } else {
      self.init(count: column.length) { values.word($0, $1) }
    }
  }

  /// Keeps the bits that are 1 in `other` as well.
  func formIntersection(_ other: Words) {
    let (words, others) = (words, other.words)
    for index in 0..<wordCount { words[index] &= others[index] }
  }

  /// Clears the bits that are 1 in `other`.
  func subtract(_ other: Words) {
    let (words, others) = (words, other.words)
    for index in 0..<wordCount { words[index] &= ~others[index] }
  }

  /// Bit `rows[i]` becomes bit i of `bits`; the other bits stay.
  func replace(_ bits: Bits, _ rows: Selection) {
    let (words, indices) = (words, rows.rows)
    var done = 0
    while done < rows.count {
      let step = min(64, rows.count &- done)
      let word = bits.word(done, step)
      for bit in 0..<step {
        let row = indices[done &+ bit]
        let shift = UInt64(row & 63)
        let value = (word &>> UInt64(truncatingIfNeeded: bit)) & 1
        words[Int(row >> 6)] = (words[Int(row >> 6)] & ~(1 &<< shift)) | (value &<< shift)
      }
      done &+= step
    }
  }
}

/// The validity of rows that hold a value where all the columns do; nil when they all always do. Row i is bit i.
func commonValidity(_ columns: [Column?], count: Int) -> Buffer? {
  var found: [(buffer: Buffer, offset: Int)] = []
  for case let column? in columns {
    guard let validity = column.validity else { continue }
    if !found.contains(where: { $0.buffer === validity && $0.offset == column.offset }) {
      found.append((validity, column.offset))
    }
  }
  guard let first = found.first else { return nil }
  if found.count == 1, first.offset == 0 { return first.buffer }
  let start = Bits(first.buffer.address, offset: first.offset)
  if found.count == 1 { return Words(count: count) { start.word($0, $1) }.buffer }
  let second = Bits(found[1].buffer.address, offset: found[1].offset)
  let words = Words(count: count) { start.word($0, $1) & second.word($0, $1) }
  for other in found.dropFirst(2) {
    let bits = Bits(other.buffer.address, offset: other.offset)
    words.formIntersection(Words(count: count) { bits.word($0, $1) })
  }
  return words.buffer
}
