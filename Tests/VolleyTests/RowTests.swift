import CVolley
import TestSupport
import Testing
import Volley
import VolleyPlan

@Suite("Rows as structs")
struct RowTests {
  private let host = MiniHost()

  struct Full: Codable, Equatable {
    var bool: Bool
    var int32: Int32
    var int64: Int64
    var int: Int
    var double: Double
    var text: String
    var time: Timestamp
    var maybeBool: Bool?
    var maybeInt32: Int32?
    var maybeInt64: Int64?
    var maybeInt: Int?
    var maybeDouble: Double?
    var maybeText: String?
    var maybeTime: Timestamp?
  }

  static let fullTypes: [DataType] = [.bool, .int32, .int64, .int64, .float64, .utf8, .timestamp]

  @Test("have a column a field, which may be null when the field is optional")
  func schema() {
    let names = ["bool", "int32", "int64", "int", "double", "text", "time"]
    let maybes = ["maybeBool", "maybeInt32", "maybeInt64", "maybeInt", "maybeDouble", "maybeText", "maybeTime"]
    #expect(
      Schema(Full.self).fields
        == zip(names, Self.fullTypes).map { Field($0, $1, nullable: false) }
        + zip(maybes, Self.fullTypes).map { Field($0, $1) })
  }

  struct Renamed: Codable, Equatable {
    var a: Int
    var b: String?
    enum CodingKeys: String, CodingKey {
      case a = "first_column"
      case b = "second"
    }
  }

  struct ByHand: Codable, Equatable {
    var sum: Int
    var half: Double?
    enum CodingKeys: CodingKey { case half, left, right }
    init(sum: Int, half: Double?) {
      self.sum = sum
      self.half = half
    }
    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      // Not in the order of declaration, and with an optional decoded as such.
      sum = try container.decode(Int.self, forKey: .right) + container.decode(Int.self, forKey: .left)
      half = try container.decode(Double?.self, forKey: .half)
    }
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(half, forKey: .half)
      try container.encode(sum, forKey: .left)
      try container.encode(0, forKey: .right)
    }
  }

  @Test("have the names and the order of their keys")
  func keys() {
    #expect(
      Schema(Renamed.self).fields == [Field("first_column", .int64, nullable: false), Field("second", .utf8)])
    #expect(
      Schema(ByHand.self).fields
        == [Field("right", .int64, nullable: false), Field("left", .int64, nullable: false), Field("half", .float64)])
  }

  /// Runs one batch through a batch function, and gives what it emitted.
  private func run(
    _ built: Built, _ function: String, inputs: [Field], _ columns: [MiniHost.Cells], padding: Int = 0
  ) throws -> [[MiniHost.Cells]] {
    guard case .batchFunction(let node) = built.plan.nodes[1].operator else { return [] }
    host.state.emitted = []
    let instance = try built.create(
      host, kind: VOLLEY_KIND_BATCH_FUNCTION, function: function, inputs: [inputs], outputs: node.outputs)
    try instance.open()
    var batch = ArrowArray()
    let isAlive = ArrayMemory.make(columns, padding: padding, into: &batch)
    defer { #expect(!isAlive()) }
    try MiniHost.check { instance.batch.process(instance.pointer, 0, &batch, $0) }
    try MiniHost.check { instance.batch.flush(instance.pointer, $0) }
    try instance.close()
    return host.state.emitted.map(\.columns)
  }

  private func map<In: RowValue, Out: RowValue>(_ body: @escaping @Sendable (In) throws -> Out) throws -> Built {
    try Built.of { $0.example().map(body).toSink(.blackhole, uid: "out") }
  }

  @Test("survive a map that gives them back, with nulls, at any offset and from columns in any order")
  func identity() throws {
    let built = try map { (row: Full) in row }
    let columns: [MiniHost.Cells] = [
      .bool([true, false, true]), .int32([.min, 0, .max]), .int64([.min, 0, .max]), .int64([1, 2, 3]),
      .double([0.5, -.infinity, 1e300]), .text(["", "é😀", "longer than fifteen bytes"]), .timestamp([-1, 0, 1]),
      .bool([nil, true, false]), .int32([nil, 1, 2]), .int64([3, nil, 4]), .int64([nil, nil, nil]),
      .double([1, 2, nil]), .text([nil, "", "x"]), .timestamp([nil, 7, nil]),
    ]
    let fields = Schema(Full.self).fields
    for padding in [0, 1, 13] {
      #expect(try run(built, "map:1", inputs: fields, columns, padding: padding) == [columns])
      let turned = Array(fields.reversed())
      #expect(try run(built, "map:1", inputs: turned, columns.reversed(), padding: padding) == [columns])
    }
    #expect(try run(built, "map:1", inputs: fields, columns.map { $0.prefix(0) }) == [])
  }

  @Test("may have coding of their own")
  func byHand() throws {
    let built = try map { (row: ByHand) in Renamed(a: row.sum, b: row.half.map { "\($0)" }) }
    let result = try run(
      built, "map:1", inputs: Schema(ByHand.self).fields, [.int64([1, 2]), .int64([10, 20]), .double([0.5, nil])])
    #expect(result == [[.int64([11, 22]), .text(["0.5", nil])]])
    let back = try map { (row: Renamed) in ByHand(sum: row.a, half: nil) }
    let again = try run(back, "map:1", inputs: Schema(Renamed.self).fields, [.int64([5]), .text([nil])])
    #expect(again == [[.int64([0]), .int64([5]), .double([nil])]])
  }

  struct One: Codable, Equatable { var a: Int }
  struct Two: Codable {
    var a: Int?
    var b: String
  }

  @Test("become any number of rows by flatMap")
  func flatMap() throws {
    let built = try Built.of {
      $0.example().flatMap { (row: One) in
        (0..<row.a).map { Two(a: $0 % 2 == 0 ? nil : $0, b: String(repeating: "x", count: $0)) }
      }.toSink(.blackhole, uid: "out")
    }
    #expect(built.plan.nodes[1].operator.label == "flatMap")
    let fields = Schema(One.self).fields
    #expect(
      try run(built, "flatMap:1", inputs: fields, [.int64([0, 3, 1])])
        == [[.int64([nil, 1, nil, nil]), .text(["", "x", "xx", ""])]])
    #expect(try run(built, "flatMap:1", inputs: fields, [.int64([0, 0])]) == [])
  }

  @Test("come from flatMap in batches with a bound")
  func manyRows() throws {
    let built = try Built.of {
      $0.example().flatMap { (row: One) in (0..<row.a).lazy.map { One(a: $0) } }.toSink(.blackhole, uid: "out")
    }
    let batches = try run(built, "flatMap:1", inputs: Schema(One.self).fields, [.int64([100_000, 50_000])])
    let rows = batches.flatMap { batch -> [Int64?] in
      if case .int64(let values) = batch[0] { return values }
      return []
    }
    #expect(rows == (0..<100_000).map { $0 } + (0..<50_000).map { $0 })
    #expect(batches.count > 1)
  }

  @Test("stop at a null in a field that is not optional, at a missing column and at one of another type")
  func refused() throws {
    let built = try map { (row: One) in row }
    #expect(
      throws: MiniHost.Refused(
        message: "column 'a' is null in a row, and field 'a' of One is not optional: make it optional")
    ) { try run(built, "map:1", inputs: [Field("a", .int64)], [.int64([1, nil])]) }
    #expect(
      throws: MiniHost.Refused(message: "One has the field 'a', which is no column: the columns are b")
    ) { try run(built, "map:1", inputs: [Field("b", .int64)], [.int64([1])]) }
    #expect(throws: MiniHost.Refused(message: "column 'a' is utf8 and the field of One is int64")) {
      try run(built, "map:1", inputs: [Field("a", .utf8)], [.text(["1"])])
    }
    let throwing = try map { (row: One) throws -> One in throw VolleyError("row \(row.a)") }
    #expect(throws: MiniHost.Refused(message: "row 7")) {
      try run(throwing, "map:1", inputs: [Field("a", .int64)], [.int64([7])])
    }
  }

  @Test("agree with a plain loop over random batches")
  func random() throws {
    let built = try map { (row: Two) in Two(a: row.a.map { $0 * 2 }, b: row.b + "!") }
    let fields = [Field("b", .utf8), Field("unused", .bool), Field("a", .int64)]
    var generator = SeededGenerator()
    for _ in 0..<40 {
      let rows = Int.random(in: 1...2000, using: &generator)
      let a = (0..<rows).map { _ in
        Bool.random(using: &generator) ? nil : Int64.random(in: -1000...1000, using: &generator)
      }
      let b = (0..<rows).map { _ in String(repeating: "ä", count: Int.random(in: 0...12, using: &generator)) }
      let result = try run(
        built, "map:1", inputs: fields, [.text(b), .bool(a.map { $0 == nil }), .int64(a)],
        padding: Int.random(in: 0...65, using: &generator))
      #expect(result == [[.int64(a.map { $0.map { $0 * 2 } }), .text(b.map { $0 + "!" })]], "\(generator)")
    }
  }
}

extension Plan.Operator {
  fileprivate var label: String? {
    if case .batchFunction(let function) = self { return function.label }
    return nil
  }
}

extension MiniHost.Cells {
  func prefix(_ count: Int) -> MiniHost.Cells {
    switch self {
    case .bool(let values): .bool(Array(values.prefix(count)))
    case .int32(let values): .int32(Array(values.prefix(count)))
    case .int64(let values): .int64(Array(values.prefix(count)))
    case .double(let values): .double(Array(values.prefix(count)))
    case .text(let values): .text(Array(values.prefix(count)))
    case .timestamp(let values): .timestamp(Array(values.prefix(count)))
    case .raw(let type, let values): .raw(type, Array(values.prefix(count)))
    }
  }
}
