import Base
import VolleyPlan

extension [TypedNode] {
  /// A version ends at the time of the row that takes its place, which the two rows of an update tell when they come together. Where one of
  /// them may have been left out, or the two parted, nobody knows when the other ceased to hold.
  ///
  /// - Throws: `.usage` for a join with the versions of such a changelog.
  func checkVersions() throws(Failure) {
    let byID = Dictionary(uniqueKeysWithValues: map { ($0.node.id, $0) })
    for typed in self {
      guard case .join(let join) = typed.node.operator, case .version = join.bounds, typed.inputs[1].isChangelog else {
        continue
      }
      var passed = [typed.node.inputs[1].node]
      while let id = passed.popLast() {
        guard let former = byID[id], former.inputs.contains(where: \.isChangelog) else { continue }
        switch former.node.operator {
        case .select, .extend, .keyBy, .eventTime, .union: passed += former.node.inputs.map(\.node)
        case .filter, .batchFunction:
          let place = former.node.placeName
          throw Failure(
            .usage,
            "\(typed.node.placeName) has versions of rows that are revised, and \(place) may pass on one row of an update without "
              + "the other, so that nobody knows when a version ends; put it before the rows are revised, or behind the join"
          )
        default: break
        }
      }
    }
  }
}
