import Arrow
import ArrowTestSupport
import Base
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Expressions

/// What the random groups of `AggregatePeerTests` do not reach: no rows, ends of ranges, memory, damaged states.
struct AggregateStateTests {
  /// One signature a function, and more for functions that keep their states differently by type.
  static let signatures: [AggregateSignature] = {
    func signature(_ name: String, _ type: DataType?, by: DataType? = nil, _ fraction: Double? = nil)
      -> AggregateSignature?
    {
      try? AggregateSignature(name, argument: type, by: by, fraction: fraction)
    }
    let decimal = DataType.decimal128(precision: 20, scale: 2)
    let plain: [(String, [DataType])] = [
      ("count", [.utf8]), ("count_distinct", [.int64, .utf8, decimal]), ("sum", [.int64, .uint64, .float32, decimal]),
      ("min", [.bool, .int8, .int32, .float64, .utf8, decimal]), ("max", [.uint64, .float16, .fixedSizeBinary(4)]),
      ("avg", [.int16, .float64, decimal, .duration(.second)]), ("first", [.utf8, .list(of: .int32)]),
      ("last", [.int64, .struct([Field("a", .utf8)])]), ("var_pop", [.int64]), ("var_samp", [.float64]),
      ("stddev_pop", [decimal]), ("stddev_samp", [.uint8]), ("bool_and", [.bool]), ("bool_or", [.bool]),
      ("collect", [.int32, .utf8, .list(of: .utf8)]), ("approx_count_distinct", [.int64, .binary]),
    ]
    return plain.flatMap { name, types in types.compactMap { signature(name, $0) } }
      + [
        signature("count", nil), signature("approx_quantile", .float64, 0.5), signature("approx_quantile", .date32, 1),
        signature("first", .utf8, by: .utf8), signature("last", .int64, by: decimal),
        signature("arg_min", .list(of: .utf8), by: .float32), signature("arg_max", .utf8, by: .timestamp),
      ].compactMap { $0 }
  }()

  private func results(_ accumulator: any Accumulator, _ count: Int) throws -> [Literal?] {
    try AggregateRun.results(accumulator, (0..<UInt32(count)).map { $0 }).rows
  }

  private func column(_ type: DataType, _ count: Int, _ generator: inout SeededGenerator) -> Column {
    let values = (0..<count).map { row -> Literal in
      if row % 7 == 3 { return .null(type) }
      if case .decimal128 = type { return .integer(.random(in: -99999...99999, using: &generator), type) }
      if case .duration = type { return .integer(.random(in: -99999...99999, using: &generator), type) }
      if type == .int64 { return .int64(.random(in: -99999...99999, using: &generator)) }
      if type == .uint64 { return .integer(.random(in: 0...99999, using: &generator), type) }
      return RandomColumns.value(type, &generator)
    }
    return RandomColumns.column(type, values)
  }

  private func update(
    _ accumulator: any Accumulator, _ signature: AggregateSignature, _ slots: [UInt32],
    _ generator: inout SeededGenerator
  ) throws {
    try accumulator.grow(to: Int(slots.max() ?? 0) + 1)
    let input = AggregateInput(
      argument: signature.argument.map { column($0, slots.count, &generator) },
      by: signature.by.map { column($0, slots.count, &generator) }, count: slots.count)
    try accumulator.update(slots, count: slots.count, input)
  }

  @Test("every function has a signature among these")
  func complete() {
    #expect(Set(Self.signatures.map(\.function)) == Set(AggregateFunction.allCases))
    #expect(Self.signatures.count == 43)
  }

