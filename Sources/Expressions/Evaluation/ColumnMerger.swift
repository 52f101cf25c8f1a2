import Arrow
import Base
import VolleyPlan

/// Makes one column of parts that each give the values of some of its rows. Rows that no part gives are null.
enum ColumnMerger {
  struct Part {
    /// The rows of the result that the part gives, each in one part only.
    var rows: Selection
    var values: Values
  }

  enum Values {
    /// Row i of the column is the value of row `rows[i]`.
    case dense(Column)
    /// Row `rows[i]` of the column is the value of row `rows[i]`.
    case inPlace(Column)
    /// The same value for every row; possibly a null.
    case constant(Literal)
  }

  @inline(never)  // As `ComparisonKernels.column`.
  static func merge(_ parts: [Part], type: DataType, count: Int) throws(Failure) -> Column {
    switch type.layout {
    case .bits:
      return Column(type: type, length: count, validity: validity(parts, count), buffers: [bits(parts, count)])
    case .fixed(let width):
      let target = Buffer(byteCount: count * width)
      for part in parts { part.write(width: width, to: target) }
      return Column(type: type, length: count, validity: validity(parts, count), buffers: [target])
    case .variable32:
      return Column(type: type, length: count, validity: validity(parts, count), buffers: try text(parts, count))
    case .dictionary(let width):
      return merge(parts, dictionary: type, width: width, count)
    case .none: return Column(nullsOnly: count)
    case .variable64, .view, .list32, .list64, .fixedList, .record: return try built(parts, type, count)
    }
  }

  /// Nil when every row has a value.
  private static func validity(_ parts: [Part], _ count: Int) -> Buffer? {
    let given = parts.reduce(0) { $0 + $1.rows.count }
    if given == count, parts.allSatisfy({ !$0.values.mayBeNull }) { return nil }
    let words = Words(repeating: false, count: count)
    for part in parts { words.scatter(part.values.validity, part.rows) }
    return words.buffer
  }

  private static func bits(_ parts: [Part], _ count: Int) -> Buffer {
    let words = Words(repeating: false, count: count)
    for part in parts {
      switch part.values {
      case .dense(let column): words.scatter(.dense(Bits(valuesOf: column)), part.rows)
      case .inPlace(let column): words.scatter(.inPlace(Bits(valuesOf: column)), part.rows)
      case .constant(.bool(let value)): words.scatter(.same(value), part.rows)
      case .constant: break
      }
    }
    return words.buffer
  }

  /// Indices into one dictionary. Typing lets values of dictionaries meet as what they name, so there is one part: the
  /// rows for which a user function was called.
  private static func merge(_ parts: [Part], dictionary type: DataType, width: Int, _ count: Int) -> Column {
    var found: Column?
    for part in parts {
      guard let column = part.values.column else { continue }
      precondition(found == nil, "columns of dictionaries are merged as the values that they name")
      found = column
    }
    guard let column = found else { return Column.nulls(type, count: count) }
    let target = Buffer(byteCount: count * width)
    // A null's index is looked at by nobody but must name a value.
    target.unsafeMutableAddress.initializeMemory(as: UInt8.self, repeating: 0, count: target.byteCount)
    for part in parts where part.values.column != nil { part.write(width: width, to: target) }
    return Column(
      type: type, length: count, validity: validity(parts, count), buffers: [target], children: column.children)
  }

  /// Row by row, for the layouts that are rare in a case.
  private static func built(_ parts: [Part], _ type: DataType, _ count: Int) throws(Failure) -> Column {
    /// Where a row comes from: its part's column and the row in it.
    var sources = [(column: Int, row: Int)](repeating: (-1, 0), count: count)
    var columns: [Column] = []
    for part in parts {
      switch part.values {
      case .constant(.null): continue
      case .constant(let literal): columns.append(Column.constant(literal, count: 1))
      case .dense(let column), .inPlace(let column): columns.append(column)
      }
      let rows = part.rows.rows
      for index in 0..<part.rows.count {
        let row = Int(rows[index])
        switch part.values {
        case .dense: sources[row] = (columns.count - 1, index)
        case .inPlace: sources[row] = (columns.count - 1, row)
        case .constant: sources[row] = (columns.count - 1, 0)
        }
      }
    }
    let builder = ColumnBuilder(type, capacity: count)
    for (column, row) in sources {
      if column < 0 { builder.appendNull() } else { builder.append(columns[column], row..<(row + 1)) }
    }
    return try builder.checkedFinish()
  }
}

