import Arrow
import Base
import TestSupport
import Testing
import VolleyPlan

@testable import Planning

/// Plans as former versions of the SDK wrote them, and the execution graphs that they had: today's host builds the same
/// ones.
///
/// A new operator kind or plan version adds a document: `VOLLEY_MUSEUM=write swift test --filter MuseumTests` writes
/// those that are not there, and never touches one that is.
@Suite("Plans of former versions")
struct MuseumTests {
  /// Where the document of that name stands: with the version of the plan that it came with.
  private static func path(_ name: String) -> String {
    let version = newer.contains { name.hasPrefix("\($0.name).") } ? "plan-0.2" : "plan-0.1"
    return "Tests/Museum/\(version)/\(name)"
  }

  private func document(_ name: String) throws -> String {
    let bytes = try #require(
      TestProcess.contents(of: "\(TestEnvironment.repository)/\(Self.path(name))"),
      "\(Self.path(name)) is missing; see the suite's comment")
    return String(decoding: bytes, as: UTF8.self)
  }

  private func graph(_ plan: Plan) throws(Failure) -> ExecutionGraph {
    try ExecutionGraph(plan, code: NamedCode(), options: .init(parallelism: 2))
  }

  @Test("give the execution graphs that they gave", arguments: (documents + newer).map(\.name))
  func graphs(name: String) throws {
    try writeMissing(name)
    let plan = try PlanJSON.decode(document("\(name).json"))
    let built = try graph(plan)
    #expect(built.json.text + "\n" == (try document("\(name).graph.json")), "\(name)")
    let job = try built.jobGraph(code: NamedCode())
    #expect(job.tasks.count == built.tasks.count)
  }

  @Test("cover every operator kind")
  func coverage() throws {
    var kinds: Set<String> = []
    for node in (Self.documents + Self.newer).flatMap(\.nodes) {
      guard case .object(let members) = try PlanEncoder().encode(node.operator) else { continue }
      kinds.formUnion(members.map(\.name))
    }
    do {
      _ = try PlanDecoder().decode(Plan.Operator.self, from: .object([]))
      Issue.record("an operator of no kind was read")
    } catch {
      // The refusal names all kinds that there are.
      for kind in kinds { #expect(error.reason.contains(kind)) }
      #expect(error.reason.split(separator: ",").count == kinds.count + 1, "\(error.reason)")
    }
  }

  /// Adds what is not there yet, when asked to.
  private func writeMissing(_ name: String) throws {
    guard TestEnvironment.value("VOLLEY_MUSEUM") == "write",
      let document = (Self.documents + Self.newer).first(where: { $0.name == name })
    else { return }
    let plan = Plan(name: name, nodes: document.nodes)
    let files = [
      ("\(name).json", try PlanJSON.encode(plan) + "\n"), ("\(name).graph.json", try graph(plan).json.text + "\n"),
    ]
    for (file, text) in files where TestProcess.contents(of: "\(TestEnvironment.repository)/\(Self.path(file))") == nil
    {
      let written = TestProcess.run(["tee", "\(TestEnvironment.repository)/\(Self.path(file))"], input: text)
      #expect(written.status == 0, "\(written.errors)")
    }
  }
}
