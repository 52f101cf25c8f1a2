import Arrow
import Base
import Testing
import VolleyPlan

@testable import Planning

@Suite("Joins in a plan")
struct JoinPlanTests {
  private static let left = [
    Field("id", .int64, nullable: false), Field("name", .utf8), Field("at", .timestamp(.microsecond), nullable: false),
  ]
  private static let right = [
    Field("id", .int64), Field("price", .float64), Field("at", .timestamp(.microsecond), nullable: false),
  ]

  private func joined(
    _ join: Plan.Join, dated: Bool = false, left: [Field] = Self.left, right: [Field] = Self.right,
    keys: (String, String) = ("id", "id")
  ) throws(Failure) -> TypedStream {
    let time = Plan.Operator.eventTime(Plan.EventTime(column: "at", outOfOrderness: 0))
    let dates = dated ? [node(7, time, from: 1), node(8, time, from: 3)] : []
    let built = try graph(
      [source(1, uid: "left", fields: left), source(3, uid: "right", fields: right)] + dates + [
        node(2, keyBy(keys.0), from: dated ? 7 : 1), node(4, keyBy(keys.1), from: dated ? 8 : 3),
        node(5, .join(join), from: 2, 4, uid: "j"), sink(6, from: 5),
      ])
    guard let stream = built.byID[5]?.outputs[0] else { preconditionFailure("the join has an output") }
    return stream
  }

  private func refusal(
    _ join: Plan.Join, dated: Bool = false, left: [Field] = Self.left, right: [Field] = Self.right,
    keys: (String, String) = ("id", "id")
  ) -> String? {
    do throws(Failure) {
      _ = try joined(join, dated: dated, left: left, right: right, keys: keys)
      return nil
    } catch {
      return error.message
    }
  }

  private func join(
    _ kind: Plan.JoinKind, condition: Expression? = nil, names: Plan.SharedNames? = .suffix(["", "_right"])
  ) -> Plan.Join {
    Plan.Join(kind: kind, bounds: .unbounded(.init()), condition: condition, sharedNames: names)
  }

  @Test("columns: left, then right, a common key once, null where a side may be missing")
  func columns() throws {
    let cases: [(Plan.JoinKind, String)] = [
      (
        .inner,
        "id int64 not null, name utf8, at timestamp[us] not null, price float64, at_right timestamp[us] not null"
      ),
      (
        .left,
        "row_kind utf8 not null, id int64 not null, name utf8, at timestamp[us] not null, price float64, at_right timestamp[us]"
      ),
      (
        .right,
        "row_kind utf8 not null, id int64, name utf8, at timestamp[us], price float64, at_right timestamp[us] not null"
      ),
      (.full, "row_kind utf8 not null, id int64, name utf8, at timestamp[us], price float64, at_right timestamp[us]"),
      (.semi, "id int64 not null, name utf8, at timestamp[us] not null"),
      (.anti, "row_kind utf8 not null, id int64 not null, name utf8, at timestamp[us] not null"),
    ]
    for (kind, expected) in cases {
      let stream = try joined(join(kind))
      #expect(stream.schema == Schema(Self.fields(expected)), "\(kind): \(stream.schema)")
      #expect(stream.isChangelog == expected.hasPrefix("row_kind"))
      #expect(stream.eventTime == nil)
    }
  }

  private static func fields(_ text: String) -> [Field] {
    text.split(separator: ", ").map { part in
      let words = part.split(separator: " ")
      let type: DataType =
        switch words[1] {
        case "int64": .int64
        case "utf8": .utf8
        case "float64": .float64
        default: .timestamp(.microsecond)
        }
      return Field(String(words[0]), type, nullable: words.count == 2)
    }
  }

