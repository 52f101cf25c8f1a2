import Arrow
import Text

/// A run of rows that follow each other in the source as in the batch.
struct RowRun {
  /// The number of the first one in the source.
  var row: Int64
  /// Its place in the batch.
  var place: Int
  var count: Int
}

/// Fills integers of 4 or 8 bytes.
@inline(__always)
private func fill<Value: FixedWidthInteger>(
  _ out: UnsafeMutablePointer<Value>, _ runs: [RowRun], _ value: (Int64) -> Int64
) {
  for run in runs {
    let start = out + run.place
    for index in 0..<run.count { start[index] = Value(truncatingIfNeeded: value(run.row &+ Int64(index))) }
  }
}

func fillIntegers<Value: FixedWidthInteger>(
  _ out: UnsafeMutablePointer<Value>, _ runs: [RowRun], _ column: GeneratedColumn, _ hash: RowHash
) {
  switch column {
  case .sequence(let start, let step): fill(out, runs) { start &+ $0 &* step }
  case .uniform(let minimum, 0): fill(out, runs) { minimum &+ Int64(bitPattern: hash[$0]) }
  case .uniform(let minimum, let span): fill(out, runs) { minimum &+ Int64(bitPattern: hash.below(span, $0)) }
  case .integerChoice(let values):
    values.withUnsafeBufferPointer { values in
      let span = UInt64(values.count)
      fill(out, runs) { values[Int(hash.below(span, $0))] }
    }
  default: preconditionFailure("the options are checked by type: \(column) makes no integers")
  }
}

@inline(__always)
private func fill(_ out: UnsafeMutablePointer<Double>, _ runs: [RowRun], _ value: (Int64) -> Double) {
  for run in runs {
    let start = out + run.place
    for index in 0..<run.count { start[index] = value(run.row &+ Int64(index)) }
  }
}

func fillDoubles(_ out: UnsafeMutablePointer<Double>, _ runs: [RowRun], _ column: GeneratedColumn, _ hash: RowHash) {
  switch column {
  case .doubleSequence(let start, let step): fill(out, runs) { start + Double($0) * step }
  case .doubleUniform(let minimum, let width): fill(out, runs) { minimum + hash.fraction($0) * width }
  case .doubleChoice(let values):
    values.withUnsafeBufferPointer { values in
      let span = UInt64(values.count)
      fill(out, runs) { values[Int(hash.below(span, $0))] }
    }
  default: preconditionFailure("the options are checked by type: \(column) makes no doubles")
  }
}

func fillBools(_ out: UnsafeMutableRawPointer, _ runs: [RowRun], _ column: GeneratedColumn, _ hash: RowHash) {
  for run in runs {
    for index in 0..<run.count {
      let row = run.row &+ Int64(index)
      let value =
        switch column {
        case .coin: hash[row] & 1 == 1
        case .boolChoice(let values): values[Int(hash.below(UInt64(values.count), row))]
        default: preconditionFailure("the options are checked by type: \(column) makes no bools")
        }
      Bitmap.set(out, run.place + index, value)
    }
  }
}

/// The text of all rows; `offsets` gets where each ends.
func fillTexts(
  _ offsets: UnsafeMutablePointer<Int32>, _ runs: [RowRun], _ column: GeneratedColumn, _ hash: RowHash
) -> Buffer {
  switch column {
  case .textChoice(let values):
    return fillTexts(offsets, runs, longest: values.map(\.count).max() ?? 0) { row, out in
      let value = values[Int(hash.below(UInt64(values.count), row))]
      out.update(from: value, count: value.count)
      return out + value.count
    }
  case .textSequence(let prefix, let start, let step):
    return fillTexts(offsets, runs, longest: prefix.count + 20) { row, out in
      out.update(from: prefix, count: prefix.count)
      return writeInteger(start &+ row &* step, to: out + prefix.count)
    }
  case .textUniform(let prefix, let minimum, let span):
    return fillTexts(offsets, runs, longest: prefix.count + 20) { row, out in
      out.update(from: prefix, count: prefix.count)
      return writeInteger(minimum &+ Int64(bitPattern: hash.below(span, row)), to: out + prefix.count)
    }
  default: preconditionFailure("the options are checked by type: \(column) makes no text")
  }
}

/// - Parameters:
///   - longest: most bytes that `write` writes.
///   - write: writes the text of a row and returns where it ends.
@inline(__always)
private func fillTexts(
  _ offsets: UnsafeMutablePointer<Int32>, _ runs: [RowRun], longest: Int,
  _ write: (Int64, UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8>
) -> Buffer {
  var text = Buffer(byteCount: max(longest, 4096))
  var out = text.unsafeMutableValues(UInt8.self)
  var used = 0
  offsets[0] = 0
  for run in runs {
    for index in 0..<run.count {
      if text.capacity - used < longest {
        let grown = Buffer(byteCount: text.capacity * 2 + longest)
        grown.unsafeMutableAddress.copyMemory(from: text.address, byteCount: used)
        text = grown
        out = text.unsafeMutableValues(UInt8.self)
      }
      used = write(run.row &+ Int64(index), out + used) - out
      offsets[run.place + index + 1] = Int32(used)
    }
  }
  text.setByteCount(used)
  return text
}
