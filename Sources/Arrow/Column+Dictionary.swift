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

extension RecordBatch {
  /// How much of what indices can count the values of its dictionaries take, of the column where that is most: batches
  /// whose shares add up to 1 or less can be concatenated.
  ///
  /// - Parameter neighbour: its values are counted already, so that dictionaries in the same memory take nothing.
  public func dictionaryShare(beside neighbour: RecordBatch?) -> Double {
    var share = 0.0
    for index in columns.indices {
      share = max(share, columns[index].dictionaryShare(beside: neighbour?.columns[index]))
    }
    return share
  }
}

extension Column {
  fileprivate func dictionaryShare(beside neighbour: Column?) -> Double {
    guard case .dictionary(let index, _, _) = type else {
      var share = 0.0
      for index in children.indices {
        share = max(share, children[index].dictionaryShare(beside: neighbour?.children[index]))
      }
      return share
    }
    if let neighbour, sharesDictionary(with: neighbour) { return 0 }
    let within = children[0].dictionaryShare(beside: neighbour?.children[0])
    return max(within, Double(children[0].length) / Double(index.dictionaryRoom))
  }
}
