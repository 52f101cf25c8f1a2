import Glibc
import Synchronization
import TestSupport
import Testing

@testable import VolleyPlan

/// The plan is a part of the contract between hosts and plugins: its fields and their types are a committed list.
@Suite("The plan's schema")
struct PlanSchemaTests {
  private let path = "\(#filePath)".split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/plan.schema"

  @Test("is the committed one: a change of it is a new version of the plan")
  func committed() throws {
    let schema = try Self.schema()
    if TestEnvironment.value("VOLLEY_UPDATE_SCHEMA") != nil, let file = fopen(path, "w") {
      fputs(schema, file)
      fclose(file)
    }
    let committed = String(decoding: TestProcess.contents(of: path) ?? [], as: UTF8.self)
    #expect(
      schema == committed,
      "raise Plan.Version.current for what a released host would misread, then run this test with VOLLEY_UPDATE_SCHEMA=1"
    )
  }

  /// What the decoder is asked for while it reads the museum, which has every kind of everything.
  private static func schema() throws -> String {
    final class Lines: Sendable { let all = Mutex(Set<String>()) }
    let lines = Lines()
    var decoder = PlanDecoder()
    decoder.observe = { request in
      let line = "\(request.owner).\(request.field): \(request.type)\(request.optional ? ", optional" : "")"
      lines.all.withLock { _ = $0.insert(line) }
    }
    for document in Museum.planDocuments("/fields").values {
      _ = try decoder.decode(Plan.self, from: try JSONValue.parse(document))
    }
    let version = "version \(Plan.Version.current.major).\(Plan.Version.current.minor)"
    let choices = [
      choice("StateKind", Plan.StateKind.self),
      choice("UndatedRows", Plan.UndatedRows.self),
      choice("WindowScope", Plan.WindowScope.self),
      choice("WindowTime", Plan.WindowTime.self),
      choice("LateRows", Plan.LateRows.self),
      choice("WindowEmission", Plan.WindowEmission.self),
      choice("AnswerOrder", Plan.AnswerOrder.self),
      choice("JoinKind", Plan.JoinKind.self),
      choice("SideSpread", Plan.SideSpread.self),
      choice("SideRows", Plan.SideRows.self),
      choice("Extreme", Plan.Extreme.self),
      choice("KeptRow", Plan.KeptRow.self),
      choice("PatternContiguity", Plan.PatternContiguity.self),
      choice("TimedOutMatches", Plan.TimedOutMatches.self),
      choice("Emission", Plan.Emission.self),
      choice("TimeUnit", TimeUnit.self),
      "DataType = " + (try names(of: DataType.self)),
    ]
    return ([version] + choices + lines.all.withLock { $0.sorted() }).joined(separator: "\n") + "\n"
  }

  /// The values of a type that names them.
  private static func choice<Value: CaseIterable & RawRepresentable>(_ name: String, _: Value.Type) -> String
  where Value.RawValue == String {
    "\(name) = \(Value.allCases.map(\.rawValue).joined(separator: " | "))"
  }

  /// What the type says it knows when it is asked for something else.
  static func names<T: Decodable>(of _: T.Type) throws -> String {
    do {
      _ = try PlanDecoder().decode(T.self, from: "?")
      return ""
    } catch {
      return error.reason.split(separator: " knows ").last.map { String($0) } ?? ""
    }
  }
}
