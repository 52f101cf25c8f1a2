import VolleyPlan

extension Column {
  /// The indices of a `dictionary` column, as a column of their own.
  public var dictionaryIndices: Column {
    guard case .dictionary(let index, _, _) = type else { preconditionFailure("a \(type) has no dictionary") }
    return Column(type: index, length: length, offset: offset, validity: validity, buffers: buffers)
  }

  /// Whether both dictionary columns name values of the very same memory.
  func sharesDictionary(with other: Column) -> Bool {
    let (left, right) = (children[0], other.children[0])
    return left.offset == right.offset && left.length == right.length && left.validity === right.validity
      && left.buffers.count == right.buffers.count && zip(left.buffers, right.buffers).allSatisfy { $0 === $1 }
      && left.children.isEmpty && right.children.isEmpty
  }
}
