import CVolley
import Testing
import Volley
import VolleyPlan

/// A pipeline with a parameter of each type, whose values show in its plan.
struct Parameters: Pipeline {
  static let version: String? = "9.9"
  static let summary: String? = "has parameters"

  @Parameter("The text") var text = "default"
  @Parameter var number = 7
  @Parameter var ratio = 0.5
  @Parameter var flag = false
  @Parameter var span = Duration.seconds(90)
  @Parameter("Has to be given") var needed: Int
  @Parameter var maybe: String?

  func build(_ env: StreamExecutionEnvironment) {
    env.fromSource(.jsonLines("x", schema: ["a": .int64]), uid: "in")
      .select(
        lit(text).as("text"), lit(number).as("number"), lit(ratio).as("ratio"), lit(flag).as("flag"),
        lit("\(span)").as("span"), lit(needed).as("needed"), lit(maybe ?? "none").as("maybe")
      )
      .toSink(.blackhole, uid: "out")
  }
}

/// Reads a parameter before it can have a value.
struct Hasty: Pipeline {
  @Parameter var needed: Int
  @Parameter var ratio = 0.5
  var double = 0

  init() { double = needed * 2 }

  func build(_ env: StreamExecutionEnvironment) { env.example().toSink(.blackhole, uid: "out") }
}

/// Reads a default before it is known whether another value was given.
struct HastyDefault: Pipeline {
  @Parameter var ratio = 0.5
  var half = 0.0

  init() { half = ratio / 2 }

  func build(_ env: StreamExecutionEnvironment) { env.example().toSink(.blackhole, uid: "out") }
}

/// Reads the parameters of a pipeline that nobody gave any.
struct Stranger: Pipeline {
  func build(_ env: StreamExecutionEnvironment) {
    env.example().select(lit(Parameters().needed).as("n"), lit(Parameters().text).as("t")).toSink(
      .blackhole, uid: "out")
  }
}

@Suite("Parameters")
struct ParameterTests {
  private func values(_ json: String) throws -> [String: Literal] {
    guard case .select(let select) = try Built("Parameters", values: json).plan.nodes[1].operator else { return [:] }
    var result: [String: Literal] = [:]
    for column in select.columns {
      if case .literal(let literal) = column.expression { result[column.name] = literal }
    }
    return result
  }