extension ColumnMerger.Part {
  /// The part's values, `width` bytes each, to their rows. Nulls write anything.
  fileprivate func write(width: Int, to target: Buffer) {
    switch width {
    case 1: fixed(UInt8.self, to: target)
    case 2: fixed(UInt16.self, to: target)
    case 4: fixed(UInt32.self, to: target)
    case 8: fixed(UInt64.self, to: target)
    case 16: fixed(SIMD2<UInt64>.self, to: target)
    default: bytes(width, to: target)
    }
  }

  @inline(__always)  // One specialised loop a width and kind of part.
  private func fixed<Value: BitwiseCopyable>(_: Value.Type, to target: Buffer) {
    let (values, indices) = (target.unsafeMutableValues(Value.self), rows.rows)
    switch self.values {
    case .dense(let column):
      let source = column.bits(Value.self)
      for index in 0..<rows.count { values[Int(indices[index])] = source.value(index) }
    case .inPlace(let column):
      let source = column.bits(Value.self)
      for index in 0..<rows.count { values[Int(indices[index])] = source.value(Int(indices[index])) }
    case .constant(let literal):
      let constant = Column.constant(literal, count: 1)
      let value = withExtendedLifetime(constant) { constant.bits(Value.self).value(0) }
      for index in 0..<rows.count { values[Int(indices[index])] = value }
    }
  }

  private func bytes(_ width: Int, to target: Buffer) {
    let (address, indices) = (target.unsafeMutableAddress, rows.rows)
    func copy(_ column: Column, _ sourceRow: (Int) -> Int) {
      let source = column.buffers[0].address + column.offset * width
      for index in 0..<rows.count {
        (address + Int(indices[index]) * width).copyMemory(from: source + sourceRow(index) * width, byteCount: width)
      }
    }
    switch values {
    case .dense(let column): copy(column) { $0 }
    case .inPlace(let column): copy(column) { Int(indices[$0]) }
    case .constant(let literal): copy(Column.constant(literal, count: 1)) { _ in 0 }
    }
  }
}

/// Values by their bits, aligned only as their type needs: foreign fixed-size binary of 16 bytes lies anywhere.
private struct ValueBits<Value: BitwiseCopyable> {
  let start: UnsafeRawPointer

  @inline(__always)  // One load in the loops over it.
  func value(_ row: Int) -> Value { (start + row &* MemoryLayout<Value>.size).loadUnaligned(as: Value.self) }
}

extension Column {
  fileprivate func bits<Value: BitwiseCopyable>(_: Value.Type) -> ValueBits<Value> {
    ValueBits(start: buffers[0].address + offset * MemoryLayout<Value>.size)
  }
}

extension ColumnMerger.Values {
  var column: Column? {
    switch self {
    case .dense(let column), .inPlace(let column): column
    case .constant: nil
    }
  }

  var mayBeNull: Bool {
    switch self {
    case .dense(let column), .inPlace(let column): column.validity != nil
    case .constant(.null): true
    case .constant: false
    }
  }

  fileprivate var validity: ScatteredBits {
    switch self {
    case .dense(let column): Bits(validityOf: column).map { .dense($0) } ?? .same(true)
    case .inPlace(let column): Bits(validityOf: column).map { .inPlace($0) } ?? .same(true)
    case .constant(.null): .same(false)
    case .constant: .same(true)
    }
  }
}
