import CVolley
import TestSupport
import Testing
import Volley
import VolleyPlan

@Suite("Values of the wide types")
struct WideTypeTests {
  private let host = MiniHost()

  struct Wide: Codable, Equatable {
    var i8: Int8
    var i16: Int16
    var u8: UInt8
    var u16: UInt16
    var u32: UInt32
    var u64: UInt64
    var unsigned: UInt
    var half: Float16
    var float: Float
    var bytes: [UInt8]
    var date: CalendarDate
    var span: Duration
    var maybeI8: Int8?
    var maybeI16: Int16?
    var maybeU8: UInt8?
    var maybeU16: UInt16?
    var maybeU32: UInt32?
    var maybeU64: UInt64?
    var maybeUnsigned: UInt?
    var maybeHalf: Float16?
    var maybeFloat: Float?
    var maybeBytes: [UInt8]?
    var maybeDate: CalendarDate?
    var maybeSpan: Duration?
  }

  static let types: [DataType] = [
    .int8, .int16, .uint8, .uint16, .uint32, .uint64, .uint64, .float16, .float32, .binary, .date32,
    .duration(.microsecond),
  ]

  /// A column of each type of `types`, with nulls or without, of random values among which the extremes are.
  private func columns(_ rows: Int, nulls: Bool, _ generator: inout SeededGenerator) -> [MiniHost.Cells] {
    func cells<T: BitwiseCopyable>(_ type: DataType, _ special: [T], _ value: (UInt64) -> T) -> MiniHost.Cells {
      .values(
        type,
        (0..<rows).map { _ -> T? in
          let bits = UInt64.random(in: .min ... .max, using: &generator)
          if nulls && bits % 3 == 0 { return nil }
          return bits % 5 == 0 ? special[Int(bits >> 32) % special.count] : value(bits)
        })
    }
    return [
      cells(.int8, [Int8.min, -1, 0, .max]) { Int8(truncatingIfNeeded: $0) },
      cells(.int16, [Int16.min, -1, 0, .max]) { Int16(truncatingIfNeeded: $0) },
      cells(.uint8, [0, UInt8.max]) { UInt8(truncatingIfNeeded: $0) },
      cells(.uint16, [0, UInt16.max]) { UInt16(truncatingIfNeeded: $0) },
      cells(.uint32, [0, UInt32.max]) { UInt32(truncatingIfNeeded: $0) }, cells(.uint64, [0, UInt64.max]) { $0 },
      cells(.uint64, [0, UInt64.max]) { $0 },
      cells(.float16, [-0.0, Float16.infinity, .nan, .leastNonzeroMagnitude]) { Float16(Int8(truncatingIfNeeded: $0)) },
      cells(.float32, [-0.0, -Float.infinity, .nan, .greatestFiniteMagnitude]) { Float(Int32(truncatingIfNeeded: $0)) },
      .raw(
        .binary,
        (0..<rows).map { _ -> [UInt8]? in
          let count = Int.random(in: nulls ? -4...20 : 0...20, using: &generator)
          return count < 0 ? nil : (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
        }), cells(.date32, [Int32.min, -1, 0, .max]) { Int32(truncatingIfNeeded: $0) },
      cells(.duration(.microsecond), [Int64.min, -1, 0, .max]) { Int64(bitPattern: $0) },
    ]
  }

  @Test("have a column each in rows, which may be null when the field is optional")
  func schema() {
    let fields = Schema(Wide.self).fields
    #expect(Schema(Wide.self).fields.map(\.type) == Self.types + Self.types)
    #expect(fields.map(\.nullable) == Self.types.map { _ in false } + Self.types.map { _ in true })
    #expect(fields.map(\.name).prefix(3) == ["i8", "i16", "u8"])
  }

  @Test("survive a map and a flatMap that give their rows back, with nulls and at any offset")
  func rows() throws {
    let built = try Built.of {
      $0.example().map { (row: Wide) in row }.flatMap { (row: Wide) in [row] }.toSink(.blackhole, uid: "out")
    }
    let fields = Schema(Wide.self).fields
    var generator = SeededGenerator()
    for function in ["map:1", "flatMap:2"] {
      let instance = try built.create(
        host, kind: VOLLEY_KIND_BATCH_FUNCTION, function: function, inputs: [fields], outputs: [fields])
      try instance.open()
      for rows in [1, 2, 7, 8, 9, 64, 1025] {
        let columns =
          columns(rows, nulls: false, &generator) + columns(rows, nulls: true, &generator)
        host.state.emitted = []
        var batch = ArrowArray()
        let isAlive = ArrayMemory.make(
          columns, padding: Int.random(in: 0...17, using: &generator),
          parentOffset: Int.random(in: 0...9, using: &generator), into: &batch)
        try MiniHost.check { instance.batch.process(instance.pointer, 0, &batch, $0) }
        #expect(host.state.emitted.map(\.columns) == [columns], "\(function), \(rows) rows, \(generator)")
        #expect(!isAlive())
      }
      try instance.close()
    }
  }

  struct Few: Codable { var i8: Int8 }

  @Test("are null in the columns that a row does not have, whatever their type")
  func missing() throws {
    let fields = [Field("i8", .int8)] + Self.types.enumerated().map { Field("c\($0.offset)", $0.element) }
    let built = try Built.of { env in
      env.example().batchFunction("f", output: Schema(fields)) { batch, output in
        let builder = output.builder()
        for row in try batch.rows(as: Few.self) { try builder.append(row) }
        try output.emit(builder)
      }.toSink(.blackhole, uid: "out")
    }
    let instance = try built.create(
      host, kind: VOLLEY_KIND_BATCH_FUNCTION, function: "f:1", inputs: [[Field("i8", .int8)]], outputs: [fields])
    var batch = ArrowArray()
    ArrayMemory.make([.values(.int8, [1, 2] as [Int8?])], into: &batch)
    try MiniHost.check { instance.batch.process(instance.pointer, 0, &batch, $0) }
    #expect(
      host.state.emitted.map(\.columns)
        == [[.values(.int8, [1, 2] as [Int8?])] + Self.types.map { .raw($0, [nil, nil]) }])
  }

