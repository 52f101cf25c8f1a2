import Arrow
import Base
import Expressions
import TestSupport
import Testing
import VolleyPlan

@testable import Planning
@testable import Volley

/// What the author's API writes into plans, typed by the host: a name that the host does not know, or a wrong number of
/// arguments, would otherwise be found by the first author who calls the method.
@Suite("Expressions of the author's API")
struct AuthorExpressionTests {
  static let fields = [
    Field("i", .int64), Field("x", .float64), Field("t", .utf8), Field("b", .bool), Field("ts", .timestamp),
    Field("tz", .timestamp(.microsecond, timezone: "UTC")), Field("l", .list(of: .int64)),
    Field("s", .struct([Field("f", .date32)])), Field("m", .map(.utf8, to: .float64)),
  ]

  /// A call of each operator, method and function, and the type that the host must find.
  static let calls: [(ColumnExpression, DataType)] = {
    let (i, x, t, b, ts, tz) = (col("i"), col("x"), col("t"), col("b"), col("ts"), col("tz"))
    let (l, s, m) = (col("l"), col("s"), col("m"))
    let operators: [(ColumnExpression, DataType)] = [
      (i + 1, .int64), (i - 1, .int64), (x * 2, .float64), (x / 2, .float64), (i % 2, .int64), (-i, .int64),
      (i == 1, .bool), (i != 1, .bool), (x < 1, .bool), (x <= 1, .bool), (t > "a", .bool), (t >= "a", .bool),
      (b && b, .bool), (b || b, .bool), (!b, .bool), (i.isNull, .bool), (i.isNotNull, .bool),
      (i.cast(to: .utf8), .utf8),
      (when(b, then: i).otherwise(2), .int64), (when(b, then: t).when(!b, then: "x").otherwiseNull(), .utf8),
    ]
    let choices: [(ColumnExpression, DataType)] = [
      (coalesce(i, 1), .int64), (hash(i, t), .uint64), (i.nullIf(1), .int64), (i.isBetween(1, and: 2), .bool),
      (i.isIn([1, 2]), .bool), (t.tryCast(to: .int32), .int32), (l.element(0), .int64), (l.itemCount, .int64),
      (l.containsItem(1), .bool), (s.field("f"), .date32), (m.value(forKey: "k"), .float64), (m.itemCount, .int64),
    ]
    let texts: [(ColumnExpression, DataType)] = [
      (t.characterCount, .int64), (t.byteCount, .int64), (t.uppercased(), .utf8), (t.lowercased(), .utf8),
      (t.capitalized(), .utf8), (t.reversed(), .utf8), (t.firstCodePoint, .int64), (i.character, .utf8),
      (t.substring(from: 1), .utf8), (t.substring(from: 1, length: 2), .utf8), (t.prefix(1), .utf8),
      (t.suffix(1), .utf8), (t.splitPart(",", 1), .utf8), (t.trimmed(), .utf8), (t.trimmed("x"), .utf8),
      (t.trimmedStart(), .utf8), (t.trimmedStart("x"), .utf8), (t.trimmedEnd(), .utf8), (t.trimmedEnd("x"), .utf8),
      (t.position(of: "x"), .int64), (t.padded(startTo: 5), .utf8), (t.padded(endTo: 5, with: "-"), .utf8),
      (t.repeated(2), .utf8), (t.replacing("a", with: "b"), .utf8), (concat(t, t, t), .utf8),
      (concat(separator: ",", t, t), .utf8),
    ]
    let patterns: [(ColumnExpression, DataType)] = [
      (t.like("a%"), .bool), (t.like("a%", ignoringCase: true), .bool), (t.notLike("a%"), .bool),
      (t.notLike("a%", ignoringCase: true), .bool), (t.hasPrefix("a"), .bool), (t.hasSuffix("a"), .bool),
      (t.contains("a"), .bool), (t.matches(regex: "a+"), .bool), (t.matchCount(regex: "a+"), .int64),
      (t.extract(regex: "a+"), .utf8), (t.extract(regex: "(a+)", group: 1), .utf8),
      (t.extract(regex: "(?P<g>a+)", group: "g"), .utf8), (t.replacing(regex: "a+", with: "b"), .utf8),
      (t.replacing(regex: "a+", with: "b", count: 1), .utf8), (t.jsonValue("$.a"), .utf8), (t.jsonText("$.a"), .utf8),
    ]
    let arithmetic: [(ColumnExpression, DataType)] = [
      (i &+ 1, .int64), (i &- 1, .int64), (i &* 2, .int64), (i.negateWrapping(), .int64), (i.tryAdd(1), .int64),
      (i.trySubtract(1), .int64), (i.tryMultiply(2), .int64), (i.tryDivide(0), .int64), (i.tryModulo(0), .int64),
      (i.tryNegate(), .int64),
    ]
    let mathematics: [(ColumnExpression, DataType)] = [
      (x.abs(), .float64), (x.sign(), .float64), (x.ceil(), .float64), (x.floor(), .float64), (x.trunc(), .float64),
      (x.round(), .float64), (x.round(digits: 2), .float64), (x.sqrt(), .float64), (x.exp(), .float64),
      (x.ln(), .float64), (x.log10(), .float64), (x.log2(), .float64), (x.log(base: 3.0), .float64),
      (x.power(2.0), .float64), (.pi, .float64), (x.sin(), .float64), (x.cos(), .float64), (x.tan(), .float64),
      (x.asin(), .float64), (x.acos(), .float64), (x.atan(), .float64), (x.atan2(x), .float64),
      (x.degrees(), .float64), (x.radians(), .float64), (i.bitAnd(1), .int64), (i.bitOr(1), .int64),
      (i.bitXor(1), .int64), (i.bitNot(), .int64), (i.shiftLeft(1), .int64), (i.shiftRight(1), .int64),
      (x.isNaN, .bool), (x.isFinite, .bool), (x.isInfinite, .bool), (greatest(x, x), .float64),
      (least(i, i), .int64),
    ]
    var times: [(ColumnExpression, DataType)] = [
      (ts.difference(to: ts, in: .day), .int64), (ts.formatted("%Y-%m-%d"), .utf8),
      (t.parsedTime("%Y-%m-%d"), .timestamp), (t.parsedTime("%Y", unit: .second), .timestamp(.second)),
      (t.parsedTimeOrNull("%Y-%m-%d"), .timestamp), (tz.inZone("+02:00"), .timestamp(.microsecond, timezone: "+02:00")),
      (ts.assumingZone("UTC"), .timestamp(.microsecond, timezone: "UTC")),
      (ts.assumingZone("UTC", ambiguous: .earliest, nonexistent: .latest), .timestamp(.microsecond, timezone: "UTC")),
      (tz.localTime, .timestamp),
    ]
    for unit in CalendarUnit.allCases {
      times += [(ts.difference(to: ts, in: unit), .int64)]
      // Finer than the column.
      if unit != .nanosecond {
        times += [
          (ts.truncated(to: unit), .timestamp), (ts.roundedUp(to: unit, multiple: 2), .timestamp),
          (ts.adding(1, unit), .timestamp),
        ]
      }
    }
    times += [(ts.truncated(to: .week, weekStart: .sunday), .timestamp)]
    for field in TimeField.allCases { times += [(ts.extract(field), .int64)] }
    return operators + arithmetic + choices + texts + patterns + mathematics + times
  }()

