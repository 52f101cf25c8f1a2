import Base

extension Column {
  /// The rows of all columns, one after the other. A single column is returned as it is, without copying.
  ///
  /// - Parameter columns: at least one, all of one type.
  /// - Throws: a `data` failure when the strings together take 2 GiB or more, or dictionaries together have more values
  ///   than their indices count.
  public static func concatenate(_ columns: [Column]) throws(Failure) -> Column {
    precondition(!columns.isEmpty, "there is a column to concatenate")
    if columns.count == 1 { return columns[0] }
    let type = columns[0].type
    for column in columns { precondition(column.type == type, "columns of one type are concatenated") }
    let length = columns.reduce(0) { $0 + $1.length }
    let validity = concatenatedValidity(columns, length)
    switch type.layout {
    case .bits:
      let bits = Buffer(byteCount: Bitmap.byteCount(length))
      var done = 0
      for column in columns {
        Bitmap.copy(
          column.buffers[0].address, column.offset, count: column.length, to: bits.unsafeMutableAddress, done)
        done += column.length
      }
      return Column(type: type, length: length, validity: validity, buffers: [bits])
    case .fixed(let width):
      let values = Buffer(byteCount: length * width)
      var target = values.unsafeMutableAddress
      for column in columns {
        let byteCount = column.length * width
        target.copyMemory(from: column.buffers[0].address + column.offset * width, byteCount: byteCount)
        target += byteCount
      }
      return Column(type: type, length: length, validity: validity, buffers: [values])
    case .variable32:
      let buffers = try concatenatedStrings(columns, length)
      return Column(type: type, length: length, validity: validity, buffers: buffers)
    case .record:
      var children: [Column] = []
      for index in columns[0].children.indices {
        children.append(try concatenate(columns.map { $0.field(index) }))
      }
      return Column(type: type, length: length, validity: validity, buffers: [], children: children)
    case .none: return Column(nullsOnly: length)
    case .dictionary where columns.allSatisfy({ $0.sharesDictionary(with: columns[0]) }):
      let indices = try concatenate(columns.map(\.dictionaryIndices))
      return Column(
        type: type, length: length, validity: indices.validity, buffers: indices.buffers,
        children: columns[0].children)
    case .list32:
      let (offsets, items) = try concatenatedLists(columns, length)
      return Column(type: type, length: length, validity: validity, buffers: [offsets], children: [items])
    case .variable64, .view, .list64, .fixedList, .dictionary:
      let builder = ColumnBuilder(type, capacity: length)
      for column in columns { builder.append(column, 0..<column.length) }
      return try builder.checkedFinish()
    }
  }

  private static func concatenatedStrings(_ columns: [Column], _ length: Int) throws(Failure) -> [Buffer] {
    var total = 0
    for column in columns where column.length > 0 {
      total += Int(column.offsets32[column.length] - column.offsets32[0])
    }
    guard total <= Int(Int32.max) else {
      throw Failure(
        .data,
        "the strings of \(length) rows of a column take \(total) bytes, and a batch holds at most \(Int32.max) bytes "
          + "a column; lower --batch-rows")
    }
    let bytes = Buffer(byteCount: total)
    var end = 0
    for column in columns where column.length > 0 {
      let source = column.offsets32
      let count = Int(source[column.length] - source[0])
      (bytes.unsafeMutableAddress + end).copyMemory(from: column.bytes + Int(source[0]), byteCount: count)
      end += count
    }
    return [concatenatedOffsets(columns, length), bytes]
  }

  private static func concatenatedLists(
    _ columns: [Column], _ length: Int
  ) throws(Failure) -> (offsets: Buffer, items: Column) {
    let total = columns.reduce(0) { $0 + $1.itemRange(0..<$1.length).count }
    guard total <= Int(Int32.max) else {
      throw Failure(
        .data,
        "the lists of \(length) rows of a column have \(total) items, and a batch holds at most \(Int32.max) items a "
          + "column; lower --batch-rows")
    }
    return (concatenatedOffsets(columns, length), try concatenate(columns.map(\.items)))
  }

  /// The offsets of columns whose strings or lists lie one after the other, and together are not too long.
  private static func concatenatedOffsets(_ columns: [Column], _ length: Int) -> Buffer {
    let offsets = Buffer(byteCount: (length + 1) * 4)
    var target = offsets.unsafeMutableValues(Int32.self)
    target[0] = 0
    for column in columns where column.length > 0 {
      let source = column.offsets32
      let shift = target[0] &- source[0]
      for row in 1...column.length { target[row] = source[row] &+ shift }
      target += column.length
    }
    return offsets
  }

  /// nil when no row of any of them is null.
  private static func concatenatedValidity(_ columns: [Column], _ length: Int) -> Buffer? {
    guard columns.contains(where: { $0.nullCount > 0 }) else { return nil }
    let bits = Buffer(byteCount: Bitmap.byteCount(length))
    var done = 0
    for column in columns {
      if let validity = column.validity {
        Bitmap.copy(validity.address, column.offset, count: column.length, to: bits.unsafeMutableAddress, done)
      } else {
        Bitmap.fill(bits.unsafeMutableAddress, done, count: column.length, true)
      }
      done += column.length
    }
    return bits
  }
}

extension RecordBatch {
  /// The rows that count of all batches, one after the other, in a batch without a selection.
  ///
  /// - Parameter batches: at least one, all of one schema.
  /// - Throws: a `data` failure as `Column.concatenate` does.
  public static func concatenate(_ batches: [RecordBatch]) throws(Failure) -> RecordBatch {
    precondition(!batches.isEmpty, "there is a batch to concatenate")
    if batches.count == 1 { return batches[0].compacted() }
    let schema = batches[0].schema
    for batch in batches { precondition(batch.schema == schema, "batches of one schema are concatenated") }
    let length = batches.reduce(0) { $0 + $1.rowCount }
    var columns: [Column] = []
    columns.reserveCapacity(schema.fields.count)
    for index in schema.fields.indices {
      columns.append(try Column.concatenate(batches.map { $0.compactedColumn(index) }))
    }
    return RecordBatch(schema: schema, columns: columns, length: length)
  }
}
