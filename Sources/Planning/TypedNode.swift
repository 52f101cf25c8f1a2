import Arrow
import VolleyPlan

/// A node whose columns are known.
public struct TypedNode {
  public let node: Plan.Node
  /// By input.
  public let inputs: [Schema]
  /// By output.
  public let outputs: [Schema]
  /// The key's columns: in the output of a `keyBy`, in the input of an `aggregate`; else empty.
  public let keys: [Int]
}