  /// A constant of each type that `lit` takes.
  static let constants: [(ColumnExpression, DataType)] = [
    (lit(true), .bool), (lit(Int8.min), .int8), (lit(Int16.min), .int16), (lit(Int32.min), .int32),
    (lit(Int64.min), .int64), (lit(1), .int64), (lit(UInt8.max), .uint8), (lit(UInt16.max), .uint16),
    (lit(UInt32.max), .uint32), (lit(UInt64.max), .uint64), (lit(UInt.max), .uint64), (lit(Float16(0.1)), .float16),
    (lit(Float.infinity), .float32), (lit(Double.nan), .float64), (lit("é"), .utf8),
    (lit([0, 255] as [UInt8]), .binary),
    (lit(CalendarDate(daysSinceEpoch: .min)), .date32), (lit(Timestamp(microseconds: .min)), .timestamp),
    (lit(Duration.milliseconds(-5)), .duration(.microsecond)), (null(.list(of: .int8)), .list(of: .int8)),
  ]

  static let aggregates: [AggregateExpression] = {
    let (i, x, t, b, ts) = (col("i"), col("x"), col("t"), col("b"), col("ts"))
    return [
      count(), count(t), countDistinct(t), sum(i), min(t), max(ts), avg(x), first(t), first(t, by: ts).as("first_by"),
      last(t), last(t, by: ts).as("last_by"), argMin(t, by: x), argMax(t, by: x), variance(x), populationVariance(x),
      standardDeviation(x), populationStandardDeviation(x), boolAnd(b), boolOr(b), collect(i),
      approximateCountDistinct(t), approximateQuantile(x, fraction: 0.5),
      sum(x).filter(b).filter(i > 0).as("filtered"),
    ]
  }()