  @Test("of no row, and of rows that a filter excludes, counts are 0 and the rest is null", arguments: signatures)
  func empty(_ signature: AggregateSignature) throws {
    var generator = SeededGenerator()
    let accumulator = signature.makeAccumulator()
    try accumulator.grow(to: 3)
    let wanted: Literal? = signature.function.isNullOfNothing ? nil : .int64(0)
    #expect(try results(accumulator, 3) == [wanted, wanted, wanted])
    let excluded = Column.of(.bool, [.bool(false), nil], junk: 2)
    let input = AggregateInput(
      argument: signature.argument.map { column($0, 2, &generator) },
      by: signature.by.map { column($0, 2, &generator) },
      condition: excluded, count: 2)
    try accumulator.update([0, 1], count: 2, input)
    #expect(try accumulator.updateRunning([0, 1], count: 2, input).rows == [wanted, wanted])
    #expect(try results(accumulator, 3) == [wanted, wanted, wanted])
    // The states of nothing change nothing.
    let other = signature.makeAccumulator()
    try other.grow(to: 3)
    try other.merge([2, 0, 1], count: 3, states: try accumulator.states([0, 1, 2], count: 3))
    #expect(try results(other, 3) == [wanted, wanted, wanted])
    #expect(try accumulator.results([], count: 0).length == 0)
    #expect(try accumulator.states([], count: 0).map(\.length) == accumulator.stateTypes.map { _ in 0 })
  }

