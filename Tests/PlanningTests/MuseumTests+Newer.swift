import VolleyPlan

extension MuseumTests {
  /// What came with version 0.2 of the plan.
  static let newer: [(name: String, nodes: [Plan.Node])] = [
    (
      "event-time",
      [
        source(1, fields: orderFields + [Field("ts", .timestamp(.millisecond, timezone: "UTC"))]),
        node(
          2,
          .eventTime(
            Plan.EventTime(column: "ts", outOfOrderness: 5_000_000, idleTimeout: 60_000_000, undated: .route)), from: 1),
        sink(3, from: 2),
        Plan.Node(id: 4, uid: "undated", inputs: [Plan.Input(node: 2, output: 1)], operator: blackhole),
      ]
    ),
    (
      "windows",
      [
        source(
          1, fields: orderFields + [Field("ts", .timestamp(.millisecond, timezone: "Europe/Berlin"), nullable: false)]),
        node(2, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 5_000_000)), from: 1),
        node(3, keyBy("user_id"), from: 2),
        windowNode(
          4, .tumbling(.init(size: 86_400_000_000, offset: 21_600_000_000, zone: "Europe/Berlin")), from: 3,
          lateness: 60_000_000, late: .route),
        windowNode(5, .inherited, from: 4, scope: .all),
        windowNode(6, .sliding(.init(size: 10_000_000, slide: 2_000_000)), from: 3),
        windowNode(7, .cumulative(.init(size: 60_000_000, step: 10_000_000)), from: 2, scope: .all),
        windowNode(8, .session(.init(gap: 10_000_000)), from: 3),
        windowNode(9, .tumbling(.init(size: 1_000_000)), from: 2, scope: .all, time: .processing),
        sink(10, from: 5, uid: "a"), sink(11, from: 6, uid: "b"), sink(12, from: 7, uid: "c"),
        sink(13, from: 8, uid: "d"),
        sink(14, from: 9, uid: "e"),
        Plan.Node(id: 15, uid: "late", inputs: [Plan.Input(node: 4, output: 1)], operator: blackhole),
      ]
    ),
    (
      "updating-windows",
      [
        source(1, fields: orderFields + [Field("ts", .timestamp(.microsecond), nullable: false)]),
        node(2, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 1),
        node(3, keyBy("user_id"), from: 2),
        windowNode(4, .count(.init(size: 100, slide: 10)), from: 3),
        windowNode(
          5, .sliding(.init(size: 10_000_000, slide: 2_000_000)), from: 3, lateness: 1_000_000, emission: .updating,
          trigger: Plan.WindowTrigger(everyRows: 100, every: 500_000)),
        windowNode(6, .session(.init(gap: 1_000_000)), from: 2, scope: .all, emission: .updating),
        sink(7, from: 4, uid: "a"), sink(8, from: 5, uid: "b"), sink(9, from: 6, uid: "c"),
      ]
    ),
    (
      "window-choice",
      [
        source(1, fields: orderFields + [Field("ts", .timestamp(.microsecond), nullable: false)]),
        node(2, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 1),
        node(3, keyBy("user_id"), from: 2),
        node(
          4,
          .windowChoice(
            Plan.WindowChoice(
              assigner: .tumbling(.init(size: 10_000_000)), scope: .key, allowedLateness: 1_000_000, late: .route,
              value: .column("amount"), takes: .greatest)), from: 3, uid: "highest"),
        node(
          5,
          .windowChoice(Plan.WindowChoice(assigner: .inherited, scope: .all, value: .column("amount"), takes: .least)),
          from: 4, uid: "lowest"),
        sink(6, from: 5),
        Plan.Node(id: 7, uid: "late", inputs: [Plan.Input(node: 4, output: 1)], operator: blackhole),
      ]
    ),
    (
      "process",
      [
        source(1), node(2, keyBy("user_id"), from: 1),
        node(
          3,
          .process(
            Plan.Process(
              function: "tally:3", label: "tally", columns: [Field("note", .utf8), Field("amount", .float64)],
              key: [Field("user_id", .int64)],
              states: [
                Plan.State(name: "count", kind: .value, schema: [Field("value", .int64, nullable: false)]),
                Plan.State(
                  name: "seen", kind: .map, schema: [Field("at", .timestamp)],
                  mapKey: Field("key", .utf8, nullable: false), timeToLive: 60_000_000),
              ], outputs: [[Field("user_id", .int64), Field("count", .int64)], [Field("note", .utf8)]])),
          from: 2, uid: "tally"),
        sink(4, from: 3),
        Plan.Node(id: 5, uid: "notes", inputs: [Plan.Input(node: 3, output: 1)], operator: blackhole),
      ]
    ),
    (
      "user-aggregate",
      [
        source(1), node(2, keyBy("user_id"), from: 1),
        node(
          3,
          .aggregate(
            Plan.Aggregate(
              aggregates: [
                Plan.AggregateCall(
                  function: "mean", argument: nil, name: "mean", filter: .call("is_not_null", [.column("note")]),
                  user: Plan.UserAggregate(
                    function: "udaf:mean",
                    arguments: [.init(name: "amount", type: .float64, expression: .column("amount"))],
                    accumulator: [
                      Field("sum", .float64, nullable: false), Field("rows", .int64, nullable: false),
                    ], result: Field("result", .float64)))
              ], emission: .perBatch)), from: 2, uid: "mean"), sink(4, from: 3),
      ]
    ),
    (
      "window-function",
      [
        source(1, fields: orderFields + [Field("ts", .timestamp)]),
        node(
          2,
          .eventTime(
            Plan.EventTime(
              column: "at", outOfOrderness: 0, idleTimeout: 1_000_000,
              assigner: .init(
                function: "beats:2", label: "beats", columns: [Field("ts", .timestamp)], period: 200_000))), from: 1),
        node(3, keyBy("user_id"), from: 2),
        node(
          4,
          .window(
            Plan.Window(
              assigner: .session(.init(gap: 1_000_000)), scope: .key, late: .route, aggregates: [],
              function: .init(
                function: "spread:4", label: "spread", columns: [Field("amount", .float64)],
                key: [Field("user_id", .int64)],
                outputs: [[Field("spread", .float64)], [Field("note", .utf8)]]))), from: 3, uid: "spread"),
        sink(5, from: 4),
        Plan.Node(id: 6, uid: "notes", inputs: [Plan.Input(node: 4, output: 1)], operator: blackhole),
        Plan.Node(id: 7, uid: "late", inputs: [Plan.Input(node: 4, output: 2)], operator: blackhole),
      ]
    ),
    (
      "async-function",
      [
        source(1),
        node(
          2,
          .batchFunction(
            Plan.BatchFunction(
              function: "find:2", label: "find", columns: [Field("user_id", .int64)], outputs: [[Field("name", .utf8)]],
              async: .init(capacity: 256, rowsPerCall: 16, timeout: 60_000_000, order: .ordered))), from: 1),
        sink(3, from: 2),
      ]
    ),
    (
      "unbounded-join",
      [
        source(1, uid: "orders"), node(2, keyBy("user_id"), from: 1),
        source(3, uid: "users", fields: [Field("id", .int64), Field("note", .utf8)]), node(4, keyBy("id"), from: 3),
        node(
          5,
          .join(
            Plan.Join(
              kind: .left, bounds: .unbounded(.init(timeToLive: 3_600_000_000)),
              condition: .call("greater_than", [.column("amount"), .literal(.float64(1))]),
              sharedNames: .suffix(["", "_right"]))), from: 2, 4, uid: "with-users"),
        sink(6, from: 5),
      ]
    ),
    (
      "deduplicate",
      [
        source(1), node(2, keyBy("user_id"), from: 1),
        node(3, .deduplicate(Plan.Deduplicate(keep: .last, by: ["amount"], timeToLive: 60_000_000)), from: 2, uid: "d"),
        sink(4, from: 3),
      ]
    ),
    (
      "top-n",
      [
        source(1), node(2, keyBy("user_id"), from: 1),
        node(
          3,
          .topN(
            Plan.TopN(
              count: 10, by: [Plan.Ordering("amount", descending: true), Plan.Ordering("note", nullsFirst: true)],
              rank: "place", timeToLive: 60_000_000)), from: 2, uid: "t"), sink(4, from: 3),
      ]
    ),
    (
      "changelog",
      [
        source(1), node(2, keyBy("user_id"), from: 1),
        node(3, sum("amount", as: "s", emission: .changelog), from: 2, uid: "a"),
        node(4, keyBy("s"), from: 3),
        node(
          5,
          .aggregate(
            Plan.Aggregate(
              aggregates: [Plan.AggregateCall(function: "count", argument: nil, name: "n")], emission: .changelog)),
          from: 4, uid: "b"), node(6, keyBy("s"), from: 5), node(7, .latest(Plan.Latest()), from: 6, uid: "l"),
        sink(8, from: 7),
      ]
    ),
    (
      "pattern",
      [
        source(1, fields: orderFields + [Field("ts", .timestamp(.microsecond), nullable: false)]),
        node(2, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 1),
        node(3, keyBy("user_id"), from: 2),
        node(
          4,
          .pattern(
            Plan.Pattern(
              steps: [
                Plan.PatternStep(
                  name: "large", condition: .call("greater_than", [.column("amount"), .literal(.float64(100))]),
                  contiguity: .followedBy),
                Plan.PatternStep(
                  name: "noted", condition: .call("is_not_null", [.column("note")]), contiguity: .next),
              ], within: 60_000_000, timedOut: .route, late: .route)), from: 3, uid: "p"),
        sink(5, from: 4),
        Plan.Node(id: 6, uid: "timed-out", inputs: [Plan.Input(node: 4, output: 1)], operator: blackhole),
        Plan.Node(id: 7, uid: "late", inputs: [Plan.Input(node: 4, output: 2)], operator: blackhole),
      ]
    ),
    (
      "distinct",
      [
        source(1), node(2, .keyBy(Plan.KeyBy(keys: [], everyColumn: true)), from: 1),
        node(3, .deduplicate(Plan.Deduplicate(keep: .first)), from: 2, uid: "d"), sink(4, from: 3),
      ]
    ),
    (
      "side-joins",
      [
        source(1, uid: "a", fields: orderFields + [Field("ts", .timestamp(.microsecond), nullable: false)]),
        node(2, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 1),
        node(3, keyBy("user_id"), from: 2),
        source(4, uid: "b", fields: orderFields + [Field("ts", .timestamp(.microsecond), nullable: false)]),
        node(5, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 4),
        node(6, keyBy("user_id"), from: 5),
        joinNode(7, .left, .version, from: 3, 6),
        joinNode(8, .anti, .side(.init(spread: .key, awaited: true, keep: .all)), from: 3, 6),
        joinNode(9, .inner, .side(.init(spread: .broadcast, awaited: false, keep: .latest)), from: 3, 6),
        sink(10, from: 7, uid: "w"), sink(11, from: 8, uid: "x"), sink(12, from: 9, uid: "y"),
      ]
    ),
    (
      "timed-joins",
      [
        source(1, uid: "a", fields: orderFields + [Field("ts", .timestamp(.microsecond), nullable: false)]),
        node(2, .eventTime(Plan.EventTime(column: "ts", outOfOrderness: 0)), from: 1),
        node(3, keyBy("user_id"), from: 2),
        joinNode(4, .full, .interval(.init(lower: -1_000_000, upper: 5_000_000)), from: 3, 3),
        joinNode(5, .semi, .window(.init(assigner: .session(.init(gap: 1_000_000)))), from: 3, 3),
        joinNode(6, .inner, .window(.init(assigner: .tumbling(.init(size: 1_000_000)))), from: 3, 3, 3),
        windowNode(7, .tumbling(.init(size: 1_000_000)), from: 3), node(8, keyBy("user_id"), from: 7),
        joinNode(9, .left, .window(.init(assigner: .inherited)), from: 8, 8),
        sink(10, from: 4, uid: "w"), sink(11, from: 5, uid: "x"), sink(12, from: 6, uid: "y"),
        sink(13, from: 9, uid: "z"),
      ]
    ),
  ]

  private static func joinNode(
    _ id: Int, _ kind: Plan.JoinKind, _ bounds: Plan.JoinBounds, from inputs: Int...
  ) -> Plan.Node {
    Plan.Node(
      id: id, uid: "join-\(id)", inputs: inputs.map { Plan.Input(node: $0) },
      operator: .join(
        Plan.Join(kind: kind, bounds: bounds, sharedNames: .suffix(inputs.indices.map { "_\($0)" }))))
  }

  private static func windowNode(
    _ id: Int, _ assigner: Plan.WindowAssigner, from input: Int, scope: Plan.WindowScope = .key,
    time: Plan.WindowTime = .event, lateness: Int64 = 0, late: Plan.LateRows = .drop,
    emission: Plan.WindowEmission = .final, trigger: Plan.WindowTrigger? = nil
  ) -> Plan.Node {
    node(
      id,
      .window(
        Plan.Window(
          assigner: assigner, scope: scope, time: time, allowedLateness: lateness, late: late, emission: emission,
          trigger: trigger, aggregates: [Plan.AggregateCall(function: "count", argument: nil, name: "n\(id)")])),
      from: input,
      uid: "window-\(id)")
  }
}