  @Test("stand in builders and views of batch functions")
  func views() throws {
    let fields = Schema(Wide.self).fields
    let built = try Built.of { env in
      env.example().batchFunction("f", output: Schema(fields)) { batch, output in
        let builder = output.builder()
        func copy<Value: ColumnValue>(_ name: String, _: Value.Type) throws {
          let view = try batch.column(name, as: Value.self)
          var column = try builder.column(name, as: Value.self)
          for row in 0..<view.count { column.append(view[row]) }
        }
        for prefix in ["", "maybe"] {
          func name(_ name: String) -> String {
            prefix.isEmpty ? name : prefix + name.prefix(1).uppercased() + name.dropFirst()
          }
          try copy(name("i8"), Int8.self)
          try copy(name("i16"), Int16.self)
          try copy(name("u8"), UInt8.self)
          try copy(name("u16"), UInt16.self)
          try copy(name("u32"), UInt32.self)
          try copy(name("u64"), UInt64.self)
          try copy(name("unsigned"), UInt.self)
          try copy(name("half"), Float16.self)
          try copy(name("float"), Float.self)
          try copy(name("bytes"), [UInt8].self)
          try copy(name("date"), CalendarDate.self)
          try copy(name("span"), Duration.self)
        }
        try output.emit(builder)
      }.toSink(.blackhole, uid: "out")
    }
    let instance = try built.create(
      host, kind: VOLLEY_KIND_BATCH_FUNCTION, function: "f:1", inputs: [fields], outputs: [fields])
    var generator = SeededGenerator()
    for rows in [1, 3, 1500, 3000] {
      let columns = columns(rows, nulls: false, &generator) + columns(rows, nulls: true, &generator)
      host.state.emitted = []
      var batch = ArrowArray()
      ArrayMemory.make(columns, padding: 3, into: &batch)
      try MiniHost.check { instance.batch.process(instance.pointer, 0, &batch, $0) }
      #expect(host.state.emitted.map(\.columns) == [columns], "\(rows) rows, \(generator)")
    }
  }

  @Test("are taken and given by functions, optional or not")
  func functions() throws {
    func same<Value: ColumnValue & SendableMetatype>(_: Value.Type, _ column: Int) throws {
      let built = try Built.of { env in
        env.example()
          .withColumn("x", udf("plain") { (value: Value) -> Value in value }(col("a")))
          .withColumn("y", udf("optional") { (value: Value?) -> Value? in value }(col("a")))
          .toSink(.blackhole, uid: "out")
      }
      var generator = SeededGenerator()
      for function in ["plain", "optional"] {
        let instance = try built.create(
          host, kind: VOLLEY_KIND_SCALAR_FUNCTION, function: "udf:\(function)",
          inputs: [[Field("a", Self.types[column])]], outputs: [[Field("r", Self.types[column])]])
        for nulls in [false, true] {
          let cells = columns(200, nulls: nulls, &generator)[column]
          var batch = ArrowArray()
          ArrayMemory.make([cells], padding: 5, parentOffset: 2, into: &batch)
          var result = ArrowArray()
          try MiniHost.check { instance.scalar.call(instance.pointer, &batch, &result, $0) }
          #expect(MiniHost.cells(result, Self.types[column]) == cells, "\(function) of \(Value.self), \(generator)")
          result.release(&result)
        }
      }
    }
    try same(Int8.self, 0)
    try same(Int16.self, 1)
    try same(UInt8.self, 2)
    try same(UInt16.self, 3)
    try same(UInt32.self, 4)
    try same(UInt64.self, 5)
    try same(UInt.self, 6)
    try same(Float16.self, 7)
    try same(Float.self, 8)
    try same([UInt8].self, 9)
    try same(CalendarDate.self, 10)
    try same(Duration.self, 11)
  }

