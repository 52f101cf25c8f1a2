import Arrow
import ArrowTestSupport
import CVolley
import TestSupport
import Testing
import VolleyPlan

import class Volley.BatchBuilder
import struct Volley.ColumnBuilder

/// Struct columns that an author builds, taken by the room `Arrow`, the host's half of the boundary.
@Suite("Struct columns")
struct StructColumnTests {
  private static let inner: [Field] = [Field("flag", .bool), Field("label", .utf8, nullable: false)]
  private static let fields: [Field] = [
    Field("id", .int64, nullable: false), Field("name", .utf8), Field("at", .struct(inner)),
  ]
  private static let schema: [Field] = [Field("n", .int32), Field("s", .struct(fields))]

  /// What a batch function that builds batches emits, one literal a row of the column `s`, batch after batch.
  private func built(_ body: @escaping @Sendable (BatchBuilder) throws -> Void, calls: Int = 1) throws -> [[Literal]] {
    let host = MiniHost()
    let built = try Built.of { env in
      env.example().batchFunction("f", output: .init(Self.schema)) { _, output in
        let builder = output.builder()
        for _ in 0..<calls {
          try body(builder)
          try output.emit(builder)
        }
      }.toSink(.blackhole, uid: "out")
    }
    let input = Field("x", .int64)
    let instance = try built.create(
      host, kind: VOLLEY_KIND_BATCH_FUNCTION, function: "f:1", inputs: [[input]], outputs: [Self.schema])
    var batch = ArrowArray()
    RecordBatch(schema: Schema([input]), columns: [Column.constant(.int64(1), count: 1)], length: 1).export(
      into: &batch)
    var results: [[Literal]] = []
    var failure: (any Error)?
    host.state.look = { batch in
      var moved = batch.pointee
      batch.pointee.release = { $0!.pointee.release = nil }
      do {
        results.append(try RecordBatch.importing(&moved, schema: Schema(Self.schema)).columns[1].literals)
      } catch {
        failure = error
      }
    }
    defer { host.state.look = nil }
    try MiniHost.check { instance.batch.process(instance.pointer, 0, &batch, $0) }
    if let failure { throw failure }
    return results
  }

  /// What a row of the script has: nil for a null.
  private struct Row: Sendable {
    var id: Int64
    var name: String?
    var at: (flag: Bool?, label: String)?

    var literal: Literal {
      let at =
        at.map { at in
          Literal.nested([at.flag.map { .bool($0) } ?? .null(.bool), .utf8(at.label)], .struct(inner))
        } ?? .null(.struct(inner))
      return .nested([.int64(id), name.map { .utf8($0) } ?? .null(.utf8), at], .struct(fields))
    }

    static func random(_ generator: inout SeededGenerator) -> Row {
      func text() -> String { String(repeating: "é", count: Int.random(in: 0...20, using: &generator)) }
      let flag = [nil, true, false].randomElement(using: &generator)!
      return Row(
        id: .random(in: -9...9, using: &generator), name: Bool.random(using: &generator) ? text() : nil,
        at: Bool.random(using: &generator) ? (flag, text()) : nil)
    }
  }

  @Test("are built row by row, with nulls at every level, whatever the number of rows")
  func rows() throws {
    var generator = SeededGenerator()
    for count in [1, 2, 7, 8, 9, 63, 64, 65, 1023, 1025, 3000] {
      let script = (0..<count).map { _ in Int.random(in: 0..<3, using: &generator) == 0 ? Row.random(&generator) : nil }
      let results = try built(
        { batch in
          var numbers = try batch.column("n", as: Int32.self)
          let rows = try batch.structColumn("s")
          var ids = try rows.field("id", as: Int64.self)
          var names = try rows.field("name", as: String.self)
          let at = try rows.structField("at")
          var flags = try at.field("flag", as: Bool.self)
          var labels = try at.field("label", as: String.self)
          for row in script {
            numbers.append(1)
            guard let row else {
              rows.appendNull()
              continue
            }
            rows.append()
            ids.append(row.id)
            names.append(row.name)
            guard let place = row.at else {
              at.appendNull()
              continue
            }
            at.append()
            flags.append(place.flag)
            var label = place.label
            label.withUTF8 { labels.append(utf8: UnsafeRawBufferPointer($0)) }
          }
        }, calls: 3)
      let expected = script.map { $0?.literal ?? .null(.struct(Self.fields)) }
      #expect(results == [expected, expected, expected], "\(count) rows, \(generator)")
    }
  }

  @Test("take blocks of rows, nulls and values")
  func blocks() throws {
    let results = try built { batch in
      var numbers = try batch.column("n", as: Int32.self)
      let values = numbers.unsafeAppend(count: 50)
      for index in values.indices { values[index] = Int32(index) }
      let rows = try batch.structColumn("s")
      var ids = try rows.field("id", as: Int64.self)
      // A field may be ahead of its struct.
      let memory = ids.unsafeAppend(count: 50)
      #expect(memory.allSatisfy { $0 == 0 })
      for index in memory.indices { memory[index] = Int64(index) }
      var names = try rows.field("name", as: String.self)
      let at = try rows.structField("at")
      rows.appendNull(count: 13)
      rows.append(count: 30)
      for _ in 0..<30 { names.append("x") }
      at.appendNull(count: 30)
      rows.appendNull(count: 7)
    }
    let expected = (0..<50).map { row in
      (13..<43).contains(row) ? Row(id: Int64(row), name: "x").literal : .null(.struct(Self.fields))
    }
    #expect(results == [expected])
  }

  @Test(
    "with a field that lacks or has too many values are refused by name",
    arguments: [
      (1, 0, "field 'name' has 0 values where 1 rows are"),
      (1, 2, "field 'name' has 2 values and its struct 1 rows"),
      (2, 1, "field 'name' has 1 values where 2 rows are"),
    ])
  func unequal(count: Int, names: Int, message: String) throws {
    let advice = "give each field one value for each row that is not null"
    #expect(throws: MiniHost.Refused(message: "\(message): \(advice)")) {
      try built { batch in
        var numbers = try batch.column("n", as: Int32.self)
        numbers.append(contentsOf: repeatElement(0, count: count == 2 ? 3 : count))
        let rows = try batch.structColumn("s")
        var text = try rows.field("name", as: String.self)
        rows.append(count: count)
        var ids = try rows.field("id", as: Int64.self)
        for _ in 0..<count { ids.append(1) }
        for _ in 0..<names { text.append("x") }
        try rows.structField("at").appendNull(count: count)
        // With a row behind them, what lacks is found where that row begins.
        if count == 2 { rows.appendNull() }
      }
    }
  }

  @Test("and fields that are not there, or of other types, are refused by name")
  func refusals() throws {
    let cases: [(String, @Sendable (BatchBuilder) throws -> Void)] = [
      ("column 'n' is int32, no struct", { _ = try $0.structColumn("n") }),
      (
        "there is no field 'ID': the fields are id, name, at",
        { _ = try $0.structColumn("s").field("ID", as: Int64.self) }
      ),
      ("field 'id' is int64, not utf8 (String)", { _ = try $0.structColumn("s").field("id", as: String.self) }),
      ("field 'id' is int64, no struct: use field(_:)", { _ = try $0.structColumn("s").structField("id") }),
    ]
    for (message, body) in cases {
      #expect(throws: MiniHost.Refused(message: message)) { _ = try built(body) }
    }
  }
}
