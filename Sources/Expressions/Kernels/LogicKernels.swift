import Arrow

/// Kleene's three-valued logic on bitmaps: null is "unknown", so `false and null` is false and `true or null` is true.
enum LogicKernels {
  @inline(never)  // As `ComparisonKernels.column`.
  static func and(_ left: Column, _ right: Column) -> Column {
    let count = left.length
    let (a, b) = (Bits(valuesOf: left), Bits(valuesOf: right))
    let (aValid, bValid) = (Bits(validityOf: left), Bits(validityOf: right))
    guard aValid != nil || bValid != nil else {
      return Words(count: count) { a.word($0, $1) & b.word($0, $1) }.column()
    }
    let values = Words(count: count) { a.word($0, $1) & valid(aValid, $0, $1) & b.word($0, $1) & valid(bValid, $0, $1) }
    // Known: both are, or one is false.
    let validity = Words(count: count) { row, rows in
      let (aKnown, bKnown) = (valid(aValid, row, rows), valid(bValid, row, rows))
      return (aKnown & bKnown) | (aKnown & ~a.word(row, rows)) | (bKnown & ~b.word(row, rows))
    }
    return values.column(validity: validity.buffer)
  }

  @inline(never)  // As `ComparisonKernels.column`.
  static func or(_ left: Column, _ right: Column) -> Column {
    let count = left.length
    let (a, b) = (Bits(valuesOf: left), Bits(valuesOf: right))
    let (aValid, bValid) = (Bits(validityOf: left), Bits(validityOf: right))
    guard aValid != nil || bValid != nil else {
      return Words(count: count) { a.word($0, $1) | b.word($0, $1) }.column()
    }
    let values = Words(count: count) {
      (a.word($0, $1) & valid(aValid, $0, $1)) | (b.word($0, $1) & valid(bValid, $0, $1))
    }
    // Known: both are, or one is true.
    let validity = Words(count: count) { row, rows in
      let (aKnown, bKnown) = (valid(aValid, row, rows), valid(bValid, row, rows))
      return (aKnown & bKnown) | (aKnown & a.word(row, rows)) | (bKnown & b.word(row, rows))
    }
    return values.column(validity: validity.buffer)
  }

  @inline(never)  // As `ComparisonKernels.column`.
  static func not(_ column: Column) -> Column {
    let bits = Bits(valuesOf: column)
    let values = Words(count: column.length) { ~bits.word($0, $1) }
    return values.column(validity: commonValidity([column], count: column.length))
  }

  @inline(never)  // As `ComparisonKernels.column`.
  static func isNull(_ column: Column) -> Column {
    guard let validity = Bits(validityOf: column) else {
      return Words(repeating: false, count: column.length).column()
    }
    return Words(count: column.length) { ~validity.word($0, $1) }.column()
  }

  @inline(never)  // As `ComparisonKernels.column`.
  static func isNotNull(_ column: Column) -> Column {
    guard let validity = Bits(validityOf: column) else {
      return Words(repeating: true, count: column.length).column()
    }
    return Words(count: column.length) { validity.word($0, $1) }.column()
  }

  @inline(__always)  // Once per 64 rows, in loops that do little more.
  private static func valid(_ bits: Bits?, _ row: Int, _ count: Int) -> UInt64 { bits?.word(row, count) ?? .max }
}
