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
    let validity = validity(parts, count)
    switch type.layout {
    case .bits: return Column(type: type, length: count, validity: validity, buffers: [bits(parts, count)])
    case .fixed(let width):
      precondition(width == 4 || width == 8, "fixed values of \(width) bytes have no merge kernel")
      let target = Buffer(byteCount: count * width)
      for part in parts {
        if width == 8 {
          fixed(part, UInt64.self, to: target)
        } else {
          fixed(part, UInt32.self, to: target)
        }
      }
      return Column(type: type, length: count, validity: validity, buffers: [target])
    case .variable32:
      return Column(type: type, length: count, validity: validity, buffers: try text(parts, count))
    default: preconditionFailure("there is no merge kernel for \(type)")
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

  @inline(__always)  // One specialised loop a width and kind of part.
  private static func fixed<Value: FixedWidthInteger & BitwiseCopyable>(_ part: Part, _: Value.Type, to target: Buffer)
  {
    let values = target.unsafeMutableValues(Value.self)
    let rows = part.rows.rows
    switch part.values {
    case .dense(let column):
      let source = column.values(Value.self)
      for index in 0..<part.rows.count { values[Int(rows[index])] = source[index] }
    case .inPlace(let column):
      let source = column.values(Value.self)
      for index in 0..<part.rows.count { values[Int(rows[index])] = source[Int(rows[index])] }
    case .constant(let literal):
      let value = Value(truncatingIfNeeded: literal.fixedBits)
      for index in 0..<part.rows.count { values[Int(rows[index])] = value }
    }
  }
}

extension Literal {
  /// The bits of a value of fixed width; 0 for a null.
  fileprivate var fixedBits: UInt64 {
    switch self {
    case .int32(let value): UInt64(truncatingIfNeeded: value)
    case .int64(let value), .timestamp(let value, _, _): UInt64(bitPattern: value)
    case .float64(let value): value.bitPattern
    case .null: 0
    default: preconditionFailure("a \(type) is not of fixed width")
    }
  }
}

extension ColumnMerger.Values {
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

/// As `ColumnMerger.Values`, for bits.
enum ScatteredBits {
  case dense(Bits)
  case inPlace(Bits)
  case same(Bool)
}

extension Words {
  /// Gives the rows their bits. Those bits are 0 before.
  func scatter(_ bits: ScatteredBits, _ rows: Selection) {
    let (words, indices) = (words, rows.rows)
    switch bits {
    case .dense(let bits):
      var done = 0
      while done < rows.count {
        let step = min(64, rows.count &- done)
        let word = bits.word(done, step)
        for bit in 0..<step {
          let row = indices[done &+ bit]
          words[Int(row >> 6)] |= ((word &>> UInt64(truncatingIfNeeded: bit)) & 1) &<< UInt64(row & 63)
        }
        done &+= step
      }
    case .inPlace(let bits):
      for index in 0..<rows.count {
        let row = indices[index]
        words[Int(row >> 6)] |= (Bitmap.get(bits.address, bits.offset &+ Int(row)) ? 1 : 0) &<< UInt64(row & 63)
      }
    case .same(let value):
      guard value else { return }
      for index in 0..<rows.count { words[Int(indices[index] >> 6)] |= 1 &<< UInt64(indices[index] & 63) }
    }
  }
}
