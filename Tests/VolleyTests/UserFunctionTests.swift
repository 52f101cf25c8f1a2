import CVolley
import TestSupport
import Testing
import Volley
import VolleyPlan

@Suite("User functions")
struct UserFunctionTests {
  private let host = MiniHost()

  /// Registers functions by using them, and calls one of them.
  private func call(
    _ name: String, _ arguments: [MiniHost.Cells], _ types: [DataType], result: DataType, padding: Int = 0,
    parentOffset: Int = 0, in built: Built
  ) throws -> MiniHost.Cells {
    let instance = try built.create(
      host, kind: VOLLEY_KIND_SCALAR_FUNCTION, function: "udf:\(name)",
      inputs: [types.enumerated().map { Field("\($0.offset)", $0.element) }], outputs: [[Field("result", result)]])
    try instance.open()
    var batch = ArrowArray()
    let isAlive = ArrayMemory.make(arguments, padding: padding, parentOffset: parentOffset, into: &batch)
    var array = ArrowArray()
    defer {
      #expect(batch.release == nil)
      #expect(!isAlive())
    }
    try MiniHost.check { instance.scalar.call(instance.pointer, &batch, &array, $0) }
    try instance.close()
    defer { array.release(&array) }
    #expect(array.offset == 0)
    #expect(Int(bitPattern: array.buffers[1]!) % 64 == 0)
    let cells = MiniHost.cells(array, result)
    #expect(array.null_count == cells.nullCount)
    return cells
  }

  private func built(_ expressions: [ColumnExpression]) throws -> Built {
    try Built.of { env in
      var stream = env.example()
      for (index, expression) in expressions.enumerated() { stream = stream.withColumn("r\(index)", expression) }
      stream.toSink(.blackhole, uid: "out")
    }
  }

  @Test("take and give every type")
  func types() throws {
    let a = col("a")
    let built = try built([
      udf("bool") { (x: Bool) -> Bool in !x }(a), udf("int32") { (x: Int32) -> Int32 in x &+ 1 }(a),
      udf("int64") { (x: Int64) -> Int64 in -x }(a), udf("int") { (x: Int) -> Int in x * 2 }(a),
      udf("double") { (x: Double) -> Double in x / 2 }(a), udf("text") { (x: String) -> String in x + x }(a),
      udf("time") { (x: Timestamp) -> Timestamp in Timestamp(microseconds: x.microseconds + 1) }(a),
    ])
    func same(_ name: String, _ input: MiniHost.Cells, _ type: DataType, _ expected: MiniHost.Cells) throws {
      for (padding, parentOffset) in [(0, 0), (3, 0), (0, 5), (9, 7)] {
        let result = try call(
          name, [input], [type], result: type, padding: padding, parentOffset: parentOffset, in: built)
        #expect(result == expected, "\(name) at \(padding), \(parentOffset)")
      }
    }
    try same("bool", .bool([true, nil, false]), .bool, .bool([false, nil, true]))
    try same("int32", .int32([1, nil, .max]), .int32, .int32([2, nil, .min]))
    try same("int64", .int64([1, nil, -3]), .int64, .int64([-1, nil, 3]))
    try same("int", .int64([1, 2]), .int64, .int64([2, 4]))
    try same("double", .double([1, nil, -3]), .float64, .double([0.5, nil, -1.5]))
    try same(
      "text", .text(["é", nil, "", "a long text, above fifteen bytes"]), .utf8,
      .text(["éé", nil, "", "a long text, above fifteen bytesa long text, above fifteen bytes"]))
    try same("time", .timestamp([5, nil]), .timestamp, .timestamp([6, nil]))
    try same("int", .int64([]), .int64, .int64([]))
    try same("text", .text([]), .utf8, .text([]))
    try same("double", .double([nil, nil]), .float64, .double([nil, nil]))
  }