  @Test("name functions that the host knows, with arguments that it takes")
  func types() throws {
    for (expression, type) in Self.calls + Self.constants {
      // As the host gets it: read back from the plan's text.
      let sent = try sent(expression)
      #expect(try sent.resolvedType(in: .init(Self.fields)).type == type, "\(sent)")
    }
  }

  @Test("name aggregates that the host knows, with arguments that it takes")
  func aggregates() throws {
    let env = StreamExecutionEnvironment(name: "aggregates")
    let source = env.fromSource(
      .custom(.init(Array(Self.fields.prefix(6)))) { _ in throw VolleyError("not run") }, uid: "in"
    ).keyBy("t")
    for (index, aggregate) in Self.aggregates.enumerated() {
      source.aggregate(aggregate, uid: "aggregate-\(index)").toSink(.blackhole, uid: "out-\(index)")
    }
    let plan = try PlanJSON.decode(try PlanJSON.encode(env.finish().0))
    _ = try ExecutionGraph(plan, code: NamedCode(), options: .init(parallelism: 1, chaining: true))
  }

  /// The expression as a host reads it.
  private func sent(_ expression: ColumnExpression) throws -> Expression {
    let env = StreamExecutionEnvironment(name: "example")
    env.fromSource(.connector("generator", schema: .init(Self.fields)), uid: "in").select(expression.as("result"))
      .toSink(.blackhole, uid: "out")
    let plan = try PlanJSON.decode(try PlanJSON.encode(env.finish().0))
    guard case .select(let select) = plan.nodes[1].operator, let column = select.columns.first else {
      throw VolleyError("the plan has no select")
    }
    return column.expression
  }

  @Test("are all built here: each function that the API's files name is in some expression above")
  func complete() throws {
    var used = Set(Self.aggregates.map(\.function))
    func walk(_ expression: Expression) {
      switch expression {
      case .column, .literal: break
      case .call(let function, let arguments):
        used.insert(function)
        arguments.forEach(walk)
      case .cast(let argument, _), .tryCast(let argument, _): walk(argument)
      case .caseWhen(let branches, let otherwise):
        for branch in branches {
          walk(branch.condition)
          walk(branch.value)
        }
        if let otherwise { walk(otherwise) }
      case .userFunction(let function): function.arguments.forEach(walk)
      }
    }
    for (expression, _) in Self.calls { walk(expression.expression) }
    let names = Self.functionNames()
    #expect(names.count > 60, "the API's files were not read")
    #expect(names.subtracting(used) == [], "no expression of this test calls these")
  }

  /// The strings in the files of the expressions that can be names of functions: those in calls, in code.
  private static func functionNames() -> Set<String> {
    let folder = TestEnvironment.repository + "/sdk/Sources/Volley/Expressions"
    var names: Set<String> = []
    for file in TestProcess.run(["ls", folder]).output.split(separator: "\n") {
      let text = TestProcess.run(["cat", folder + "/" + file]).output
      for line in text.split(separator: "\n") where !line.contains("///") && !line.contains("case ") {
        let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
        for index in stride(from: 1, to: parts.count - 1, by: 2) {
          let before = parts[index - 1]
          guard before.hasSuffix("(") || before.hasSuffix("? ") || before.hasSuffix(" : "),
            parts[index].allSatisfy({ $0.isLowercase || $0.isNumber || $0 == "_" })
          else { continue }
          if !parts[index].isEmpty { names.insert(String(parts[index])) }
        }
      }
    }
    return names
  }

  @Test("of a duration that 64 bits of microseconds do not hold are refused by the host")
  func longDuration() throws {
    let sent = try sent(lit(Duration.seconds(Int64.max)))
    #expect(
      throws: Failure(
        .usage,
        "a constant of duration[us] in the plan is none: 9223372036854775807000000 is no value of duration[us]")
    ) { try sent.resolvedType(in: .init(Self.fields)) }
  }
}
