import Arrow
import Base
import Expressions
import TestSupport
import Testing
import VolleyPlan

struct AccumulatorTests {
  private func update(_ accumulator: any Accumulator, _ slots: [UInt32], _ column: Column?) throws {
    try accumulator.grow(to: Int(slots.max() ?? 0) + 1)
    try slots.withUnsafeBufferPointer { pointer in
      guard let start = pointer.baseAddress else { return }
      try accumulator.update(start, count: slots.count, AggregateInput(argument: column, count: slots.count))
    }
  }

  private func results(_ accumulator: any Accumulator, _ slots: [UInt32]? = nil) throws -> [Literal?] {
    let slots = slots ?? (0..<UInt32(accumulator.slotCount)).map { $0 }
    return try slots.withUnsafeBufferPointer {
      try $0.baseAddress.map { try accumulator.results($0, count: slots.count).rows } ?? []
    }
  }

  /// What the values of one slot make, by the book.
  private func expected(_ function: String, _ type: DataType, _ values: [Literal?]) throws -> Literal? {
    let present = values.compactMap { $0 }
    if function == "count" { return .int64(Int64(present.count)) }
    guard let first = present.first else { return nil }
    func number(_ literal: Literal) -> Int128 {
      switch literal {
      case .int32(let value): Int128(value)
      case .int64(let value): Int128(value)
      default: 0
      }
    }
    func float(_ literal: Literal) -> Double { if case .float64(let value) = literal { value } else { .nan } }
    switch (function, type) {
    case ("sum", .float64): return .float64(present.reduce(0) { $0 + float($1) })
    case ("avg", .float64): return .float64(present.reduce(0) { $0 + float($1) } / Double(present.count))
    case ("sum", _): return .int64(Int64(present.reduce(0) { $0 + number($1) }))
    case ("avg", _): return .float64(Double(present.reduce(0) { $0 + number($1) }) / Double(present.count))
    default:
      let comparison = function == "min" ? "less_than" : "greater_than"
      return try present.dropFirst().reduce(first) { kept, value in
        if type == .float64, float(kept).isNaN { return value }
        return try Reference.strict(comparison, [value, kept]) == .bool(true) ? value : kept
      }
    }
  }

  static let combinations: [(String, DataType)] =
    [
      ("count", .utf8), ("count", .float64), ("sum", .int32), ("sum", .int64), ("sum", .float64), ("avg", .int32),
      ("avg", .int64), ("avg", .float64),
    ] + ["min", "max"].flatMap { function in SmallCases.types.map { (function, $0) } }