  @Test("take one to six arguments")
  func arities() throws {
    let a = col("a")
    let built = try built([
      udf("one") { (a: Int) -> Int in a }(a), udf("two") { (a: Int, b: Int) -> Int in a + 10 * b }(a, a),
      udf("three") { (a: Int, b: Int, c: Int) -> Int in a + 10 * b + 100 * c }(a, a, a),
      udf("four") { (a: Int, b: Int, c: Int, d: Int) -> Int in a + 10 * b + 100 * c + 1000 * d }(a, a, a, a),
      udf("five") { (a: Int, b: Int, c: Int, d: Int, e: Int) -> Int in
        a + 10 * b + 100 * c + 1000 * d + 10_000 * e
      }(a, a, a, a, a),
      udf("six") { (a: Int, b: Int, c: Int, d: Int, e: Int, f: Int) -> Int in
        a + 10 * b + 100 * c + 1000 * d + 10_000 * e + 100_000 * f
      }(a, a, a, a, a, a),
    ])
    let columns = (1...6).map { MiniHost.Cells.int64([Int64($0), nil, Int64($0)]) }
    let names = ["one", "two", "three", "four", "five", "six"]
    for (index, name) in names.enumerated() {
      let expected = Int64(String("654321".suffix(index + 1)))!
      let result = try call(
        name, Array(columns[...index]), Array(repeating: .int64, count: index + 1), result: .int64, in: built)
      #expect(result == .int64([expected, nil, expected]), "\(name)")
    }
  }

