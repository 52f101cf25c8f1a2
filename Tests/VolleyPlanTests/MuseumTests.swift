import Testing
import VolleyPlan

/// `fields` has one document an operator kind, which together have every field; the others are there for their graphs.
@Suite("Plan documents of released versions")
struct MuseumTests {
  private let documents = Museum.planDocuments("/fields")

  @Test("there is one for each kind of operator")
  func complete() throws {
    let kinds = Set(Self.operatorKinds)
    #expect(kinds.contains("batchFunction"))
    // "aggregate-options" is a further one of "aggregate".
    func kind(_ name: String) -> String { String(name.prefix { $0 != "-" }) }
    #expect(Set(documents.keys.map(kind)) == kinds)
    for (name, document) in documents {
      let kind = kind(name)
      let nodes = try PlanEncoder().encode(try PlanJSON.decode(document))["nodes"]
      guard case .array(let nodes)? = nodes else {
        Issue.record("\(kind) has no nodes")
        continue
      }
      #expect(nodes.contains { $0["operator"]?[kind] != nil }, "\(kind).json has no operator of that kind")
    }
  }

  @Test("each is read and written again as it stands")
  func identical() throws {
    for (kind, document) in documents {
      let plan = try PlanJSON.decode(document)
      #expect(try PlanEncoder().encode(plan).prettyText + "\n" == document, "\(kind)")
      #expect(try PlanJSON.decode(PlanJSON.encode(plan)) == plan, "\(kind)")
    }
  }

  @Test("those that have an execution graph are read and written again as they stand, too")
  func withGraphs() throws {
    let documents = Museum.planDocuments().filter { !$0.key.hasSuffix(".graph") }
    #expect(documents.count >= 9)
    for (name, document) in documents {
      #expect(try PlanJSON.encode(PlanJSON.decode(document)) + "\n" == document, "\(name)")
    }
  }

  @Test("a field of any object in any of them that is missing, of another type or unknown is refused with its path")
  func mutations() throws {
    for (kind, document) in documents {
      let value = try JSONValue.parse(document)
      for path in Self.objects(in: value) {
        // What stands below a connector's options is the connector's.
        if path.contains("options") { continue }
        let changed = Self.change(value, path[...]) { members in members + [.init("conditon", .bool(true))] }
        do {
          _ = try PlanJSON.decode(changed)
          Issue.record("\(kind): an unknown field at \(path) was read")
        } catch {
          #expect(error.reason.contains("unknown field 'conditon'"), "\(kind) \(path): \(error)")
          #expect(error.path == Self.text(path), "\(kind): \(error)")
        }
      }
    }
  }

  @Test("any value in any of them may be replaced by any other, and nothing traps")
  func replacements() throws {
    let others: [JSONValue] = [nil, true, -1, 1.5, "x", [], [:], [[:]], ["x": 1], 9_223_372_036_854_775_807]
    for (_, document) in documents {
      let value = try JSONValue.parse(document)
      for path in Self.objects(in: value) {
        var memberCount = 0
        _ = Self.change(value, path[...]) { members in
          memberCount = members.count
          return members
        }
        for other in others {
          for index in 0..<memberCount {
            let changed = Self.change(value, path[...]) { members in
              var members = members
              members[index].value = other
              return members
            }
            if let plan = try? PlanJSON.decode(changed) { _ = try PlanJSON.encode(plan) }
          }
        }
      }
    }
  }

  /// The kinds that the refusal of an operator without one names: "… one of the keys source, filter, found 0".
  static let operatorKinds: [String] = {
    do throws(PlanError) {
      _ = try PlanDecoder().decode(Plan.Operator.self, from: .object([]))
      return []
    } catch {
      let list = error.reason.split(separator: " keys ").last?.split(separator: ", ").dropLast() ?? []
      return list.map(String.init)
    }
  }()

  /// The paths of all objects: names and indices.
  static func objects(in value: JSONValue, _ path: [String] = []) -> [[String]] {
    switch value {
    case .object(let members): [path] + members.flatMap { objects(in: $0.value, path + [$0.name]) }
    case .array(let elements):
      elements.enumerated().flatMap { objects(in: $0.element, path + ["#\($0.offset)"]) }
    default: []
    }
  }

  static func text(_ path: [String]) -> String {
    path.reduce("") { text, step in
      step.hasPrefix("#") ? "\(text)[\(step.dropFirst())]" : text.isEmpty ? step : "\(text).\(step)"
    }
  }

  static func change(
    _ value: JSONValue, _ path: ArraySlice<String>, _ body: ([JSONValue.Member]) -> [JSONValue.Member]
  ) -> JSONValue {
    guard let step = path.first else {
      if case .object(let members) = value { return .object(body(members)) }
      return value
    }
    switch value {
    case .object(let members):
      return .object(
        members.map { .init($0.name, $0.name == step ? change($0.value, path.dropFirst(), body) : $0.value) })
    case .array(let elements):
      return .array(
        elements.enumerated().map { "#\($0.offset)" == step ? change($0.element, path.dropFirst(), body) : $0.element })
    default: return value
    }
  }
}
