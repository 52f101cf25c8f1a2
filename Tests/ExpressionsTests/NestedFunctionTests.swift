import Arrow
import ArrowTestSupport
import Base
import Expressions
import TestSupport
import Testing
import VolleyPlan

/// The peer is pyarrow in this process; where it means something else, the test says so.
@Suite("Functions of nested types and sets")
struct NestedFunctionTests {
  private func evaluate(_ expression: Expression, _ columns: [Column]) throws -> Column {
    let batch = RecordBatch.of(columns)
    let bound = try BoundExpression(expression, schema: batch.schema, functions: NoScalarFunctions())
    return try bound.evaluate(batch)
  }

  private func random(_ type: DataType, _ count: Int, _ generator: inout SeededGenerator) -> Column {
    RandomColumns.column(type, RandomColumns.values(type, count, nulls: 5, &generator), offset: 3)
  }

  @Test("struct_field is pyarrow's, and null where the struct is")
  func structField() throws {
    var generator = SeededGenerator()
    let type = DataType.struct([Field("a", .int64), Field("b", .utf8), Field("c", .list(of: .int32))])
    let column = random(type, 1000, &generator)
    for name in ["a", "b", "c"] {
      let ours = try evaluate(.call("struct_field", [.column("a"), .literal(.utf8(name))]), [column])
      let theirs = try PyArrow.columns([column], "return [pc.struct_field(a, '\(name)')]")[0]
      #expect(ours == theirs, "\(name) \(generator)")
    }
    let error = #expect(throws: Failure.self) {
      try evaluate(.call("struct_field", [.column("a"), .literal(.utf8("aa"))]), [column])
    }
    #expect(error?.message.contains("the struct has no field 'aa'; it has 'a', 'b', 'c'") == true)
  }

  @Test("fields of structs in structs are null where a struct around them is, in all rows and in chosen ones")
  func fieldsOfChosenRows() throws {
    var generator = SeededGenerator()
    let inner = DataType.struct([Field("x", .int64, nullable: false), Field("y", .utf8), Field("z", .bool)])
    let type = DataType.struct([Field("a", inner), Field("b", .utf8, nullable: false), Field("n", .null)])
    func field(_ of: Expression, _ name: String) -> Expression { .call("struct_field", [of, .literal(.utf8(name))]) }
    let outer = [("a", 0), ("b", 1), ("n", 2)]
    let nested = [("x", 0), ("y", 1), ("z", 2)]
    for count in [1, 7, 64, 500] {
      let values = RandomColumns.values(type, count, nulls: 5, &generator)
      let column = RandomColumns.column(type, values, offset: count % 9)
      let chosen = (0..<count).filter { _ in Bool.random(using: &generator) }
      func item(_ value: Literal, _ place: Int, _ type: DataType) -> Literal {
        guard case .nested(let items, _) = value else { return .null(type) }
        return items[place]
      }
      var expressions: [Expression] = []
      var expected: [[Literal]] = []
      for (name, place) in outer {
        expressions.append(field(.column("a"), name))
        expected.append(values.map { item($0, place, type.childFields[place].type) })
      }
      for (name, place) in nested {
        expressions.append(field(field(.column("a"), "a"), name))
        expected.append(expected[0].map { item($0, place, inner.childFields[place].type) })
      }
      var batch = RecordBatch.of([column])
      let bound = try BoundProjection(expressions, schema: batch.schema, functions: NoScalarFunctions())
      #expect(try bound.evaluate(batch).map(\.literals) == expected, "\(count) rows \(generator)")
      batch.selection = Selection(chosen)
      let found = try bound.evaluate(batch).map(\.literals)
      #expect(found == expected.map { values in chosen.map { values[$0] } }, "\(chosen.count) of \(count) \(generator)")
    }
  }

  @Test(
    "list_element counts from both ends and gives null outside; list_length is pyarrow's",
    arguments: [
      DataType.list(of: .int32), .list(of: .utf8), .largeList(Field("item", .float64)),
      .fixedSizeList(Field("item", .int16), size: 3), .list(of: .list(of: .int8)),
    ])
  func lists(type: DataType) throws {
    var generator = SeededGenerator()
    let column = random(type, 1000, &generator)
    for index in [Int64(0), 1, 3, -1, -2, .min, .max] {
      let ours = try evaluate(.call("list_element", [.column("a"), .literal(.int64(index))]), [column])
      for row in 0..<column.length {
        guard column.isValid(row) else {
          #expect(!ours.isValid(row))
          continue
        }
        guard case .nested(let items, _) = column.literal(at: row) else { continue }
        let place = index < 0 ? index &+ Int64(items.count) : index
        let expected = place >= 0 && place < Int64(items.count) ? items[Int(place)] : .null(ours.type)
        #expect(ours.literal(at: row) == expected, "row \(row) index \(index) \(generator)")
      }
    }
    let lengths = try evaluate(.call("list_length", [.column("a")]), [column])
    #expect(
      lengths == (try PyArrow.columns([column], "return [pc.list_value_length(a).cast('int64')]")[0]), "\(generator)")
  }

  @Test("list_contains and map_lookup find what pyarrow finds")
  func lookups() throws {
    var generator = SeededGenerator()
    let small = (0..<1000).map { _ -> Literal in
      if Int.random(in: 0..<6, using: &generator) == 0 { return .null(.list(of: .int32)) }
      return .nested(
        (0..<Int.random(in: 0...4, using: &generator)).map { _ in
          Int.random(in: 0..<5, using: &generator) == 0 ? .null(.int32) : .int32(.random(in: 0...3, using: &generator))
        }, .list(of: .int32))
    }
    let lists = RandomColumns.column(.list(of: .int32), small, offset: 2)
    let contains = try evaluate(.call("list_contains", [.column("a"), .literal(.int64(2))]), [lists])
    let expected = try PyArrow.columns(
      [lists], "return [pa.array([None if v is None else 2 in v for v in a.to_pylist()], pa.bool_())]")[0]
    #expect(contains == expected, "\(generator)")

    let mapType = DataType.map(.utf8, to: .int32)
    let maps = RandomColumns.column(
      mapType,
      (0..<1000).map { _ -> Literal in
        if Int.random(in: 0..<6, using: &generator) == 0 { return .null(mapType) }
        let keys = ["x", "y", "z"].filter { _ in Bool.random(using: &generator) }
        return .nested(
          keys.map { key in
            let value: Literal =
              Int.random(in: 0..<4, using: &generator) == 0
              ? .null(.int32) : .int32(.random(in: 0...9, using: &generator))
            return .nested([.utf8(key), value], mapType.childFields[0].type)
          }, mapType)
      }, offset: 2)
    for key in ["x", "z", "none"] {
      let ours = try evaluate(.call("map_lookup", [.column("a"), .literal(.utf8(key))]), [maps])
      let theirs = try PyArrow.columns([maps], "return [pc.map_lookup(a, '\(key)', 'first')]")[0]
      #expect(ours == theirs, "\(key) \(generator)")
    }
  }

  @Test(
    "items and keys of every type that is compared are found",
    arguments: [
      DataType.float16, .float32, .uint8, .utf8, .largeUtf8, .utf8View, .binary, .largeBinary, .binaryView,
      .fixedSizeBinary(3), .bool, .date32, .decimal128(precision: 38, scale: 4), .timestamp(.second, timezone: "UTC"),
      .dictionary(of: .utf8),
    ])
  func everyItem(type: DataType) throws {
    var generator = SeededGenerator()
    let pool = (0..<4).map { _ in RandomColumns.value(type, &generator) }
    let (listType, mapType) = (DataType.list(of: type), DataType.map(type, to: .int32))
    let rows = (0..<200).map { _ in
      (0..<Int.random(in: 0...3, using: &generator)).map { _ in pool.randomElement(using: &generator)! }
    }
    let lists = RandomColumns.column(listType, rows.map { .nested($0, listType) }, offset: 2)
    let maps = RandomColumns.column(
      mapType,
      rows.map { keys in
        .nested(
          keys.prefix(1).map { .nested([$0, .int32(7)], mapType.childFields[0].type) }, mapType)
      }, offset: 2)
    // Texts and bytes are constants of the plain types.
    let plain: Literal =
      switch pool[0] {
      case .string(let text, _): .utf8(text)
      case .binary(let bytes, _): .binary(bytes, .binary)
      default: pool[0]
      }
    for constant in [pool[0], plain] {
      let contains = try evaluate(.call("list_contains", [.column("a"), .literal(constant)]), [lists])
      let values = try evaluate(.call("map_lookup", [.column("a"), .literal(constant)]), [maps])
      for (row, items) in rows.enumerated() {
        #expect(contains.literal(at: row) == .bool(items.contains(pool[0])), "\(generator): \(type) row \(row)")
        let value: Literal = items.first == pool[0] ? .int32(7) : .null(.int32)
        #expect(values.literal(at: row) == value, "\(generator): \(type) row \(row)")
      }
    }
  }

  @Test("items of types that are not compared are refused in words")
  func uncomparable() throws {
    let column = RandomColumns.column(.list(of: .list(of: .int32)), [])
    #expect(throws: Failure.self) {
      try evaluate(.call("list_contains", [.column("a"), .literal(.int64(1))]), [column])
    }
  }

  @Test("in is pyarrow's is_in where neither side is null, and SQL's where one is", arguments: [3, 9, 200])
  func isIn(size: Int) throws {
    var generator = SeededGenerator()
    for type in [DataType.int32, .int64, .utf8, .float64] {
      let pool = (0..<size * 2).map { _ in RandomColumns.value(type, &generator) }
      var cells = (0..<2000).map { _ -> Literal in
        Int.random(in: 0..<7, using: &generator) == 0 ? .null(type) : pool.randomElement(using: &generator)!
      }
      if type == .float64 { cells += [.float64(.nan), .float64(-0.0), .float64(0)] }
      let column = RandomColumns.column(type, cells, offset: 5)
      var constants = Array(pool.prefix(size))
      if type == .float64 { constants += [.float64(.nan), .float64(0)] }
      for withNull in [false, true] {
        let others = constants + (withNull ? [.null(type)] : [])
        let ours = try evaluate(.call("in", [.column("a")] + others.map { .literal($0) }), [column])
        let known = Set(constants)
        for row in 0..<column.length {
          let value = column.literal(at: row)
          var isThere = known.contains(value)
          if case .float64(let number) = value { isThere = number == 0 ? type == .float64 : isThere && !number.isNaN }
          let expected: Literal =
            !column.isValid(row) ? .null(.bool) : isThere ? .bool(true) : withNull ? .null(.bool) : .bool(false)
          #expect(ours.literal(at: row) == expected, "\(type) row \(row) \(value) \(generator)")
        }
      }
      guard type != .float64 else { continue }
      let ours = try evaluate(.call("in", [.column("a")] + constants.map { .literal($0) }), [column])
      let set = RandomColumns.column(type, constants)
      let padded = RandomColumns.column(
        type, (0..<column.length).map { constants[$0 % constants.count] })
      let theirs = try PyArrow.columns(
        [column, padded], "return [pc.if_else(pc.is_valid(a), pc.is_in(a, value_set=b[:\(set.length)]), None)]")[0]
      #expect(ours == theirs, "\(type) \(generator)")
    }
  }

  @Test("hash is that of the key, and never null")
  func hashes() throws {
    let column = RandomColumns.column(.utf8, [.utf8("a"), .null(.utf8)])
    let hashes = try evaluate(.call("hash", [.column("a")]), [column])
    #expect(hashes.type == .uint64 && hashes.nullCount == 0)
    // XXH3 of "a" and of "volley null", as the committed vectors have them.
    #expect(hashes.literal(at: 0) == .integer(0xE6C6_32B6_1E96_4E1F, .uint64))
    #expect(hashes.literal(at: 1) == .integer(0xAE1C_7245_9F4E_F99D, .uint64))
  }
}
