import Base
import VolleyPlan

/// Names on the command line of what can be measured.
enum BenchNames {
  /// Refuses names that there are not.
  ///
  /// - Parameters:
  ///   - listed: what the sentence says that there is, where that is not just `known`.
  ///   - missing: the sentence's beginning: "there is no case 'a' of columns".
  static func check(
    _ names: [String], among known: [String], listed: String? = nil, _ missing: (_ name: String) -> String
  ) throws(Failure) {
    for name in names where !known.contains(name) {
      let hint = nearestName(to: name, among: known).map { "did you mean '\($0)'? " } ?? ""
      throw Failure(.usage, "\(missing(name)); \(hint)there are \(listed ?? known.joined(separator: ", "))")
    }
  }
}
