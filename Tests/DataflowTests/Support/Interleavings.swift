import Base

@testable import Dataflow

enum Interleavings {
  /// Every order in which channels can give scripts of these lengths.
  static func all(_ lengths: [Int]) -> [[Int]] {
    if lengths.allSatisfy({ $0 == 0 }) { return [[]] }
    return lengths.indices.filter { lengths[$0] > 0 }.flatMap { channel -> [[Int]] in
      var rest = lengths
      rest[channel] -= 1
      return all(rest).map { [channel] + $0 }
    }
  }
}

extension InputProgress.Advance {
  /// The epoch at whose barrier the subtask is.
  var barrier: Epoch? {
    for case .complete(let epoch) in epochs { return epoch }
    return nil
  }
}
