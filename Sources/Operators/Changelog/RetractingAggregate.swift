import Arrow
import Base
import Expressions
import Keys
import State
import VolleyPlan

/// One aggregate of many groups from which rows can be taken away again, by slot. One thread at a time.
protocol RetractingAggregate: AnyObject {
  var byteCount: Int { get }
  /// Bytes that a batch may add at worst.
  func growth(_ argument: Column?, rows: Int, slotCount: Int) -> Int
  func grow(to slotCount: Int)
  /// Row i is added to slot `slots[i]` when its weight is 1, taken away when it is -1, and passed over when it is 0, as rows whose argument is null
  /// are.
  func update(
    _ slots: UnsafePointer<UInt32>, weights: UnsafePointer<Int64>, count: Int, _ argument: Column?
  ) throws(Failure)
  /// The results of these slots, in this order: null where there is no value, but 0 for a count.
  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> Column
  /// Whether a slot is as one of no rows. One from which a row was taken away before it came is not.
  func isClear(_ slot: UInt32) -> Bool
  /// Makes these slots, each of which comes once and is clear, as new ones.
  func reset(_ slots: UnsafePointer<UInt32>, count: Int)
  /// The columns of what it keeps of a slot; none when that is more than a row.
  var stateFields: [Field] { get }
  func states(_ slots: Selection) -> [Column]
  /// - Parameter columns: as `states` gave them; the slots are as new ones.
  func restore(_ slots: SlotBuffer, _ columns: ArraySlice<Column>)
}

/// A column of values of slots.
func slotColumn<Value: BitwiseCopyable>(
  _ type: DataType, _ slots: Selection, _ value: (UInt32) -> Value
) -> Column {
  let buffer = Buffer(byteCount: max(16, slots.count * MemoryLayout<Value>.stride))
  let values = buffer.unsafeMutableValues(Value.self)
  for index in 0..<slots.count { values[index] = value(slots.rows[index]) }
  return Column(type: type, length: slots.count, validity: nil, buffers: [buffer])
}

extension AggregateSignature {
  /// Why rows cannot be taken away from the aggregate, and what would be right; nil when they can.
  var retractionObjection: String? {
    switch function {
    case .count, .sum, .avg, .countDistinct: return nil
    case .min, .max:
      guard let argument, let form = OrderForm(argument), !form.isCoarse else {
        return
          "\(function.rawValue) of rows that are revised takes booleans, numbers and times of at most 64 bits; cast the argument"
      }
      return nil
    default:
      return
        "\(function.rawValue) cannot take back rows that are revised; count, sum, avg, min, max and count_distinct can"
    }
  }

  /// - Precondition: there is no objection.
  func makeRetracting() -> any RetractingAggregate {
    guard let argument else { return RetractingCount() }
    switch function {
    case .count: return RetractingCount()
    case .sum, .avg:
      if let form = OrderForm(argument), form.isFloat { return RetractingFloats(argument, isAverage: function == .avg) }
      return RetractingIntegers(argument, result: result, isAverage: function == .avg)
    case .countDistinct: return CountedValues(argument, result: .int64, extreme: nil)
    default: return CountedValues(argument, result: result, extreme: function == .min ? .least : .greatest)
    }
  }
}

extension Plan.AggregateCall {
  /// Why rows of this schema cannot be taken away from the aggregate.
  ///
  /// - Throws: `.usage` for what does not fit.
  public func retractionObjection(in schema: Schema) throws(Failure) -> String? {
    if user != nil {
      return
        "\(function) is the plugin's, and cannot take back rows that are revised; count, sum, avg, min, max and count_distinct can"
    }
    return try signature(in: schema).retractionObjection
  }
}

extension OrderForm {
  var isFloat: Bool {
    switch self {
    case .float16, .float32, .float64: true
    default: false
    }
  }
}

/// A column of values of 8 bytes, which are null where a count is 0 or less.
func eightByteColumn(
  _ type: DataType, count: Int, _ value: (Int) throws(Failure) -> UInt64?
) throws(Failure) -> Column {
  let buffer = Buffer(byteCount: max(8, count * 8))
  let values = buffer.unsafeMutableValues(UInt64.self)
  let bits = Buffer(byteCount: Bitmap.paddedByteCount(count))
  Bitmap.fill(bits.unsafeMutableAddress, 0, count: count, true)
  var hasNull = false
  for row in 0..<count {
    if let value = try value(row) {
      values[row] = value
    } else {
      values[row] = 0
      Bitmap.set(bits.unsafeMutableAddress, row, false)
      hasNull = true
    }
  }
  return Column(type: type, length: count, validity: hasNull ? bits : nil, buffers: [buffer])
}

/// Rows, or values that are not null.
final class RetractingCount: RetractingAggregate {
  private let counts = SlotColumn<Int64>(initial: 0)

  var byteCount: Int { counts.byteCount }
  func growth(_ argument: Column?, rows: Int, slotCount: Int) -> Int { counts.growth(to: slotCount) }
  func grow(to slotCount: Int) { counts.grow(to: slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, weights: UnsafePointer<Int64>, count: Int, _ argument: Column?) {
    let counts = counts.values
    guard let argument, argument.validity != nil else {
      for row in 0..<count { counts[Int(slots[row])] &+= weights[row] }
      return
    }
    for row in 0..<count where argument.isValid(row) { counts[Int(slots[row])] &+= weights[row] }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> Column {
    try eightByteColumn(.int64, count: count) { UInt64(bitPattern: counts.values[Int(slots[$0])]) }
  }

  func isClear(_ slot: UInt32) -> Bool { counts.values[Int(slot)] == 0 }
  func reset(_ slots: UnsafePointer<UInt32>, count: Int) { counts.reset(slots, count: count) }

  var stateFields: [Field] { [Field("count", .int64, nullable: false)] }
  func states(_ slots: Selection) -> [Column] { [slotColumn(.int64, slots) { counts.values[Int($0)] }] }

  func restore(_ slots: SlotBuffer, _ columns: ArraySlice<Column>) {
    guard let column = columns.first else { return }
    let values = column.values(Int64.self)
    for row in 0..<slots.count { counts.values[Int(slots.pointer[row])] = values[row] }
    withExtendedLifetime(column) {}
  }
}