  @Test("are declared to the host with type, default and description")
  func declared() {
    let pipeline = ExamplePlugin.pipeline("Parameters")!
    #expect(String(cString: pipeline.pointee.version) == "9.9")
    #expect(String(cString: pipeline.pointee.description) == "has parameters")
    var lines: [String] = []
    var index: UInt32 = 0
    while let parameter = pipeline.pointee.parameter(pipeline, index) {
      let fallback = parameter.pointee.default_value.map { String(cString: $0) } ?? "-"
      let help = parameter.pointee.description.map { String(cString: $0) } ?? "-"
      lines.append(
        "\(String(cString: parameter.pointee.name)) \(String(cString: parameter.pointee.type)) \(fallback) \(help)")
      index += 1
    }
    #expect(
      lines == [
        "text string \"default\" The text", "number int 7 -", "ratio double 0.5 -", "flag bool false -",
        "span duration \"1m30s\" -", "needed int - Has to be given", "maybe string null -",
      ])
  }

  @Test("keep their defaults when they are not given")
  func defaults() throws {
    let values = try values(#"{"needed": 1}"#)
    #expect(values["text"] == .utf8("default"))
    #expect(values["number"] == .int64(7))
    #expect(values["ratio"] == .float64(0.5))
    #expect(values["flag"] == .bool(false))
    #expect(values["span"] == .utf8("\(Duration.seconds(90))"))
    #expect(values["needed"] == .int64(1))
    #expect(values["maybe"] == .utf8("none"))
  }

  @Test("take values of their types, and text as a command line gives it")
  func given() throws {
    let typed = try values(
      #"{"text": "t", "number": -1, "ratio": 2, "flag": true, "span": 1.5, "needed": 2, "maybe": "m"}"#)
    #expect(typed["text"] == .utf8("t"))
    #expect(typed["number"] == .int64(-1))
    #expect(typed["ratio"] == .float64(2))
    #expect(typed["flag"] == .bool(true))
    #expect(typed["span"] == .utf8("\(Duration.milliseconds(1500))"))
    #expect(typed["maybe"] == .utf8("m"))
    let text = try values(
      #"{"text": "5", "number": "5", "ratio": "1e3", "flag": "true", "span": "1h2m3s4ms", "needed": "3", "maybe": null}"#
    )
    #expect(text["text"] == .utf8("5"))
    #expect(text["number"] == .int64(5))
    #expect(text["ratio"] == .float64(1000))
    #expect(text["flag"] == .bool(true))
    #expect(text["span"] == .utf8("\(Duration.milliseconds(3_723_004))"))
    #expect(text["needed"] == .int64(3))
    #expect(text["maybe"] == .utf8("none"))
  }

  @Test(
    "are refused by name",
    arguments: [
      ("{}", "parameter 'needed' of pipeline 'Parameters' has no default: give its value (int)"),
      (
        #"{"neded": 1}"#,
        "pipeline 'Parameters' has no parameter 'neded': did you mean 'needed' (known are text, number, "
          + "ratio, flag, span, needed, maybe)?"
      ),
      (
        #"{"needed": "x"}"#,
        "parameter 'needed' of pipeline 'Parameters' is a 64-bit integer, and \"x\" is not: give another "
          + "value"
      ),
      (
        #"{"needed": 1.5}"#,
        "parameter 'needed' of pipeline 'Parameters' is a 64-bit integer, and 1.5 is not: give another "
          + "value"
      ),
      (
        #"{"needed": 1, "flag": "yes"}"#,
        "parameter 'flag' of pipeline 'Parameters' is true or false, and \"yes\" is not: give "
          + "another value"
      ),
      (
        #"{"needed": 1, "span": "5 s"}"#,
        "parameter 'span' of pipeline 'Parameters' is a duration such as 500ms, 10s, 1m30s, "
          + "2h or 1d, and \"5 s\" is not: give another value"
      ),
      (
        #"{"needed": 1, "text": 5}"#,
        "parameter 'text' of pipeline 'Parameters' is text, and 5 is not: give another value"
      ),
      ("[]", "the parameters of pipeline 'Parameters' are not a JSON object"),
      (
        "{",
        "the parameters of pipeline 'Parameters' are not JSON: line 1, column 2, offset 1: expected a name in quotation "
          + "marks, found the end of the document"
      ),
    ])
  func refused(json: String, message: String) {
    let refused = #expect(throws: MiniHost.Refused.self) { try values(json) }
    #expect(refused?.message == message)
    #expect(refused?.domain == VOLLEY_DOMAIN_USER)
  }

  @Test("that are read in init are refused, with or without a default, and listed all the same")
  func readInInit() {
    func message(_ name: String, _ values: String) -> String? {
      #expect(throws: MiniHost.Refused.self) { try Built(name, values: values) }?.message
    }
    #expect(
      message("Hasty", #"{"needed": 1}"#)
        == "parameter 'needed' of pipeline 'Hasty' is read in 'init', before its value is known: read it in 'build'")
    #expect(
      message("HastyDefault", #"{"ratio": 1}"#)
        == "parameter 'ratio' of pipeline 'HastyDefault' is read in 'init', before its value is known: read it in 'build'"
    )
    let pipeline = ExamplePlugin.pipeline("Hasty")!
    #expect(String(cString: pipeline.pointee.parameter(pipeline, 0)!.pointee.name) == "needed")
    #expect(pipeline.pointee.parameter(pipeline, 0)!.pointee.default_value == nil)
  }

  @Test("of a value that the host did not make are no values")
  func stranger() {
    let refused = #expect(throws: MiniHost.Refused.self) { try Built("Stranger") }
    #expect(
      refused?.message
        == "pipeline 'Stranger' reads a @Parameter of type int that has neither default nor value: only those of the "
        + "value that the host makes are set, so assign it before it is read")
  }

  @Test("that the author sets are read in the author's own tests")
  func ownTests() {
    let pipeline = Parameters()
    #expect(pipeline.text == "default")
    pipeline.needed = 3
    #expect(pipeline.needed == 3)
  }

  @Test(
    "of type duration are numbers with units",
    arguments: [
      ("0s", 0), ("1ns", 1), ("1us", 1000), ("1ms", 1_000_000), ("1m", 60_000_000_000), ("2d", 172_800_000_000_000),
      ("1h30m", 5_400_000_000_000), ("90s", 90_000_000_000),
    ])
  func durations(text: String, nanoseconds: Int64) {
    let value = Duration(json: .string(text))
    #expect(value == .nanoseconds(nanoseconds))
    #expect(value.flatMap { Duration(json: $0.json) } == value)
  }

  @Test("of type duration are nothing else", arguments: ["", "5", "s", "-1s", "1.5s", "1w", "99999999999d", "1s "])
  func noDurations(text: String) { #expect(Duration(json: .string(text)) == nil) }
}

@Suite("The root")
struct RootTests {
  @Test("is one for the library, with name, version and description")
  func root() {
    let root = ExamplePlugin.root
    #expect(String(cString: root.pointee.name) == "examples")
    #expect(String(cString: root.pointee.version) == "1.2.3")
    #expect(String(cString: root.pointee.description) == "for tests")
    #expect(export(Parameters.self) == root)
    #expect(root.pointee.pipeline(5) == nil)
    #expect(root.pointee.connector(6) == nil)
    #expect(String(cString: root.pointee.pipeline(0)!.pointee.version) == "1.2.3")
  }
}