  struct Span: Codable { var span: Duration }

  @Test("stop the job at a duration that a column does not hold, and drop what is finer than a microsecond")
  func durations() throws {
    let fields = Schema(Span.self).fields
    let built = try Built.of {
      $0.example().map { (row: Span) in Span(span: row.span * 1000) }
        .withColumn("r", udf("nanos") { (span: Duration) -> Duration in span + .nanoseconds(1999) }(col("span")))
        .withColumn("s", udf("long") { (span: Duration) -> Duration in span * 1000 }(col("span")))
        .toSink(.blackhole, uid: "out")
    }
    let refusal =
      "the duration \(Duration.microseconds(Int64.max / 10) * 1000) is longer than the 292,471 years that 64 "
      + "bits of microseconds hold"
    let map = try built.create(
      host, kind: VOLLEY_KIND_BATCH_FUNCTION, function: "map:1", inputs: [fields], outputs: [fields])
    for (microseconds, expected) in [(5, 5000), (-7, -7000), (Int64.max / 10, nil)] as [(Int64, Int64?)] {
      let cells = MiniHost.Cells.values(.duration(.microsecond), [microseconds] as [Int64?])
      var batch = ArrowArray()
      ArrayMemory.make([cells], into: &batch)
      host.state.emitted = []
      if let expected {
        try MiniHost.check { map.batch.process(map.pointer, 0, &batch, $0) }
        let made = MiniHost.Cells.values(.duration(.microsecond), [expected] as [Int64?])
        #expect(host.state.emitted.map(\.columns) == [[made]])
      } else {
        #expect(throws: MiniHost.Refused(message: refusal)) {
          try MiniHost.check { map.batch.process(map.pointer, 0, &batch, $0) }
        }
      }
    }
    func call(_ function: String, _ microseconds: Int64) throws -> MiniHost.Cells {
      let instance = try built.create(
        host, kind: VOLLEY_KIND_SCALAR_FUNCTION, function: "udf:\(function)", inputs: [fields], outputs: [fields])
      var batch = ArrowArray()
      ArrayMemory.make([.values(.duration(.microsecond), [microseconds] as [Int64?])], into: &batch)
      var result = ArrowArray()
      try MiniHost.check { instance.scalar.call(instance.pointer, &batch, &result, $0) }
      defer { result.release(&result) }
      return MiniHost.cells(result, .duration(.microsecond))
    }
    #expect(try call("nanos", 5) == .values(.duration(.microsecond), [6] as [Int64?]))
    #expect(throws: MiniHost.Refused(message: refusal)) { try call("long", Int64.max / 10) }
  }

  struct Inner: Codable { var x: Int }
  struct Nested: Codable { var inner: Inner }
  struct Listed: Codable { var items: [Int] }
  struct Wider: Codable { var number: Int128? }
  enum Color: String, Codable { case red }
  struct Chosen: Codable { var color: Color }

  @Test("are all that a field can be: another is refused by its name when the plan is made")
  func refusedFields() {
    func refusal<Row: RowValue>(_ type: Row.Type) -> String? {
      Built.refusal { $0.example().map { (row: Row) in row }.toSink(.blackhole, uid: "out") }
    }
    let rest =
      ": a field is a Bool, an integer of 8 to 64 bits, a Float16, Float, Double, String, [UInt8], CalendarDate, "
      + "Timestamp or Duration, or an optional one"
    let start = "pipeline 'example': map 1: "
    #expect(refusal(Nested.self) == start + "field 'inner' of row type Nested is a Inner" + rest)
    #expect(refusal(Listed.self) == start + "field 'items' of row type Listed is a Array<Int>" + rest)
    #expect(refusal(Chosen.self) == start + "field 'color' of row type Chosen is a Color" + rest)
    #expect(refusal(Wider.self) == start + "field 'number' of row type Wider is a Int128" + rest)
    final class Nothing: SourceReader {
      func read(into batch: BatchBuilder, maxRows: Int, timeout: Duration) -> ReadOutcome { .end }
    }
    func refusal(ofSource type: DataType) -> String? {
      Built.refusal {
        $0.fromSource(.custom(["a": .int8, "b": type]) { _ in Nothing() }, uid: "in").toSink(.blackhole, uid: "out")
      }
    }
    let inner = DataType.struct([Field("x", .list(of: .int8))])
    for (type, name) in [(DataType.list(of: .int8), "list<item: int8>"), (inner, "struct<x: list<item: int8>>")] {
      #expect(
        refusal(ofSource: type)
          == "pipeline 'example': source 'in' has the column 'b' of \(name), which is not built value by value: choose "
          + "another type for it, and cast it later")
    }
    #expect(refusal(ofSource: .struct([Field("x", .struct([Field("y", .utf8)]))])) == nil)
  }

  @Test("are constants of their column types")
  func literals() {
    #expect(Int8.min.literal == .integer(-128, .int8))
    #expect(Int16.max.literal == .integer(32767, .int16))
    #expect(UInt8.max.literal == .integer(255, .uint8))
    #expect(UInt16.max.literal == .integer(65535, .uint16))
    #expect(UInt32.max.literal == .integer(4_294_967_295, .uint32))
    #expect(UInt64.max.literal == .integer(18_446_744_073_709_551_615, .uint64))
    #expect(UInt.max.literal == .integer(18_446_744_073_709_551_615, .uint64))
    #expect(Float16(0.5).literal == .float(0.5, .float16))
    #expect(Float(0.1).literal == .float(Double(Float(0.1)), .float32))
    #expect([UInt8]([0, 255]).literal == .binary([0, 255], .binary))
    #expect(CalendarDate(daysSinceEpoch: -1).literal == .integer(-1, .date32))
    #expect((Duration.seconds(-2) + .nanoseconds(1)).literal == .integer(-1_999_999, .duration(.microsecond)))
    func type<Value: LiteralValue>(_: Value.Type, _ value: Value) { #expect(value.literal.type == Value.dataType) }
    type(Int8.self, 1)
    type(Int16.self, 1)
    type(Int32.self, 1)
    type(Int64.self, 1)
    type(Int.self, 1)
    type(UInt8.self, 1)
    type(UInt16.self, 1)
    type(UInt32.self, 1)
    type(UInt64.self, 1)
    type(UInt.self, 1)
    type(Float16.self, 1)
    type(Float.self, 1)
    type(Double.self, 1)
    type(Bool.self, true)
    type(String.self, "")
    type([UInt8].self, [])
    type(CalendarDate.self, CalendarDate(daysSinceEpoch: 1))
    type(Timestamp.self, Timestamp(microseconds: 1))
    type(Duration.self, .zero)
  }
}

