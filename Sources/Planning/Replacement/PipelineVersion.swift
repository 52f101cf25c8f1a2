import State
import VolleyPlan

/// What one version of a pipeline keeps from an epoch to the next: its stages by uid.
public struct PipelineVersion: Sendable, Hashable {
  public enum Role: String, Sendable, Hashable {
    case source, `operator`, sink
  }

  public struct Stage: Sendable, Hashable {
    public var uid: String
    public var role: Role
    /// As a message calls it: "window", "source".
    public var kind: String
    /// An operator's state; those parts of it that the host keeps for every operator left out.
    public var tables: [StateTable]
    /// What the plan says of it.
    public var `operator`: Plan.Operator
    /// The columns of its inputs, those too that it does not read, when it keeps rows of them; nil when it keeps none, or the
    /// plan leaves them to files.
    public var rowColumns: Set<String>?
    /// What a source reads.
    public var source: Plan.Source? { if case .source(let source) = `operator` { source } else { nil } }
    /// Whether it keeps rows as it is given them, without the columns that nobody reads.
    var keepsRows: Bool {
      // A window hands rows on that are late, and keeps none.
      if case .window = `operator` { return false }
      return (`operator`.planned as? any PlannedStep)?.keepsRows ?? false
    }

    /// "a source", "an operator (window)"
    var roleName: String {
      switch role {
      case .source: "a source"
      case .operator: "an operator (\(kind))"
      case .sink: "a sink"
      }
    }
  }

  /// In the plan's order.
  public let stages: [Stage]

  /// - Parameters:
  ///   - plan: of this version.
  ///   - states: by uid, the tables of the operators that have state.
  ///   - held: the uids that an epoch holds anything of; nil for a version that is to run. A sink of which it holds
  ///     nothing may go without harm.
  public init(plan: Plan, states: [String: [StateTable]], held: Set<String>? = nil) {
    // Of a plan that another version of the host has made, what cannot be known any more is not.
    let typed = try? TypedPlan(plan)
    stages = plan.nodes.compactMap { node in
      let uid = node.stableName
      guard held?.contains(uid) ?? true else { return nil }
      let kind = node.operator.planned.kindName
      func stage(_ role: Role, _ tables: [StateTable] = []) -> Stage {
        Stage(uid: uid, role: role, kind: kind, tables: tables, operator: node.operator)
      }
      switch node.operator {
      case .source: return stage(.source)
      case .sink: return stage(.sink)
      default:
        let tables = (states[uid] ?? []).filter { !$0.name.hasPrefix("$") }
        if tables.isEmpty { return nil }
        var stage = stage(.operator, tables)
        if stage.keepsRows, let inputs = typed?.nodes.first(where: { $0.node.id == node.id })?.wholeInputs {
          stage.rowColumns = Set(inputs.flatMap { $0.schema.fields.map(\.name) })
        }
        return stage
      }
    }
  }

  subscript(uid: String) -> Stage? { stages.first { $0.uid == uid } }
}
