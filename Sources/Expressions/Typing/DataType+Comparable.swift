import VolleyPlan

extension DataType {
  /// Whether there are kernels that compare a column of the type with a constant.
  var isComparable: Bool {
    switch self {
    case .list, .largeList, .fixedSizeList, .struct, .map, .dictionary, .interval, .null: false
    default: true
    }
  }
}