  @Test("forgotten slots leave nothing behind, and their memory is used again", arguments: signatures)
  func forgetting(_ signature: AggregateSignature) throws {
    let generator = SeededGenerator()
    let accumulator = signature.makeAccumulator()
    let slots = (0..<3000).map { UInt32($0 % 500) }
    var held = 0
    for round in 0..<6 {
      var same = SeededGenerator(seed: generator.seed)
      try update(accumulator, signature, slots, &same)
      let first = try results(accumulator, 500)
      #expect(accumulator.byteCount >= 500, "\(generator)")
      if round == 1 { held = accumulator.byteCount }
      if round > 1 { #expect(accumulator.byteCount <= held, "\(generator)") }
      accumulator.removeAll()
      #expect(accumulator.slotCount == 0)
      let fresh = signature.makeAccumulator()
      same = SeededGenerator(seed: generator.seed)
      try update(fresh, signature, slots, &same)
      #expect(try zip(first, results(fresh, 500)).allSatisfy { close($0, $1) }, "\(generator)")
    }
  }

  @Test("accumulators that go leave no memory behind")
  func leaks() throws {
    var generator = SeededGenerator()
    let kept = Self.signatures.filter { $0.argument != nil }
    var before = 0
    var held = 0
    for round in 0..<25 {
      // What pools keep for the next one is there after a few.
      if round == 5 { before = ProcessMemory.residentBytes }
      for signature in kept {
        let accumulator = signature.makeAccumulator()
        try accumulator.grow(to: 60_000)
        try update(accumulator, signature, (0..<4000).map { UInt32($0 % 100) }, &generator)
        if round >= 5 { held += accumulator.byteCount }
      }
    }
    let grown = ProcessMemory.residentBytes - before
    #expect(held > 600_000_000)
    #expect(grown < held / 3, "\(grown) of \(held) bytes are still there")
  }

  @Test("memory that is not to be had is a failure, not a crash")
  func exhausted() {
    for signature in Self.signatures {
      let failure = #expect(throws: Failure.self) { try signature.makeAccumulator().grow(to: 1 << 58) }
      #expect(failure?.kind == .memory, "\(signature)")
      #expect(failure?.message.contains("out of memory") == true, "\(signature)")
    }
    var states = SlotStates<Int64>(initial: 0)
    #expect(throws: Failure.self) { try states.grow(to: .max) }
    #expect(states.count == 0)
    states.deallocate()
  }

  @Test("damaged states of sketches are refused")
  func damaged() throws {
    for name in ["approx_count_distinct", "approx_quantile"] {
      let accumulator = try AggregateRun.accumulator(name, .int64)
      try accumulator.grow(to: 1)
      for bytes: [UInt8] in [[], [7], [1, 14, 9, 9], [UInt8](repeating: 255, count: 100)] {
        let state = Column.of(.binary, [.binary(bytes, .binary)])
        let failure = #expect(throws: Failure.self) { try accumulator.merge([0], count: 1, states: [state]) }
        #expect(failure?.kind == .data)
        #expect(failure?.message.contains("damaged") == true)
      }
    }
  }

  @Test("decimals add up through more than 128 bits, and a sum of more than 38 digits is refused")
  func decimals() throws {
    let type = DataType.decimal128(precision: 38, scale: 0)
    let most: Int128 = 99_999_999_999_999_999_999_999_999_999_999_999_999
    func partial(_ values: [Int128]) throws -> [Column] {
      let accumulator = try AggregateRun.accumulator("sum", type)
      try accumulator.grow(to: 1)
      let column = Column.of(type, values.map { .integer($0, type) })
      try accumulator.update(
        values.map { _ in 0 }, count: values.count, AggregateInput(argument: column, count: values.count))
      return try accumulator.states([0], count: 1)
    }
    let merged = try AggregateRun.accumulator("sum", type)
    try merged.grow(to: 1)
    try merged.merge([0], count: 1, states: try partial([most, most, most, most, most]))
    let failure = #expect(throws: Failure.self) { _ = try results(merged, 1) }
    #expect(failure?.message.contains("more than 38 digits") == true)
    try merged.merge([0], count: 1, states: try partial([-most, -most, -most, -most, 17]))
    let refused = #expect(throws: Failure.self) { _ = try results(merged, 1) }
    #expect(refused != nil)
    try merged.merge([0], count: 1, states: try partial([-18]))
    #expect(try results(merged, 1) == [.integer(most - 1, type)])
  }

  @Test("a variance far from 0 is not lost in cancellation, and one of infinities, or of values too far apart, is NaN")
  func variance() throws {
    func variance(_ values: [Double]) throws -> Literal? {
      let accumulator = try AggregateRun.accumulator("var_samp", .float64)
      try accumulator.grow(to: 1)
      let column = Column.of(.float64, values.map { .float64($0) })
      try accumulator.update(
        values.map { _ in 0 }, count: values.count, AggregateInput(argument: column, count: values.count))
      return try results(accumulator, 1)[0]
    }
    #expect(try variance([4, 7, 13, 16].map { $0 + 1e9 }) == .float64(30))
    #expect(try variance([5]) == nil)
    #expect(try variance([5, 5, 5]) == .float64(0))
    let beyond: [[Double]] = [[1e308, -1e308], [1e308, -1e308, 0], [0, 1e308, 1e308, -1e308], [1e200, -1e200]]
    for values in [[.infinity, 1], [.nan, 1, 2]] + beyond {
      #expect(try same(variance(values), .float64(.nan)), "\(values)")
    }
  }

  @Test("of equal orders first, arg_min and arg_max take the first row, and last the last")
  func ties() throws {
    let by = Column.of(.int64, ints(3, 3, 3, 3))
    let values = Column.of(.utf8, ["a", "b", "c", "d"].map { .utf8($0) })
    for (function, wanted) in [("first", "a"), ("arg_min", "a"), ("arg_max", "a"), ("last", "d")] {
      let accumulator = try AggregateRun.accumulator(function, .utf8, by: .int64)
      try accumulator.grow(to: 1)
      for row in 0..<4 {
        try accumulator.update(
          [0], count: 1, AggregateInput(argument: values.slice(row..<row + 1), by: by.slice(row..<row + 1), count: 1))
      }
      #expect(try results(accumulator, 1) == [.utf8(wanted)], "\(function)")
    }
  }

  @Test("values that are chosen again and again leave no garbage behind that matters", arguments: ["last", "max"])
  func garbage(_ function: String) throws {
    let accumulator = try AggregateRun.accumulator(function, .utf8)
    try accumulator.grow(to: 100)
    let slots = (0..<100).map { UInt32($0) }
    for round in 0..<2000 {
      let texts = slots.map { Literal.utf8("\(round + 1000) of \($0), long enough to count") }
      let input = AggregateInput(argument: Column.of(.utf8, texts), count: 100)
      if round.isMultiple(of: 2) {
        try accumulator.update(slots, count: 100, input)
      } else {
        #expect(try accumulator.updateRunning(slots, count: 100, input).rows == texts)
      }
      #expect(accumulator.byteCount < 400_000)
    }
  }

  @Test("approximate counts and quantiles of many values are near the exact ones, whole and merged")
  func approximate() throws {
    var generator = SeededGenerator()
    let count = 60_000
    let values = (0..<count).map { _ in Int64.random(in: 0..<30_000, using: &generator) }
    let distinct = Double(Set(values).count)
    let run = AggregateRun(
      signature: try AggregateSignature("approx_count_distinct", argument: .int64), slots: values.map { _ in 0 },
      argument: Column.of(.int64, values.map { .int64($0) }), groups: 1)
    let whole = try run.direct(&generator).rows
    let estimate = try #require(whole[0]?.int64)
    #expect(abs(Double(estimate) / distinct - 1) < 0.04, "\(generator)")
    #expect(try run.merged(&generator).rows == whole)
    let sorted = values.sorted()
    for fraction in [0, 0.01, 0.25, 0.5, 0.99, 1] {
      var quantile = run
      quantile.signature = try AggregateSignature("approx_quantile", argument: .int64, fraction: fraction)
      for result in [try quantile.direct(&generator), try quantile.merged(&generator)] {
        let value = try #require(result.rows[0]?.int64)
        let rank = Double(sorted.firstIndex { $0 >= value } ?? 0) / Double(count)
        #expect(abs(rank - fraction) < 0.03, "\(generator): \(fraction)")
      }
    }
  }

  @Test("what a function does not take is refused with what it does")
  func refusals() {
    func refusal(_ name: String, _ type: DataType?, by: DataType? = nil, _ fraction: Double? = nil) -> String? {
      message { _ = try AggregateSignature(name, argument: type, by: by, fraction: fraction) }
    }
    #expect(refusal("sum", .utf8) == "sum: the argument is utf8, and sum takes numbers and durations; cast it first")
    #expect(refusal("bool_and", .int64)?.contains("takes bool") == true)
    #expect(refusal("min", .list(of: .int32))?.contains("can be ordered") == true)
    #expect(refusal("max", .interval(.dayTime))?.contains("can be ordered") == true)
    #expect(refusal("count_distinct", .struct([Field("a", .bool)]))?.contains("no lists, structs or maps") == true)
    #expect(refusal("approx_quantile", .utf8, 0.5)?.contains("at most 64 bits") == true)
    #expect(refusal("approx_quantile", .int64)?.contains("takes a fraction") == true)
    #expect(refusal("approx_quantile", .int64, 1.5)?.contains("must be 0...1") == true)
    #expect(refusal("approx_quantile", .int64, .nan)?.contains("must be 0...1") == true)
    #expect(refusal("sum", .int64, 0.5)?.contains("takes no fraction") == true)
    #expect(refusal("arg_min", .int64)?.contains("a value to order the rows by") == true)
    #expect(refusal("arg_max", .int64, by: .list(of: .int8))?.contains("cannot be ordered by list") == true)
    #expect(refusal("sum", .int64, by: .int64)?.contains("leave 'by' out") == true)
    #expect(refusal("avg", nil)?.contains("only count may go without") == true)
    #expect(refusal("medain", .int64)?.contains("there is no aggregate 'medain'") == true)
    let schema = Schema([Field("a", .int64)])
    let call = Plan.AggregateCall(function: "sum", argument: .column("a"), name: "s", filter: .column("a"))
    #expect(
      message { _ = try call.signature(in: schema) }
        == "the filter of sum is int64 and must be bool; compare it with something")
  }
}

extension Literal {
  fileprivate var int64: Int64? { if case .int64(let value) = self { value } else { nil } }
}