  @Test("are not called for a null, unless the argument is optional")
  func nulls() throws {
    let built = try built([
      udf("mixed") { (a: Int?, b: Int) -> Int? in a.map { $0 > 0 ? $0 + b : nil } ?? -b }(col("a"), col("a")),
      udf("strict") { (a: Int, b: Int) -> Int in
        precondition(a != -77 && b != -77, "what stands behind a null was read")
        return a + b
      }(col("a"), col("a")),
      udf("never") { (a: Int) -> Int? in a < 0 ? nil : a }(col("a")),
      udf("named") { (a: String?) -> String in a ?? "none" }(col("c")),
    ])
    let left = MiniHost.Cells.int64([1, nil, 3, nil, -5])
    let right = MiniHost.Cells.int64([10, 20, nil, nil, 50])
    for padding in [0, 1, 8] {
      #expect(
        try call("mixed", [left, right], [.int64, .int64], result: .int64, padding: padding, in: built)
          == .int64([11, -20, nil, nil, nil]))
      #expect(
        try call("strict", [left, right], [.int64, .int64], result: .int64, padding: padding, in: built)
          == .int64([11, nil, nil, nil, 45]))
    }
    #expect(try call("never", [.int64([1, -1])], [.int64], result: .int64, in: built) == .int64([1, nil]))
    #expect(try call("never", [.int64([1, 1])], [.int64], result: .int64, in: built) == .int64([1, 1]))
    #expect(try call("named", [.text(["a", nil])], [.utf8], result: .utf8, in: built) == .text(["a", "none"]))
  }

  @Test("agree with plain Swift over random columns with nulls and offsets")
  func random() throws {
    let built = try built([
      udf("f") { (a: Int, b: Double?, c: String) -> Double? in
        guard let b else { return a % 2 == 0 ? Double(c.utf8.count) : nil }
        return b * Double(a)
      }(col("a"), col("b"), col("c")),
      udf("g") { (a: Bool, b: Int32) -> Bool in a != (b > 0) }(col("d"), col("f")),
      udf("h") { (c: String, a: Int) -> String? in a > 0 ? String(repeating: c, count: a % 4) : nil }(
        col("c"), col("a")),
    ])
    var generator = SeededGenerator()
    for _ in 0..<60 {
      let rows = Int.random(in: 0...300, using: &generator)
      let nullShare = Double.random(in: 0...1, using: &generator)
      func column<T>(_ value: (inout SeededGenerator) -> T) -> [T?] {
        (0..<rows).map { _ in
          Double.random(in: 0..<1, using: &generator) < nullShare * nullShare ? nil : value(&generator)
        }
      }
      let a = column { Int64.random(in: -10...10, using: &$0) }
      let b = column { Double.random(in: -10...10, using: &$0) }
      let c = column { String(repeating: "ü", count: Int.random(in: 0...20, using: &$0)) }
      let d = column { Bool.random(using: &$0) }
      let e = column { Int32.random(in: -5...5, using: &$0) }
      let padding = Int.random(in: 0...70, using: &generator)
      let parentOffset = Int.random(in: 0...70, using: &generator)
      let f = (0..<rows).map { row -> Double? in
        guard let x = a[row], let z = c[row] else { return nil }
        guard let y = b[row] else { return x % 2 == 0 ? Double(z.utf8.count) : nil }
        return y * Double(x)
      }
      #expect(
        try call(
          "f", [.int64(a), .double(b), .text(c)], [.int64, .float64, .utf8], result: .float64, padding: padding,
          parentOffset: parentOffset, in: built) == .double(f), "\(generator)")
      let g = (0..<rows).map { row -> Bool? in d[row].flatMap { d in e[row].map { d != ($0 > 0) } } }
      #expect(
        try call(
          "g", [.bool(d), .int32(e)], [.bool, .int32], result: .bool, padding: padding, parentOffset: parentOffset,
          in: built) == .bool(g), "\(generator)")
      let h = (0..<rows).map { row -> String? in
        guard let z = c[row], let x = a[row], x > 0 else { return nil }
        return String(repeating: z, count: Int(x) % 4)
      }
      #expect(
        try call(
          "h", [.text(c), .int64(a)], [.utf8, .int64], result: .utf8, padding: padding, parentOffset: parentOffset,
          in: built) == .text(h), "\(generator)")
    }
  }

  struct Odd: Error, CustomStringConvertible { var description: String { "odd" } }

  @Test("stop with the error that they throw, and free what they were given")
  func errors() throws {
    let built = try built([
      udf("plain") { (a: Int) throws -> Int in if a % 2 == 0 { return a } else { throw Odd() } }(col("a")),
      udf("typed") { (a: Int) throws(VolleyError) -> Int in throw VolleyError("later", domain: .external, retry: true)
      }(
        col("a")),
    ])
    #expect(throws: MiniHost.Refused(message: "odd")) {
      try call("plain", [.int64([2, 3])], [.int64], result: .int64, in: built)
    }
    #expect(
      throws: MiniHost.Refused(message: "later", domain: VOLLEY_DOMAIN_EXTERNAL, retry: VOLLEY_RETRY_LATER)
    ) { try call("typed", [.int64([2])], [.int64], result: .int64, in: built) }
  }

  @Test("refuse columns of other types than they were declared with")
  func wrongTypes() throws {
    let built = try built([udf("f") { (a: Int, b: Double) -> Int in a }(col("a"), col("b"))])
    #expect(
      throws: MiniHost.Refused(
        message: "the function takes (int64, float64) and was given (int64, int64)", domain: VOLLEY_DOMAIN_INTERNAL)
    ) { try call("f", [.int64([1]), .int64([1])], [.int64, .int64], result: .int64, in: built) }
  }

  @Test("can log and count nothing they were not asked to, but know where they run")
  func context() throws {
    let built = try built([
      udf("where") { (a: Int) -> String in
        log(.info, "called")
        return TaskContext.current?.uid ?? "nowhere"
      }(col("a"))
    ])
    #expect(try call("where", [.int64([1])], [.int64], result: .utf8, in: built) == .text(["here"]))
    #expect(host.state.log == ["1 called"])
    #expect(TaskContext.current == nil)
    log(.error, "nobody hears this")
    #expect(host.state.log.count == 1)
  }

  @Test("appear in the plan with their types")
  func plan() throws {
    let f = udf("f") { (a: Int?, b: String) -> Double in 0 }
    let plan = try Built.of { env in
      env.example().filter(f(col("a"), f(1, "x").cast(to: .utf8)) > 0).toSink(.blackhole, uid: "out")
    }.plan
    let inner = Expression.userFunction(
      .init(
        function: "udf:f", arguments: [.literal(.int64(1)), .literal(.utf8("x"))], parameterTypes: [.int64, .utf8],
        resultType: .float64, acceptsNulls: true))
    let outer = Expression.userFunction(
      .init(
        function: "udf:f", arguments: [.column("a"), .cast(inner, .utf8)], parameterTypes: [.int64, .utf8],
        resultType: .float64, acceptsNulls: true))
    #expect(
      plan.nodes[1].operator == .filter(.init(condition: .call("greater_than", [outer, .literal(.int64(0))]))))
  }
}
