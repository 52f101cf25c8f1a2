import VolleyPlan

extension Plan.Operator {
  /// As the plan spells it.
  var kindName: String {
    switch self {
    case .source: "source"
    case .filter: "filter"
    case .select: "select"
    case .extend: "extend"
    case .batchFunction(let function): function.label
    case .keyBy: "keyBy"
    case .aggregate: "aggregate"
    case .union: "union"
    case .sink: "sink"
    }
  }

  /// Why it cannot go without a uid, as the subject of a sentence; nil when it can.
  var needsUID: String? {
    switch self {
    case .source: "a source"
    case .sink: "a sink"
    case .aggregate: "an operator with state"
    case .filter, .select, .extend, .batchFunction, .keyBy, .union: nil
    }
  }

  var inputCounts: ClosedRange<Int> {
    switch self {
    case .source: 0...0
    case .union: 1...Int.max
    case .filter, .select, .extend, .batchFunction, .keyBy, .aggregate, .sink: 1...1
    }
  }

  var outputCount: Int {
    switch self {
    case .sink: 0
    case .batchFunction(let function): function.outputs.count
    case .source, .filter, .select, .extend, .keyBy, .aggregate, .union: 1
    }
  }
}

extension Plan.Node {
  /// What a message calls it: "aggregate 'revenue'", "filter (node 3)".
  var placeName: String {
    if let uid { "\(`operator`.kindName) '\(uid)'" } else { "\(`operator`.kindName) (node \(id))" }
  }

  /// Its uid, or a name made from its place in the plan.
  var stableName: String { uid ?? "\(`operator`.kindName)-\(id)" }
}
