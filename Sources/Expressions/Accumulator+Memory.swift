import VolleyPlan

extension Accumulator {
  /// Bytes of memory that it holds, at the most: states are kept in memory that doubles.
  public var byteCount: Int {
    2 * slotCount
      * stateTypes.reduce(0) { sum, type in
        switch type.layout {
        case .none, .bits: sum + 1
        case .fixed(let width): sum + width
        case .variable32, .variable64, .view, .list32, .list64, .fixedList, .record, .dictionary: sum + 64
        }
      }
  }
}
