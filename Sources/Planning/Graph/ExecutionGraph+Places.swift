import Base
import VolleyPlan

/// An input of a node.
struct KeyedInput: Hashable {
  var node: Int
  var index: Int
}

extension ExecutionGraph {
  /// The inputs whose rows are in the subtask of their key as they come, so that they need not travel: those that came
  /// by a key before, which they still have, as what a join gives and is ranked by what was joined on.
  ///
  /// An operator of several inputs meets rows by the whole key, one of one input also by a part of it: rows of one key
  /// have the same part.
  ///
  /// - Parameter parallelism: by node.
  static func inPlace(_ nodes: [TypedNode], _ parallelism: [Int: Int]) throws(Failure) -> Set<KeyedInput> {
    var result: Set<KeyedInput> = []
    // By output of a node: columns of each of which the values decide, in this order, in which subtask a row is.
    var places: [Plan.Input: [[String]]] = [:]
    for typed in nodes {
      var given: [[String]] = []
      for (index, input) in typed.node.inputs.enumerated() {
        let stays = parallelism[input.node] == parallelism[typed.node.id]
        var arrived = stays ? places[input] ?? [] : []
        switch typed.planned.arrival(ofInput: index) {
        case .forward, .keyedInPlace: break
        case .gathered, .keyedEverywhere: arrived = []
        case .keyed:
          let stream = typed.inputs[index]
          let key = stream.keyNames
          let isAlone = typed.node.inputs.count == 1
          if arrived.contains(where: { isAlone ? Set($0).isSubset(of: key) : $0 == key }) {
            result.insert(KeyedInput(node: typed.node.id, index: index))
          } else {
            arrived = [key]
          }
        }
        for columns in arrived {
          if let carried = try carried(columns, by: typed, input: index) { given.append(carried) }
        }
      }
      places[Plan.Input(node: typed.node.id)] = given
    }
    return result
  }

  /// What columns of an input are called in a node's first output; nil when one of them is not there.
  private static func carried(
    _ columns: [String], by typed: TypedNode, input index: Int
  ) throws(Failure) -> [String]? {
    var names: [String] = []
    for column in columns {
      guard let output = typed.outputs.first,
        let name = try typed.planned.carried(column, ofInput: index, typed.wholeInputs),
        output.schema.index(of: name) != nil
      else { return nil }
      names.append(name)
    }
    return names
  }
}
