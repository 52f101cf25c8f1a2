import VolleyPlan

/// Rows of one key that follow each other in event time: `Pattern.begin("cart", where: col("kind") == "cart").followedBy("paid", where:
/// col("kind") == "paid")`.
public struct Pattern: Sendable {
  struct Step: Sendable {
    var name: String
    var condition: ColumnExpression
    var contiguity: Plan.PatternContiguity
  }

  private(set) var steps: [Step]

  /// Every row that meets the condition begins a match.
  public static func begin(_ name: String, where condition: ColumnExpression) -> Pattern {
    Pattern(steps: [Step(name: name, condition: condition, contiguity: .followedBy)])
  }

  /// The next row of the key that meets the condition, whatever comes in between.
  public func followedBy(_ name: String, where condition: ColumnExpression) -> Pattern {
    Pattern(steps: steps + [Step(name: name, condition: condition, contiguity: .followedBy)])
  }

  /// The very next row of the key: when that does not meet the condition, the match is none.
  public func next(_ name: String, where condition: ColumnExpression) -> Pattern {
    Pattern(steps: steps + [Step(name: name, condition: condition, contiguity: .next)])
  }
}

extension KeyedStream {
  /// Matches of a pattern in each key's rows, by event time: the key's columns, then each step's other columns as `<step>_<column>`. A match
  /// is told when the watermark has passed its last row; rows of one time come in the order in which they arrive.
  ///
  /// Every row that meets the first condition begins a match of its own, which takes for each further step the first row that it may: of a1, a2
  /// and b, "a followed by b" matches a1 with b, and a2 with b.
  ///
  /// - Parameters:
  ///   - within: the last row of a match is less than so long after its first.
  ///   - timedOut: what becomes of matches that have begun and were not complete in time, such as `{ $0.toSink(…) }`: the same columns,
  ///     null for the steps that were missing. By default they are dropped.
  ///   - late: what becomes of rows that come behind the watermark; by default they are counted and dropped.
  ///   - uid: the stable name in this pipeline, under which the state is kept.
  public func pattern(
    _ pattern: Pattern, within: Duration, timedOut: ((DataStream) -> Void)? = nil, late: ((DataStream) -> Void)? = nil,
    uid: String
  ) -> DataStream {
    let place = "pattern '\(uid)'"
    if within < .microseconds(1) {
      environment.report("\(place) is within \(within.text); give at least a microsecond")
    }
    if pattern.steps.count < 2 {
      environment.report("\(place) has one step: give it a second with followedBy or next, or filter")
    }
    for step in pattern.steps { environment.register(step.condition.functions) }
    let result = environment.add(
      .pattern(
        .init(
          steps: pattern.steps.map {
            .init(name: $0.name, condition: $0.condition.expression, contiguity: $0.contiguity)
          }, within: environment.microseconds(within, place), timedOut: timedOut == nil ? .drop : .route,
          late: late == nil ? .drop : .route)), inputs: [input], uid: uid)
    if let parallelism { environment.setParallelism(parallelism, of: result.input.node) }
    let node = result.input.node
    timedOut?(DataStream(environment: environment, input: Plan.Input(node: node, output: 1)))
    late?(DataStream(environment: environment, input: Plan.Input(node: node, output: timedOut == nil ? 1 : 2)))
    return result
  }
}
