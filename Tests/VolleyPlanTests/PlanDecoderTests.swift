import Testing
import VolleyPlan

private let kinds = MuseumTests.operatorKinds.joined(separator: ", ")

@Suite("Plans as JSON")
struct PlanDecoderTests {
  private func plan(_ nodes: String, version: String = #"{"major":0,"minor":1}"#) -> String {
    #"{"version":\#(version),"name":"p","nodes":[\#(nodes)]}"#
  }

  private func node(_ operation: String) -> String {
    #"{"id":1,"inputs":[{"node":0,"output":0}],"operator":\#(operation)}"#
  }

  @Test(
    "what cannot be read is refused with path and reason",
    arguments: [
      (
        #"{"filter":{"conditon":{"column":"a"}}}"#,
        "nodes[0].operator.filter: unknown field 'conditon'; known are condition"
      ),
      (#"{"filter":{}}"#, "nodes[0].operator.filter: missing field 'condition'"),
      (
        #"{"filtre":{}}"#,
        "nodes[0].operator: unknown field 'filtre'; known are \(kinds)"
      ),
      (
        "{}",
        "nodes[0].operator: an operator has exactly one of the keys \(kinds), found 0"
      ),
      (
        #"{"union":{},"filter":{"condition":{"column":"a"}}}"#,
        "nodes[0].operator: an operator has exactly one of the keys "
          + "\(kinds), found 2"
      ),
      (#"{"union":{"a":1}}"#, "nodes[0].operator.union: unknown field 'a'"),
      (#"{"union":[]}"#, "nodes[0].operator.union: expected an object, found an array"),
      (#"{"select":{"columns":{}}}"#, "nodes[0].operator.select.columns: expected an array, found an object"),
      (
        #"{"select":{"columns":[{"name":1,"expression":{"column":"a"}}]}}"#,
        "nodes[0].operator.select.columns[0].name: expected a string, found 1"
      ),
      (
        #"{"filter":{"condition":{"literal":{"int32":2147483648}}}}"#,
        "nodes[0].operator.filter.condition.literal.int32: expected an integer from -2147483648 to 2147483647, found 2147483648"
      ),
      (
        #"{"filter":{"condition":{"literal":{"int64":1.0}}}}"#,
        "nodes[0].operator.filter.condition.literal.int64: expected "
          + "an integer from -9223372036854775808 to 9223372036854775807, found 1.0"
      ),
      (
        #"{"filter":{"condition":{"literal":{"float64":"nan"}}}}"#,
        "nodes[0].operator.filter.condition.literal.float64: 'nan' is not a float64"
      ),
      (
        #"{"filter":{"condition":{"cast":{"expression":{"column":"a"},"type":"decimal"}}}}"#,
        "nodes[0].operator.filter.condition.cast.type: unknown type 'decimal'; this version knows 'decimal128', 'map', "
          + "'null', 'bool', 'int8', 'uint8' and 28 more"
      ),
      (
        #"{"filter":{"condition":{"cast":{"expression":{"column":"a"},"type":{"timestamp":{"unit":"min"}}}}}}"#,
        "nodes[0].operator.filter.condition.cast.type.timestamp.unit: unknown value 'min'; known are s, ms, us, ns"
      ),
      (
        #"{"aggregate":{"aggregates":[],"emission":"sometimes"}}"#,
        "nodes[0].operator.aggregate.emission: unknown value 'sometimes'; known are per-batch, per-record, changelog"
      ),
    ])
  func refused(operation: String, message: String) {
    #expect(throws: PlanError.self) { try PlanJSON.decode(plan(node(operation))) }
    do {
      _ = try PlanJSON.decode(plan(node(operation)))
    } catch {
      #expect(error.message == message)
    }
  }

  @Test(
    "the version is looked at before anything else",
    arguments: [
      (
        #"{"major":1,"minor":0}"#,
        "version: the plan has version 1.0 and this host reads 0.0 to 0.2: use a newer host, or "
          + "rebuild the plugin with this host's SDK"
      ),
      (
        #"{"major":0,"minor":3}"#,
        "version: the plan has version 0.3 and this host reads 0.0 to 0.2: use a newer host, or "
          + "rebuild the plugin with this host's SDK"
      ),
      (
        #"{"major":-1,"minor":0}"#,
        "version: the plan has version -1.0 and this host reads 0.0 to 0.2: rebuild the plugin with "
          + "this host's SDK"
      ),
      (#""1""#, "version: the plan does not say its version: expected {\"major\": …, \"minor\": …}, found '1'"),
    ])
  func version(version: String, message: String) {
    do {
      _ = try PlanJSON.decode(plan(#"{"no":"node"}"#, version: version))
      Issue.record("version \(version) was read")
    } catch {
      #expect(error.message == message)
    }
  }

  @Test("a document that is no plan is refused")
  func noPlan() {
    #expect(throws: PlanError("a plan is a JSON object, found an array")) { try PlanJSON.decode("[]") }
    #expect(throws: PlanError("missing field 'name'")) { try PlanJSON.decode(#"{"version":{"major":0,"minor":1}}"#) }
    #expect(throws: PlanError("unknown field 'extra'; known are version, name, nodes")) {
      try PlanJSON.decode(#"{"version":{"major":0,"minor":1},"name":"p","nodes":[],"extra":1}"#)
    }
  }

  @Test("an optional field may be absent or null")
  func optional() throws {
    let absent = try PlanJSON.decode(plan(#"{"id":0,"inputs":[],"operator":{"union":{}}}"#))
    let null = try PlanJSON.decode(plan(#"{"id":0,"uid":null,"parallelism":null,"inputs":[],"operator":{"union":{}}}"#))
    #expect(absent == null)
    #expect(absent.nodes[0].uid == nil)
  }

  @Test("expressions as deep as JSON may be are read, deeper ones refused")
  func depth() throws {
    var expression = Expression.column("a")
    for _ in 0..<256 { expression = .call("not", [expression]) }
    _ = try PlanJSON.decode(PlanJSON.encode(Self.filter(expression)))
    for _ in 0..<20 { expression = .call("not", [expression]) }
    let text = try PlanJSON.encode(Self.filter(expression))
    #expect(throws: PlanError.self) { try PlanJSON.decode(text) }
  }

  private static func filter(_ expression: Expression) -> Plan {
    Plan(
      name: "p",
      nodes: [.init(id: 0, uid: nil, inputs: [], operator: .filter(.init(condition: expression)))])
  }

  @Test("every literal survives, also what JSON has no word for")
  func literals() throws {
    let literals: [Literal] = [
      .bool(true), .int32(.min), .int64(.max), .float64(0.1), .float64(.infinity), .float64(-.infinity), .float64(-0.0),
      .utf8("é\u{0}"), .timestamp(-1, .nanosecond, timezone: "Europe/Berlin"), .timestamp(0, .second, timezone: nil),
      .null(.timestamp(.millisecond)), .null(.utf8),
    ]
    for literal in literals {
      let plan = Self.filter(.literal(literal))
      #expect(try PlanJSON.decode(PlanJSON.encode(plan)) == plan)
    }
    let nan = try PlanJSON.decode(PlanJSON.encode(Self.filter(.literal(.float64(.nan)))))
    guard case .filter(let filter) = nan.nodes[0].operator, case .literal(.float64(let value)) = filter.condition else {
      Issue.record("not the literal that was written")
      return
    }
    #expect(value.isNaN)
  }
}

@Suite("Any Codable type as JSON")
struct CodableTests {
  struct Everything: Codable, Equatable {
    struct Inner: Codable, Equatable { var values: [[Int?]] }
    enum Choice: Codable, Equatable {
      case one(Int)
      case two(text: String)
    }
    class Base: Codable { var base = 1 }
    var bool = true
    var small: Int8 = -128
    var large: UInt64 = 1 << 62
    var double = 0.1
    var float: Float = 0.25
    var text = "t"
    var absent: Int?
    var inner = Inner(values: [[1, nil], []])
    var table: [String: Bool] = ["a": true]
    var choices: [Choice] = [.one(1), .two(text: "x")]
    var json: JSONValue = ["any": [1, 2.5, nil]]
  }

  @Test("is read as it was written")
  func roundTrip() throws {
    let value = Everything()
    #expect(try PlanDecoder().decode(Everything.self, from: try PlanEncoder().encode(value)) == value)
  }

  @Test("a number that JSON cannot say is refused with its path")
  func notFinite() {
    #expect(throws: PlanError("JSON cannot say inf", path: "a[1]")) {
      try PlanEncoder().encode(["a": [1, Double.infinity]])
    }
    #expect(throws: PlanError("JSON cannot say 18446744073709551615")) { try PlanEncoder().encode(UInt64.max) }
  }

  @Test("a subclass may keep its base beside its own fields")
  func superclass() throws {
    final class Derived: Everything.Base {
      var own = 2
      enum CodingKeys: CodingKey { case own, `super` }
      override init() { super.init() }
      required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        own = try container.decode(Int.self, forKey: .own)
        try super.init(from: container.superDecoder())
      }
      override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(own, forKey: .own)
        try super.encode(to: container.superEncoder())
      }
    }
    let json = try PlanEncoder().encode(Derived())
    #expect(json == ["own": 2, "super": ["base": 1]])
    #expect(try PlanDecoder().decode(Derived.self, from: json).base == 1)
  }
}