  @Test("names that both sides have, but for common keys, get what the author says")
  func names() throws {
    #expect(
      try joined(join(.inner, names: .prefix(["l_", "r_"]))).schema.fields.map(\.name)
        == ["id", "name", "l_at", "price", "r_at"])
    #expect(
      refusal(join(.inner, names: nil))
        == "join 'j': several inputs have a column 'at'; tell them apart with sharedNames, such as .prefixed(\"left_\", "
        + "\"right_\"), or rename one with select before the join")
    #expect(
      refusal(join(.inner, names: .suffix(["_x", "_x"])))
        == "join 'j': several columns of the result are named 'at_x'; give sharedNames that tell them apart, such as "
        + ".prefixed(\"left_\", \"right_\"), or rename one with select before the join")
    #expect(
      refusal(join(.left), left: Self.left + [Field("row_kind", .utf8)])
        == "join 'j': an input has the column 'row_kind', which the join adds itself; rename it with select before the join"
    )
    // The names of other sides' columns, as these are no keys of theirs.
    #expect(
      try joined(join(.inner), right: Self.right + [Field("key", .int64)], keys: ("id", "key")).schema.fields.map(
        \.name)
        == ["id", "name", "at", "id_right", "price", "at_right", "key"])
  }

  @Test("keys of other types are refused, as are conditions that are none and times to live of nothing")
  func refusals() {
    #expect(
      refusal(join(.inner), keys: ("id", "price"))
        == "join 'j': input 0 is keyed by 'id' int64, and input 1 by 'price' float64; take as many keys of the same types, "
        + "and cast them where they differ")
    #expect(
      refusal(join(.inner, condition: .column("price")))
        == "join 'j': the condition: it is float64, and must be bool; compare it with something")
    #expect(
      refusal(Plan.Join(kind: .semi, bounds: .unbounded(.init(timeToLive: 0)), sharedNames: .suffix(["", "_right"])))
        == "join 'j': the time to live is 0 µs; it is at least 1")
  }

  private func timed(_ kind: Plan.JoinKind, _ bounds: Plan.JoinBounds) -> Plan.Join {
    Plan.Join(kind: kind, bounds: bounds, sharedNames: .suffix(["", "_right"]))
  }

  @Test("an interval's result has the event time of the side that is always there")
  func intervalTime() throws {
    let bounds = Plan.JoinBounds.interval(.init(lower: 0, upper: 10))
    for (kind, expected) in [
      (.inner, "at"), (.left, "at"), (.semi, "at"), (.anti, "at"), (.right, "at_right"), (.full, nil),
    ] as [(Plan.JoinKind, String?)] {
      let stream = try joined(timed(kind, bounds), dated: true)
      #expect(stream.eventTime == expected.map { EventTimeColumn($0) }, "\(kind)")
      #expect(!stream.isChangelog)
    }
    #expect(refusal(timed(.inner, bounds))?.hasPrefix("join 'j': input 0: its input has no event time") == true)
    #expect(
      refusal(timed(.inner, .interval(.init(lower: 1, upper: 0))), dated: true)
        == "join 'j': its rows are from 1 to 0 µs apart; the upper bound is not below the lower one, and both are at most 9,000 "
        + "years")
  }

  @Test("a window's result has the window behind the columns, and its last microsecond as event time")
  func windowColumns() throws {
    let stream = try joined(timed(.semi, .window(.init(assigner: .tumbling(.init(size: 10))))), dated: true)
    #expect(stream.schema.fields.map(\.name) == ["id", "name", "at", "window_start", "window_end"])
    #expect(stream.eventTime == EventTimeColumn("window_end", shift: -1))
    #expect(
      refusal(
        timed(.inner, .window(.init(assigner: .tumbling(.init(size: 10))))), dated: true,
        left: Self.left + [Field("window_end", .int64)])
        == "join 'j': an input has the column 'window_end', which the join adds itself; rename it with select before the join"
    )
    #expect(
      refusal(timed(.inner, .window(.init(assigner: .count(.init(size: 10))))), dated: true)
        == "join 'j': windows of a number of rows have no common time; join on windows of another kind")
    #expect(
      refusal(timed(.inner, .window(.init(assigner: .inherited))), dated: true)?
        .hasPrefix("join 'j': input 0 is not a window's results") == true)
    #expect(
      refusal(timed(.inner, .window(.init(assigner: .tumbling(.init(size: 0))))), dated: true)?.hasPrefix("join 'j': ")
        == true)
  }

  @Test("rows that revise others are refused where each row counts as a new one")
  func revisions() throws {
    for (bounds, isTaken) in [
      (.unbounded(.init()), true), (.interval(.init(lower: 0, upper: 0)), false), (.version, false),
      (.side(.init(spread: .key, awaited: false, keep: .all)), false),
      (.side(.init(spread: .key, awaited: false, keep: .latest)), true),
    ] as [(Plan.JoinBounds, Bool)] {
      do throws(Failure) {
        let again = Plan.Join(kind: .inner, bounds: bounds, sharedNames: .suffix(["", "_again"]))
        let built = try graph([
          source(1, uid: "left", fields: Self.left), node(2, keyBy("id"), from: 1),
          source(3, uid: "right", fields: Self.right), node(4, keyBy("id"), from: 3),
          node(5, .join(join(.left)), from: 2, 4, uid: "j"), node(6, keyBy("id"), from: 5),
          node(7, .join(again), from: 2, 6, uid: "again"), sink(8, from: 7),
        ])
        #expect(isTaken, "\(bounds)")
        let names = built.byID[7]?.outputs[0].schema.fields.map(\.name) ?? []
        #expect(names.contains("row_kind") == (bounds == .unbounded(.init())), "\(bounds)")
        #expect(!names.contains("row_kind_again"))
      } catch {
        #expect(!isTaken, "\(bounds)")
        #expect(error.message.hasPrefix("join 'again': input "), "\(error.message)")
      }
    }
  }
}
