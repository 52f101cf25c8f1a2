import Arrow
import Base
import VolleyPlan

/// How many different values there are that are not null. All NaNs are one value, and -0.0 is 0.0.
///
/// Several of them may count one column under conditions of their own. They are called one after the other, in their
/// order, with the same rows; the last one has the state of all.
final class DistinctCountAccumulator: Accumulator {
  private let values: DistinctValues
  private let member: Int

  let resultType = DataType.int64

  /// Whether values of that type can be told apart here.
  static func takes(_ type: DataType) -> Bool {
    if OrderedColumn.hasKeys(type) { return true }
    return switch type.layout {
    case .variable32, .fixed: true
    default: false
    }
  }

  convenience init(_ type: DataType) { self.init(DistinctValues(type, counts: 1), 0) }

  private init(_ values: DistinctValues, _ member: Int) {
    self.values = values
    self.member = member
  }

  /// Accumulators that share their values.
  static func sharing(_ type: DataType, count: Int) -> [DistinctCountAccumulator] {
    let values = DistinctValues(type, counts: count)
    return (0..<count).map { DistinctCountAccumulator(values, $0) }
  }

  private var isLast: Bool { member == values.width - 1 }

  var stateTypes: [DataType] { isLast ? values.stateTypes : [] }
  var slotCount: Int { values.slotCount }
  var byteCount: Int { isLast ? values.byteCount : 0 }

  func grow(to slotCount: Int) throws(Failure) { try values.grow(to: slotCount) }

  func update(_ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput) throws(Failure) {
    try values.update(slots, count: count, input, of: member)
  }

  func updateRunning(
    _ slots: UnsafePointer<UInt32>, count: Int, _ input: AggregateInput
  ) throws(Failure) -> Column { try values.updateRunning(slots, count: count, input, of: member) }

  func merge(_ slots: UnsafePointer<UInt32>, count: Int, states: [Column]) throws(Failure) {
    if isLast { try values.merge(slots, count: count, states: states) }
  }

  func results(_ slots: UnsafePointer<UInt32>, count: Int) -> Column {
    values.results(slots, count: count, of: member)
  }

  func states(_ slots: UnsafePointer<UInt32>, count: Int) throws(Failure) -> [Column] {
    isLast ? try values.states(slots, count: count) : []
  }

  func reset(_ slots: UnsafePointer<UInt32>, count: Int) { if isLast { values.reset(slots, count: count) } }
  func removeAll() { if isLast { values.removeAll() } }
}

extension AggregateSignature {
  /// The most counts of one column that share.
  public static var mostSharedCounts: Int { DistinctValues.mostCounts }

  /// Accumulators without slots of several counts of the different values of one column, whose conditions may differ.
  /// They are called in this order, each with every batch, and then have each value once.
  ///
  /// - Precondition: the function is `count_distinct`.
  public func makeSharedAccumulators(_ count: Int) -> [any Accumulator] {
    guard function == .countDistinct, let argument else {
      preconditionFailure("only counts of different values are shared")
    }
    return DistinctCountAccumulator.sharing(argument, count: count)
  }
}
