import Arrow
import VolleyPlan

extension SlotStates {
  /// A column of a value of each of these slots' states.
  @inline(__always)  // The closure becomes the loop's body.
  func column<Value: BitwiseCopyable>(
    _ type: DataType, _ slots: UnsafePointer<UInt32>, count: Int, validity: Buffer? = nil,
    _ value: (UnsafeMutablePointer<State>) -> Value
  ) -> Column {
    let buffer = Buffer(byteCount: count * MemoryLayout<Value>.size)
    let values = buffer.unsafeMutableValues(Value.self)
    forEach(slots, count: count, validity: nil) { state, row in values[row] = value(state) }
    return Column(type: type, length: count, validity: validity, buffers: [buffer])
  }

  /// The validity of a column of these slots: which of them satisfy the condition; nil when all do.
  @inline(__always)  // As above.
  func validity(
    _ slots: UnsafePointer<UInt32>, count: Int, where isValid: (UnsafeMutablePointer<State>) -> Bool
  ) -> Buffer? {
    let base = base
    var all = true
    let words = Words(count: count) { start, rows in
      var word: UInt64 = 0
      for bit in 0..<rows {
        let valid = isValid(base + Int(slots[start &+ bit]))
        word |= (valid ? 1 : 0) &<< UInt64(truncatingIfNeeded: bit)
        all = all == (valid || !all)
      }
      return word
    }
    return all ? nil : words.buffer
  }

  /// Puts each valid row into its slot's state, and gives a column of a value of that state right after each row.
  ///
  /// - Parameters:
  ///   - rows: which rows are valid; nil when all are.
  ///   - validity: the column's; nil when all its values are valid.
  @inline(__always)  // As above.
  func runningColumn<Value: BitwiseCopyable>(
    _ type: DataType, _ slots: UnsafePointer<UInt32>, count: Int, rows: Bits?, validity: Buffer?,
    _ add: (_ state: UnsafeMutablePointer<State>, _ row: Int) -> Void,
    _ value: (UnsafeMutablePointer<State>) -> Value
  ) -> Column {
    let buffer = Buffer(byteCount: count * MemoryLayout<Value>.size)
    let values = buffer.unsafeMutableValues(Value.self)
    _ = runningBits(slots, count: count, validity: rows) { state, row, isValid in
      if isValid { add(state, row) }
      values[row] = value(state)
      return true
    }
    return Column(type: type, length: count, validity: validity, buffers: [buffer])
  }

  /// As above, where the state itself tells whether its value is valid.
  @inline(__always)  // As above.
  func runningColumn<Value: BitwiseCopyable>(
    _ type: DataType, _ slots: UnsafePointer<UInt32>, count: Int, rows: Bits?,
    _ add: (_ state: UnsafeMutablePointer<State>, _ row: Int) -> Void,
    _ value: (UnsafeMutablePointer<State>) -> Value, isValid: (UnsafeMutablePointer<State>) -> Bool
  ) -> Column {
    let buffer = Buffer(byteCount: count * MemoryLayout<Value>.size)
    let values = buffer.unsafeMutableValues(Value.self)
    let bits = runningBits(slots, count: count, validity: rows) { state, row, counts in
      if counts { add(state, row) }
      values[row] = value(state)
      return isValid(state)
    }
    let validity = bits.ones == count ? nil : bits.buffer
    return Column(type: type, length: count, validity: validity, buffers: [buffer])
  }
}