  @Test("every function and type over random groups, whole and in parts that are merged", arguments: combinations)
  func agree(_ function: String, _ type: DataType) throws {
    var generator = SeededGenerator()
    for _ in 0..<40 {
      let groups = Int.random(in: 1...60, using: &generator)
      let direct = try AggregateRun.accumulator(function, type)
      let merged = try AggregateRun.accumulator(function, type)
      #expect(direct.resultType == merged.resultType)
      var byGroup = [[Literal?]](repeating: [], count: groups)
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        let rows = Int.random(in: 0...300, using: &generator)
        let slots = (0..<rows).map { _ in UInt32.random(in: 0..<UInt32(groups), using: &generator) }
        let nullEvery = Int.random(in: 1...9, using: &generator)
        let values = (0..<rows).map { _ in
          Int.random(in: 0..<nullEvery, using: &generator) == 1 ? nil : value(type, function, &generator)
        }
        for (slot, value) in zip(slots, values) { byGroup[Int(slot)].append(value) }
        let column = Column.of(type, values, junk: Int.random(in: 0...70, using: &generator))
        try update(direct, slots, column)

        // The same rows as a partial aggregate under slots of its own, in another order.
        let partial = try AggregateRun.accumulator(function, type)
        var order: [UInt32] = []
        let own = slots.map { slot -> UInt32 in
          if let known = order.firstIndex(of: slot) { return UInt32(known) }
          order.append(slot)
          return UInt32(order.count - 1)
        }
        try update(partial, own, column)
        let indices = Array((0..<UInt32(order.count)).reversed())
        guard !indices.isEmpty else { continue }
        let states = try indices.withUnsafeBufferPointer { try partial.states($0.baseAddress!, count: indices.count) }
        #expect(states.map(\.type) == partial.stateTypes)
        try merged.grow(to: Int(order.max()!) + 1)
        let targets = indices.map { order[Int($0)] }
        try targets.withUnsafeBufferPointer { try merged.merge($0.baseAddress!, count: targets.count, states: states) }
      }
      let wanted = try byGroup.map { try expected(function, type, $0) }
      try direct.grow(to: groups)
      try merged.grow(to: groups)
      #expect(direct.slotCount == groups)
      let found = try results(direct)
      #expect(same(found, wanted), "\(generator): \(function) \(type): \(found) for \(wanted)")
      // Float sums are added in another order when merged; these values are exact in any.
      #expect(try same(results(merged), wanted), "\(generator): merged \(function) \(type)")
      let some = (0..<UInt32(groups)).shuffled(using: &generator) + [0, 0]
      #expect(try same(results(direct, some), some.map { wanted[Int($0)] }), "\(generator)")
      direct.removeAll()
      #expect(direct.slotCount == 0)
      try direct.grow(to: 2)
      #expect(try results(direct) == (function == "count" ? ints(0, 0) : [nil, nil]))
    }
  }

  @Test("give the result after each row, as row by row", arguments: combinations)
  func running(_ function: String, _ type: DataType) throws {
    var generator = SeededGenerator()
    for _ in 0..<30 {
      // One group takes all rows, or there are so many that their states leave the caches.
      let groups = [1, 2, 50, 70_000].randomElement(using: &generator)!
      let whole = try AggregateRun.accumulator(function, type)
      let single = try AggregateRun.accumulator(function, type)
      for _ in 0..<3 {
        let rows = Int.random(in: 0...200, using: &generator)
        let slots = (0..<rows).map { _ in UInt32.random(in: 0..<UInt32(groups), using: &generator) }
        let nullEvery = Int.random(in: 1...3, using: &generator)
        let values = (0..<rows).map { _ in
          Int.random(in: 0..<nullEvery, using: &generator) == 1 ? nil : value(type, function, &generator)
        }
        let column = Column.of(type, values, junk: Int.random(in: 0...70, using: &generator))
        try whole.grow(to: groups)
        try single.grow(to: groups)
        let found = try slots.withUnsafeBufferPointer { slots in
          try slots.baseAddress.map {
            try whole.updateRunning($0, count: rows, AggregateInput(argument: column, count: rows))
          }
        }
        var wanted: [Literal?] = []
        for (row, slot) in slots.enumerated() {
          try update(single, [slot], column.slice(row..<row + 1))
          wanted += try results(single, [slot])
        }
        #expect(same(found?.rows ?? [], wanted), "\(generator): \(function) \(type)")
        #expect(found?.type ?? whole.resultType == whole.resultType)
      }
      let some = (0..<UInt32(min(groups, 50))).map { $0 }
      #expect(try same(results(whole, some), results(single, some)), "\(generator): \(function) \(type)")
    }
  }

  @Test("a running count of rows needs no argument, and a running sum that overflows is refused with its values")
  func runningEnds() throws {
    let count = try AggregateRun.accumulator("count", nil)
    try count.grow(to: 2)
    let slots: [UInt32] = [0, 1, 0, 0, 1]
    #expect(
      try count.updateRunning(slots, count: 5, AggregateInput(argument: nil, count: 5)).rows == ints(1, 1, 2, 3, 2))
    let sum = try AggregateRun.accumulator("sum", .int64)
    try sum.grow(to: 2)
    let failure = #expect(throws: Failure.self) {
      let column = Column.of(.int64, ints(.max, 5, -1, 2, 4), junk: 0)
      _ = try sum.updateRunning(slots, count: 5, AggregateInput(argument: column, count: 5))
    }
    #expect(failure?.message.contains("9223372036854775806 + 2") == true, "\(failure?.message ?? "")")
  }

  private func value(_ type: DataType, _ function: String, _ generator: inout SeededGenerator) -> Literal {
    switch type {
    case .int64 where function == "sum": .int64(.random(in: -1000...1000, using: &generator))
    case .float64 where function == "sum" || function == "avg":
      .float64(Double(Int.random(in: -1000...1000, using: &generator)) / 8)
    case .float64 where Bool.random(using: &generator): .float64(.nan)
    // Which of 0.0 and -0.0 is kept depends on their order.
    case .float64: .float64(.random(in: 1...9, using: &generator))
    default: SmallCases.values(type).randomElement(using: &generator)!
    }
  }

  @Test("without values count is 0 and everything else null")
  func empty() throws {
    for (function, type) in Self.combinations {
      let accumulator = try AggregateRun.accumulator(function, type)
      try accumulator.grow(to: 3)
      let wanted: Literal? = function == "count" ? .int64(0) : nil
      #expect(try results(accumulator) == [wanted, wanted, wanted])
      try update(accumulator, [0, 1], Column.of(type, [nil, nil], junk: 1))
      #expect(try results(accumulator) == [wanted, wanted, wanted])
    }
  }

  @Test("a count without an argument counts rows")
  func rows() throws {
    let accumulator = try AggregateRun.accumulator("count", nil)
    try update(accumulator, [0, 2, 2, 0, 2], nil)
    #expect(try results(accumulator) == ints(2, 0, 3))
  }

  @Test("a sum that does not fit is refused with its value when it is read, whatever it passes through before")
  func overflow() throws {
    func sum(_ values: [Literal?], _ slots: [UInt32]? = nil) throws -> [Literal?] {
      let accumulator = try AggregateRun.accumulator("sum", .int64)
      try update(accumulator, slots ?? values.map { _ in 0 }, Column.of(.int64, values, junk: 3))
      return try results(accumulator)
    }
    let end = "does not fit int64; cast the argument to float64 or a decimal, or sum smaller values"
    #expect(message { _ = try sum(ints(.max, 1)) } == "sum: 9223372036854775808 \(end)")
    #expect(message { _ = try sum(ints(5, .min, nil, -7)) } == "sum: -9223372036854775810 \(end)")
    #expect(message { _ = try sum(ints(.max, 3, .max, -1), [0, 1, 1, 0]) } == "sum: 9223372036854775810 \(end)")
    #expect(try sum(ints(.max, 1, nil, -1), [0, 1, 0, 0]) == ints(.max - 1, 1))
    #expect(try sum(ints(.max, .min)) == ints(-1))
    #expect(try sum(ints(.max, .max, .min, .min, 7)) == ints(5))

    var hidden = Column.of(.int64, ints(.max, .max))
    hidden.validity = Column.of(.bool, bools(true, false)).buffers[0]
    let accumulator = try AggregateRun.accumulator("sum", .int64)
    try update(accumulator, [0, 0], hidden)
    #expect(try results(accumulator) == ints(.max))
  }

  @Test("a running sum that grows beyond 64 bits of signed ones leaves slots without a value null")
  func runningUnsigned() throws {
    let accumulator = try AggregateRun.accumulator("sum", .uint32)
    try accumulator.grow(to: 2)
    let state = [Column.of(.int64, [.int64(.max)]), Column.of(.int64, [.int64(0)])]
    try accumulator.merge([0], count: 1, states: state)
    let rows = Column.of(.uint32, [nil, .integer(5, .uint32), .integer(7, .uint32)])
    let running = try accumulator.updateRunning([1, 0, 1], count: 3, AggregateInput(argument: rows, count: 3))
    #expect(running.rows == [nil, .integer(Int128(Int64.max) + 5, .uint64), .integer(7, .uint64)])
  }

  @Test("parts of a sum that do not fit are merged to one that does", arguments: [DataType.int64, .uint64])
  func partialOverflow(_ type: DataType) throws {
    func literal(_ value: Int128) -> Literal { type == .int64 ? .int64(Int64(value)) : .integer(value, type) }
    let most: Int128 = type == .int64 ? Int128(Int64.max) : Int128(UInt64.max)
    let least: Int128 = type == .int64 ? Int128(Int64.min) : 0
    let merged = try AggregateRun.accumulator("sum", type)
    try merged.grow(to: 1)
    func merge(_ values: [Int128]) throws {
      let partial = try AggregateRun.accumulator("sum", type)
      try update(partial, values.map { _ in 0 }, Column.of(type, values.map { literal($0) }))
      let slots: [UInt32] = [0]
      try merged.merge(slots, count: 1, states: try partial.states(slots, count: 1))
    }
    try merge([most, most, 5])
    let refusal = message { _ = try results(merged) }
    #expect(refusal?.contains("does not fit \(type)") == true)
    if type == .int64 {
      try merge([least, least])
      #expect(try results(merged) == [literal(3)])
      try merge([most - 3])
      #expect(try results(merged) == [literal(most)])
    }
  }

  @Test("int32 is summed as int64")
  func smallIntegers() throws {
    let accumulator = try AggregateRun.accumulator("sum", .int32)
    try update(accumulator, [0, 0, 0], Column.of(.int32, [.int32(.max), .int32(.max), .int32(.min)]))
    #expect(try results(accumulator) == ints(2_147_483_646))
  }

  @Test("an average of integers is exact before it is divided")
  func exactAverage() throws {
    let accumulator = try AggregateRun.accumulator("avg", .int64)
    try update(accumulator, [0, 0, 0, 1, 1], Column.of(.int64, ints(.max, .max, 4, .min, .min)))
    #expect(try results(accumulator) == [.float64(6_148_914_691_236_516_864), .float64(-9_223_372_036_854_775_808)])
  }

  @Test("a NaN is passed over unless there is nothing else", arguments: ["min", "max"])
  func nan(_ function: String) throws {
    let accumulator = try AggregateRun.accumulator(function, .float64)
    try update(
      accumulator, [0, 0, 0, 1, 2],
      Column.of(.float64, [.float64(.nan), .float64(2), .float64(.nan), .float64(.nan), nil]))
    #expect(try same(results(accumulator), [.float64(2), .float64(.nan), nil]))
  }

  @Test("longer and longer greatest strings leave no garbage behind that matters")
  func strings() throws {
    let accumulator = try AggregateRun.accumulator("max", .utf8)
    let slots = (0..<50).map { UInt32($0) }
    for length in 1...200 {
      let texts = slots.map { slot in Literal.utf8("\(slot)" + String(repeating: "x", count: length)) }
      try update(accumulator, slots, Column.of(.utf8, texts))
      #expect(try results(accumulator) == texts)
      try update(accumulator, slots, Column.of(.utf8, slots.map { _ in .utf8("") }))
    }
    #expect(try results(accumulator, [49, 0]) == [49, 0].map { .utf8("\($0)" + String(repeating: "x", count: 200)) })
  }

  @Test("groups in many slots are DuckDB's and pyarrow's")
  func peers() throws {
    var generator = SeededGenerator()
    let count = 60_000
    let groups: UInt32 = 40_000  // So many states are fetched ahead.
    let slots = (0..<count).map { _ in UInt32.random(in: 0..<groups, using: &generator) }
    func column(_ type: DataType, _ value: (inout SeededGenerator) -> Literal) -> Column {
      let values = (0..<count).map { _ in Int.random(in: 0..<4, using: &generator) == 0 ? nil : value(&generator) }
      return .of(type, values, junk: 3)
    }
    let columns = [
      Column.of(.int64, slots.map { .int64(Int64($0)) }),
      column(.int64) { .int64(.random(in: -1_000_000_000_000...1_000_000_000_000, using: &$0)) },
      column(.float64) { .float64(Double(Int.random(in: -1_000_000...1_000_000, using: &$0)) / 16) },
      column(.utf8) { .utf8(String($0.next() % 100_000)) },
      column(.int32) { .int32(.random(in: .min ... .max, using: &$0)) },
    ]
    let cases: [(String, Int?)] = [
      ("count", nil), ("count", 1), ("sum", 1), ("avg", 1), ("min", 1), ("max", 1), ("sum", 2), ("avg", 2), ("min", 2),
      ("max", 2), ("min", 3), ("max", 3), ("sum", 4), ("avg", 4),
    ]
    let present = Array(Set(slots)).sorted()
    let queries = cases.map { function, index in
      let argument = index.map(letter) ?? "*"
      let cast = function == "sum" && index != 2 ? "cast(sum(\(argument)) as bigint)" : "\(function)(\(argument))"
      return "sql('select \(cast) from t group by a order by a')"
    }
    let grouped = ["sum", "mean", "min", "max", "count"].map {
      "t.group_by('a').aggregate([('b', '\($0)')]).sort_by('a').column('b_\($0)')"
    }
    let answers = try Peer.evaluate(queries + grouped, columns)
    let arrowCases: [(String, Int?)] = [("sum", 1), ("avg", 1), ("min", 1), ("max", 1), ("count", 1)]
    for (index, (function, argument)) in (cases + arrowCases).enumerated() {
      let accumulator = try AggregateRun.accumulator(function, argument.map { columns[$0].type })
      try update(accumulator, slots, argument.map { columns[$0] })
      let found = try results(accumulator, present)
      #expect(
        same(found, answers[index]), "\(generator): \(function) of \(argument.map(letter) ?? "rows"), case \(index)")
    }
  }
}
