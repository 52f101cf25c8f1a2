import Arrow
import Base
import Calendar
import VolleyPlan

/// How a column of dates, times or timestamps looks to the kernels of `Calendar`: as timestamps in a unit.
struct TemporalShape: Sendable {
  enum Kind: Sendable { case timestamp, date32, date64, time32, time64 }

  let type: DataType
  let kind: Kind
  /// Of the integers that the kernels see: dates as 32-bit days become seconds.
  let unit: TimeUnit
  /// Of a timestamp.
  let zone: String?

  /// Nil for another type.
  init?(_ type: DataType) {
    self.type = type
    switch type {
    case .timestamp(let unit, let zone): (kind, self.unit, self.zone) = (.timestamp, unit, zone)
    case .date32: (kind, unit, zone) = (.date32, .second, nil)
    case .date64: (kind, unit, zone) = (.date64, .millisecond, nil)
    case .time32(let unit): (kind, self.unit, zone) = (.time32, unit, nil)
    case .time64(let unit): (kind, self.unit, zone) = (.time64, unit, nil)
    default: return nil
    }
  }

  var isDate: Bool { kind == .date32 || kind == .date64 }
  var isTime: Bool { kind == .time32 || kind == .time64 }

  /// The column with 64-bit integers of `unit`, the nulls as they are.
  func load(_ column: Column) -> Column {
    switch kind {
    case .timestamp, .date64, .time64: return column
    case .date32: return widened(column, by: Civil.secondsPerDay)
    case .time32: return widened(column, by: 1)
    }
  }

  private func widened(_ column: Column, by factor: Int64) -> Column {
    let buffer = Buffer(byteCount: column.length * 8)
    let (values, source) = (buffer.unsafeMutableValues(Int64.self), column.values(Int32.self))
    for row in 0..<column.length { values[row] = Int64(source[row]) &* factor }
    return column.replacing(values: buffer, type: .int64)
  }

  /// Results in `unit` for the rows of `column`, as its type.
  ///
  /// - Returns: nil when a row's result is no value of the type: another day than 32 bits hold, or a time beyond its day.
  func store(_ results: Buffer, _ column: Column) -> Column? {
    let source = results.unsafeMutableValues(Int64.self)
    var beyond = false
    switch kind {
    case .timestamp: return column.replacing(values: results, type: type)
    case .date64:
      let perDay = FloorDivisor(unit.perSecond * Civil.secondsPerDay)
      for row in 0..<column.length { source[row] = perDay.floor(source[row]) }
      return column.replacing(values: results, type: type)
    case .time64:
      let end = unit.perSecond * Civil.secondsPerDay
      for row in 0..<column.length where source[row] < 0 || source[row] >= end {
        beyond = beyond || column.isValid(row)
      }
      return beyond ? nil : column.replacing(values: results, type: type)
    case .date32, .time32:
      let divisor = FloorDivisor(kind == .date32 ? Civil.secondsPerDay : 1)
      let end = unit.perSecond * Civil.secondsPerDay
      let isTime = kind == .time32
      let buffer = Buffer(byteCount: column.length * 4)
      let values = buffer.unsafeMutableValues(Int32.self)
      for row in 0..<column.length {
        let value = divisor.quotient(source[row])
        values[row] = Int32(truncatingIfNeeded: value)
        if Int64(values[row]) != value || isTime && (value < 0 || value >= end) {
          beyond = beyond || column.isValid(row)
        }
      }
      return beyond ? nil : column.replacing(values: buffer, type: type)
    }
  }

  /// Whether a result in `unit` is a value of the type.
  func holds(_ result: Int64) -> Bool {
    switch kind {
    case .timestamp, .date64: true
    case .date32: Int32(exactly: floorDivide(result, Civil.secondsPerDay).quotient) != nil
    case .time32, .time64: result >= 0 && result < unit.perSecond * Civil.secondsPerDay
    }
  }
}

enum TemporalColumn {
  /// A row's value, for messages.
  static func text(_ column: Column, _ row: Int) -> String { column.text(at: row) }

  /// The results of a kernel of `Calendar` over a column's rows, as the column's own type.
  ///
  /// - Parameters:
  ///   - apply: fills the results; false when a row had none.
  ///   - value: a row's result again, nil if there is none.
  static func mapped(
    _ shape: TemporalShape, _ column: Column, _ apply: (Column, UnsafeMutablePointer<Int64>) -> Bool,
    value: (Column, Int) -> Int64?, failure: (String) -> Failure
  ) throws(Failure) -> Column {
    let input = shape.load(column)
    let results = Buffer(byteCount: column.length * 8)
    let fits = apply(input, results.unsafeMutableValues(Int64.self))
    if fits, let stored = shape.store(results, column) { return stored }
    for row in 0..<column.length where column.isValid(row) {
      if let result = value(input, row), shape.holds(result) { continue }
      throw failure(text(column, row))
    }
    guard let stored = shape.store(results, column) else { preconditionFailure("a row beyond the type is found") }
    return stored
  }

  /// As `mapped`, with results that are integers.
  static func integers(
    _ column: Column, _ input: Column, _ apply: (UnsafePointer<Int64>, UnsafeMutablePointer<Int64>) -> Bool,
    value: (Int64) -> Int64?, failure: (String) -> Failure
  ) throws(Failure) -> Column {
    let results = Buffer(byteCount: column.length * 8)
    let values = input.values(Int64.self)
    if !apply(values, results.unsafeMutableValues(Int64.self)) {
      for row in 0..<column.length where column.isValid(row) && value(values[row]) == nil {
        throw failure(text(column, row))
      }
    }
    return column.replacing(values: results, type: .int64)
  }
}