@Suite("Calendar dates")
struct CalendarDateTests {
  @Test(
    "are ISO 8601",
    arguments: [
      ("1970-01-01", 0), ("1969-12-31", -1), ("2024-02-29", 19782), ("0000-03-01", -719_468), ("9999-12-31", 2_932_896),
    ])
  func text(text: String, days: Int32) {
    #expect(CalendarDate(text) == CalendarDate(daysSinceEpoch: days))
    #expect(CalendarDate(daysSinceEpoch: days).description == text)
  }

  @Test("are the days of the years that a Gregorian calendar counts one by one")
  func everyDay() {
    var (year, month, day) = (1899, 12, 31)
    for number in Int32(-25568)...50_000 {
      day += 1
      let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      if day > lengths[month - 1] { (month, day) = (month + 1, 1) }
      if month > 12 { (year, month) = (year + 1, 1) }
      let date = CalendarDate(daysSinceEpoch: number + 1)
      guard date.year == year, date.month == month, date.day == day,
        CalendarDate(year: year, month: month, day: day) == date
      else {
        Issue.record("day \(number + 1) is \(date), expected \(year)-\(month)-\(day)")
        return
      }
    }
  }

  @Test(
    "are nothing else",
    arguments: [
      "", "2024-02-30", "2023-02-29", "2024-13-01", "2024-00-01", "2024-01-00", "2024-1-01", "2024-01-01 ", "２024-01-1",
    ])
  func nothingElse(text: String) { #expect(CalendarDate(text) == nil) }

  @Test("of far years keep their sign and digits")
  func farYears() {
    #expect(CalendarDate(daysSinceEpoch: .max).description == "5881580-07-11")
    #expect(CalendarDate(daysSinceEpoch: .min).description == "-5877641-06-23")
    #expect(CalendarDate(year: 2024, month: 2, day: 30) == nil)
    #expect(CalendarDate(year: 10_000, month: 1, day: 1) == nil)
  }
}
