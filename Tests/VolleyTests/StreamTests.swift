import Testing
import VolleyPlan

@testable import Volley

@Suite("Streams")
struct StreamTests {
  @Test("become the nodes of the plan")
  func plan() throws {
    let plan = try Built.of { env in
      let orders = env.fromSource(
        .csv("a.csv", "b.csv", schema: ["a": .int64], header: false, delimiter: ";", badRecords: .deadLetter("bad")),
        uid: "orders"
      ).withParallelism(2)
      let more = env.fromSource(.jsonLines("c", schema: ["a": .int64]), uid: "more")
      orders.union(more)
        .tee { $0.toSink(.csv("copy.csv", header: false, delimiter: "\t"), uid: "copy", parallelism: 1) }
        .filter(col("a") > 0).withParallelism(3)
        .select("a", (col("a") + 1).as("b"), col("a").as("c"))
        .extend((-col("a")).as("a"), col("b"))
        .keyBy("a", (col("b") % 2).as("odd"))
        .withParallelism(4)
        .aggregate(count(), sum(col("b")), avg(col("b") + 1).as("mean"), uid: "totals", emission: .perRecord)
        .toSink(.jsonLines("out/"), uid: "out")
    }.plan
    #expect(plan.name == "example")
    #expect(plan.version == .current)
    let nodes = plan.nodes
    #expect(nodes.map(\.id) == Array(0..<nodes.count))
    #expect(nodes.map(\.uid) == ["orders", "more", nil, "copy", nil, nil, nil, nil, "totals", "out"])
    #expect(nodes.map(\.parallelism) == [2, nil, nil, 1, 3, nil, nil, nil, 4, nil])
    #expect(nodes.map { $0.inputs.map(\.node) } == [[], [], [0, 1], [2], [2], [4], [5], [6], [7], [8]])
    #expect(
      nodes[0].operator
        == .source(
          .init(
            implementation: .connector(
              .init(name: "csv", options: ["path": ["a.csv", "b.csv"], "header": false, "delimiter": ";"])),
            schema: [Field("a", .int64)], badRecords: .deadLetter(path: "bad"))))
    #expect(nodes[2].operator == .union(.init()))
    #expect(
      nodes[3].operator
        == .sink(
          .init(
            implementation: .connector(
              .init(name: "csv", options: ["path": "copy.csv", "header": false, "delimiter": "\t"])))))
    #expect(
      nodes[5].operator
        == .select(
          .init(columns: [
            .init("a", .column("a")), .init("b", .call("add", [.column("a"), .literal(.int64(1))])),
            .init("c", .column("a")),
          ])))
    #expect(
      nodes[6].operator
        == .extend(.init(columns: [.init("a", .call("negate", [.column("a")])), .init("b", .column("b"))])))
    #expect(
      nodes[7].operator
        == .keyBy(
          .init(keys: [
            .init("a", .column("a")), .init("odd", .call("modulo", [.column("b"), .literal(.int64(2))])),
          ])))
    #expect(
      nodes[8].operator
        == .aggregate(
          .init(
            aggregates: [
              .init(function: "count", argument: nil, name: "count"),
              .init(function: "sum", argument: .column("b"), name: "sum_b"),
              .init(function: "avg", argument: .call("add", [.column("b"), .literal(.int64(1))]), name: "mean"),
            ], emission: .perRecord)))
  }

  @Test("name the host's connectors as the host does")
  func connectors() throws {
    let plan = try Built.of { env in
      let schema: Schema = ["line": .utf8]
      let sources: [Source] = [
        .lines("l"), .stdin(.lines, schema: schema), .stdin(.csv(header: false, delimiter: "|"), schema: schema),
        .stdin(.jsonLines, schema: schema), .connector("kafka", schema: schema, options: [("topic", "t")]),
        .generator(
          rows: 10, seed: 3, rate: 5,
          columns: [
            "n": .sequence(from: 1, step: 2), "u": .uniform(1...6), "x": .uniform(0.0..<1.5),
            "c": .choice("a", "b"), "t": .timestamp(from: Timestamp(microseconds: 7), step: .seconds(1)),
          ]),
      ]
      let sinks: [Sink] = [.stdout(.csv), .stdout(), .console, .blackhole, .connector("kafka"), .jsonLines("x")]
      for (index, (source, sink)) in zip(sources, sinks).enumerated() {
        env.fromSource(source, uid: "in-\(index)").toSink(sink, uid: "out-\(index)")
      }
    }.plan
    var found: [String] = []
    for node in plan.nodes {
      switch node.operator {
      case .source(let source):
        if case .connector(let connector) = source.implementation {
          found.append("\(connector.name) \(connector.options.text)")
        }
      case .sink(let sink):
        if case .connector(let connector) = sink.implementation {
          found.append("\(connector.name) \(connector.options.text)")
        }
      default: break
      }
    }
    #expect(
      found == [
        #"lines {"path":"l"}"#, #"stdout {"format":"csv"}"#, #"stdin {"format":"lines"}"#,
        #"stdout {"format":"jsonlines"}"#, #"stdin {"format":"csv","header":false,"delimiter":"|"}"#, "console {}",
        #"stdin {"format":"jsonlines"}"#, "blackhole {}", #"kafka {"topic":"t"}"#, "kafka {}",
        #"generator {"rows":10,"seed":3,"rate":5,"columns":{"n":{"kind":"sequence","start":1,"step":2},"#
          + #""u":{"kind":"uniform","min":1,"max":6},"x":{"kind":"uniform","min":0.0,"max":1.5},"#
          + #""c":{"kind":"choice","values":["a","b"]},"t":{"kind":"timestamp","start":7,"step":1000000}}}"#,
        #"jsonlines {"path":"x"}"#,
      ])
    guard case .source(let generator) = plan.nodes[10].operator else {
      Issue.record("no generator")
      return
    }
    #expect(generator.schema.map(\.type) == [.int64, .int64, .float64, .utf8, .timestamp])
  }

  @Test("name how a sink's files are rolled and partitioned")
  func layouts() throws {
    let layout = FileLayout(
      rollBytes: 1 << 20, rollInterval: .milliseconds(1500), partitionBy: ["country", "day"], maxOpenFiles: 8)
    let found = [Sink.csv("out/", layout: layout), .jsonLines("out/", layout: .init(rollBytes: 5))].map { sink in
      guard case .connector(let connector) = sink.implementation else { return "no connector" }
      return connector.options.text
    }
    #expect(
      found == [
        #"{"path":"out/","header":true,"delimiter":",","rollBytes":1048576,"rollInterval":1.5,"#
          + #""partitionBy":["country","day"],"maxOpenFiles":8}"#,
        #"{"path":"out/","rollBytes":5}"#,
      ])
  }

  @Test("name what a CSV file's dialect or style changes, and nothing else")
  func dialects() throws {
    func options(_ source: Source) -> String {
      guard case .connector(let connector) = source.implementation else { return "no connector" }
      return connector.options.text
    }
    let schema: Schema = ["a": .utf8]
    #expect(options(.csv("x", schema: schema)) == #"{"path":"x","header":true,"delimiter":","}"#)
    let dialect = CSVDialect(
      quote: nil, escape: "\\", comment: "//", nulls: ["", "NA"], quotedNulls: true, trim: true, endsAtReturn: true,
      blankRows: false, missingIsNull: true, ignoresExtra: true, skipRows: 3)
    let all =
      #""quote":"","escape":"\\","comment":"//","nulls":["","NA"],"quotedNulls":true,"trim":true,"lineEnd":"any","#
      + #""blankLines":"skip","missing":"null","extra":"ignore","skipRows":3}"#
    #expect(
      options(.csv("x", schema: schema, dialect: dialect)) == #"{"path":"x","header":true,"delimiter":",","# + all)
    #expect(
      options(.stdin(.csv(header: false, dialect: dialect), schema: schema))
        == #"{"format":"csv","header":false,"delimiter":",","# + all)
    let style = CSVStyle(quotes: .none, quote: "'", escape: "\\", nullText: "NULL", endsWithReturn: true)
    guard case .connector(let sink) = Sink.csv("x", style: style).implementation else { return }
    #expect(
      sink.options.text
        == #"{"path":"x","header":true,"delimiter":",","quotes":"none","quote":"'","escape":"\\","nullText":"NULL","#
        + #""lineEnd":"crlf"}"#)
  }

  struct Tags: Codable { var tags: [String] }
  struct Nested: Codable {
    var inner: Inner
    struct Inner: Codable { var a: Int }
  }
  struct Empty: Codable {}
  struct Good: Codable { var a: Int }

  @Test("that cannot be a plan are refused in a sentence that names the place")
  func refused() {
    func check(
      _ message: String?, _ body: @escaping @Sendable (StreamExecutionEnvironment) throws -> Void,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      #expect(Built.refusal(body) == message.map { "pipeline 'example': \($0)" }, sourceLocation: sourceLocation)
    }
    check(nil) { $0.example().toSink(.blackhole, uid: "out") }
    check("it has no source: begin with env.fromSource") { _ in }
    check("the stream of source 'in' leads nowhere: end it with toSink (.blackhole drops rows on purpose)") {
      _ = $0.example()
    }
    check(
      "the stream of filter 1 behind source 'in' leads nowhere: end it with toSink (.blackhole drops rows on purpose)"
    ) {
      let stream = $0.example()
      _ = stream.filter(col("d"))
      stream.toSink(.blackhole, uid: "out")
    }
    check(
      "the stream of keyBy 1 behind source 'in' leads nowhere: end it with toSink (.blackhole drops rows on purpose)"
    ) {
      _ = $0.example().keyBy("a")
    }
    check("output 1 of split 1 behind source 'in' leads nowhere: end it with toSink (.blackhole drops rows on purpose)")
    {
      let streams = $0.example().batchFunction("split", outputs: [["a": .int64], ["a": .int64]]) {
        fatalError("not made here")
      }
      streams[0].toSink(.blackhole, uid: "out")
    }
    check("source and sink have the same uid 'x': give one of them another, such as 'sink-1'") {
      $0.example("x").toSink(.blackhole, uid: "x")
    }
    check("source 0 has an empty uid: give it one, such as 'source-0'") {
      $0.example("").toSink(.blackhole, uid: "x")
    }
    check("sink 1 behind source 'in' has an empty uid: give it one, such as 'sink-1'") {
      $0.example().toSink(.blackhole, uid: "")
    }
    check("select 1: a computed column has no name: give it one with .as(\"…\")") {
      $0.example().select("a", col("a") + 1).toSink(.blackhole, uid: "out")
    }
    check("keyBy 1: a computed column has no name: give it one with .as(\"…\")") {
      $0.example().keyBy(col("a") + 1).aggregate(count(), uid: "n").toSink(.blackhole, uid: "out")
    }
    check("aggregate 'n': sum of a computed value has no name: give it one with .as(\"…\")") {
      $0.example().keyBy("a").aggregate(sum(col("a") + 1), uid: "n").toSink(.blackhole, uid: "out")
    }
    check("aggregate 'n' has no aggregates: give it at least one, such as count()") {
      $0.example().keyBy("a").aggregate(uid: "n").toSink(.blackhole, uid: "out")
    }
    check("select 1 has no columns: name at least one") { $0.example().select().toSink(.blackhole, uid: "out") }
    check("keyBy 1 has no keys: name at least one column") {
      $0.example().keyBy().aggregate(count(), uid: "n").toSink(.blackhole, uid: "out")
    }
    check("source 'in' has parallelism 0: give it at least 1") {
      $0.example().withParallelism(0).toSink(.blackhole, uid: "out")
    }
    check("source 'in' has no columns: give its schema") {
      $0.fromSource(.jsonLines("x", schema: [:]), uid: "in").toSink(.blackhole, uid: "out")
    }
    check("two functions have the id 'udf:f': give one of them another name, or use one value for both") {
      $0.example()
        .withColumn("x", udf("f") { (a: Int) -> Int in a }(col("a")))
        .withColumn("y", udf("f") { (a: Int) -> Int in a }(col("a")))
        .toSink(.blackhole, uid: "out")
    }
    check(
      "map 1: field 'tags' of row type Tags is a Array<String>: a field is a Bool, an integer of 8 to 64 "
        + "bits, a Float16, Float, Double, String, [UInt8], CalendarDate, Timestamp or Duration, or an optional one"
    ) { $0.example().map { (row: Good) in Tags(tags: []) }.toSink(.blackhole, uid: "out") }
    check(
      "map 1: field 'inner' of row type Nested is a Inner: a field is a Bool, an integer of 8 to 64 "
        + "bits, a Float16, Float, Double, String, [UInt8], CalendarDate, Timestamp or Duration, or an optional one"
    ) { $0.example().map { (row: Nested) in Good(a: row.inner.a) }.toSink(.blackhole, uid: "out") }
    check("map 1: row type Empty has no fields: a row is a struct with named fields") {
      $0.example().map { (row: Empty) in Good(a: 1) }.toSink(.blackhole, uid: "out")
    }
    check("map 1: row type Int is not a struct with named fields") {
      $0.example().map { (row: Int) in Good(a: 1) }.toSink(.blackhole, uid: "out")
    }
    check("source 'in': row type Empty has no fields: a row is a struct with named fields") {
      $0.fromSource(.rows { [Empty()] }, uid: "in").toSink(.blackhole, uid: "out")
    }
  }

  struct Mine: Error, CustomStringConvertible { var description: String { "the registry cannot be reached" } }

  @Test("whose build throws are refused with that error")
  func throwing() { #expect(Built.refusal { _ in throw Mine() } == "the registry cannot be reached") }

  @Test("say which column is the event time, in microseconds, and where rows without one go")
  func eventTime() throws {
    let nodes = try Built.of { env in
      env.example()
        .eventTime("a", outOfOrderness: .nanoseconds(5_000_999), idleTimeout: .seconds(60)) {
          $0.toSink(.blackhole, uid: "undated")
        }
        .eventTime("b", outOfOrderness: .zero, alignment: Alignment(group: "all", maxDrift: .seconds(1)))
        .toSink(.blackhole, uid: "out")
    }.plan.nodes
    #expect(
      nodes[1].operator
        == .eventTime(.init(column: "a", outOfOrderness: 5000, idleTimeout: 60_000_000, undated: .route)))
    #expect(nodes[2].inputs == [Plan.Input(node: 1, output: 1)])
    #expect(
      nodes[3].operator
        == .eventTime(.init(column: "b", outOfOrderness: 0, alignment: .init(group: "all", maxDrift: 1_000_000))))
    #expect(nodes[3].inputs == [Plan.Input(node: 1, output: 0)])
    #expect(
      Built.refusal { $0.example().eventTime("a", outOfOrderness: .seconds(-1)).toSink(.blackhole, uid: "out") }
        == "pipeline 'example': eventTime 1: rows are -1s out of order at most; give at least zero")
    #expect(
      Built.refusal {
        $0.example().eventTime("a", outOfOrderness: .zero, idleTimeout: .zero).toSink(.blackhole, uid: "out")
      } == "pipeline 'example': eventTime 1: the idle timeout is 0s; give at least a microsecond")
    #expect(
      Built.refusal {
        $0.example().eventTime("a", outOfOrderness: .seconds(Int64.max)).toSink(.blackhole, uid: "out")
      }?.contains("is longer than the 292,471 years") == true)
  }

  @Test("of two environments do not mix")
  func environments() {
    #expect(
      Built.refusal { env in
        nonisolated(unsafe) var other: DataStream?
        _ = Built.refusal { inner in
          other = inner.example()
          throw Mine()
        }
        env.example().union(other!).toSink(.blackhole, uid: "out")
      } == "pipeline 'example': union 1 takes a stream of another environment: use streams of one `build`")
  }
}
