import Arrow
import ArrowTestSupport
import CVolley
import TestSupport
import Testing
import VolleyPlan

import class Volley.Batch
import class Volley.Output

/// The room `Arrow`, the host's half of the boundary, gives and takes the columns here.
@Suite("Columns of any type")
struct PassThroughTests {
  private let host = MiniHost()

  /// Hands a batch of one column `x` to a batch function with the output `y`, and gives what it emitted.
  private func run(
    _ column: Column, look: @escaping (ArrowArray, ArrowArray) -> Void = { _, _ in },
    _ body: @escaping @Sendable (Volley.Batch, Volley.Output) throws -> Void
  ) throws -> Column? {
    let (input, output) = (Field("x", column.type), Field("y", column.type))
    let built = try Built.of { env in
      env.example().batchFunction("f", output: .init([output]), body).toSink(.blackhole, uid: "out")
    }
    let instance = try built.create(
      host, kind: VOLLEY_KIND_BATCH_FUNCTION, function: "f:1", inputs: [[input]], outputs: [[output]])
    var batch = ArrowArray()
    RecordBatch(schema: Schema([input]), columns: [column], length: column.length).export(into: &batch)
    let given = batch.children[0]!.pointee
    var result: Result<Column, any Error>?
    host.state.look = { batch in
      look(given, batch.pointee.children[0]!.pointee)
      var moved = batch.pointee
      batch.pointee.release = { $0!.pointee.release = nil }
      result = Result { try RecordBatch.importing(&moved, schema: Schema([output])).columns[0] }
    }
    defer { host.state.look = nil }
    try MiniHost.check { instance.batch.process(instance.pointer, 0, &batch, $0) }
    #expect(batch.release == nil)
    return try result?.get()
  }

  /// The addresses of all buffers, inner ones included.
  private static func addresses(_ array: ArrowArray) -> [UnsafeRawPointer?] {
    var addresses = (0..<Int(array.n_buffers)).map { array.buffers[$0].map { UnsafeRawPointer($0) } }
    for index in 0..<Int(array.n_children) { addresses += Self.addresses(array.children[index]!.pointee) }
    if let dictionary = array.dictionary { addresses += Self.addresses(dictionary.pointee) }
    return addresses
  }

  @Test("are passed through a batch function as they are, without a copy", arguments: RandomColumns.types)
  func pass(type: DataType) throws {
    var generator = SeededGenerator()
    for (rows, nulls, offset) in [(1, 0, 0), (3, 2, 0), (40, 3, 5), (100, 0, 17), (9, 1, 1), (257, 4, 64)] {
      let values = RandomColumns.values(type, rows, nulls: nulls, &generator)
      let column = RandomColumns.column(type, values, offset: offset)
      let look = { (given: ArrowArray, taken: ArrowArray) in
        #expect(Self.addresses(given) == Self.addresses(taken), "\(type), \(rows) rows, \(generator)")
      }
      let passed = try run(column, look: look) { batch, output in
        let builder = output.builder()
        try builder.pass("y", from: batch, column: "x")
        try output.emit(builder)
      }
      #expect(passed?.literals == values, "\(type), \(rows) rows at \(offset), \(generator)")
    }
  }

  @Test("that cannot be built are refused by name, not a trap")
  func unbuildable() throws {
    let column = RandomColumns.column(.list(of: .int32), [.nested([.int32(1)], .list(of: .int32))])
    struct Row: Codable { var y: [UInt8] }
    let refusal = "column 'y' is list<item: int32>, which is not built value by value: pass it on from an input batch"
    #expect(throws: MiniHost.Refused(message: refusal)) {
      try run(column) { _, output in try output.builder().append(Row(y: [])) }
    }
    #expect(throws: MiniHost.Refused(message: "column 'x' is list<item: int32>, not int64 (Int)")) {
      try run(column) { batch, _ in _ = try batch.column("x", as: Int.self) }
    }
    // No row, nothing to hand on.
    #expect(try run(column) { _, output in try output.emit(output.builder()) } == nil)
  }

  @Test("that were not passed on are missed")
  func awaited() throws {
    let fields = [Field("x", .utf8View), Field("n", .int64)]
    let built = try Built.of { env in
      env.example().batchFunction("f", output: .init(fields)) { _, output in
        let builder = output.builder()
        var numbers = try builder.column("n", as: Int.self)
        numbers.append(1)
        try output.emit(builder)
      }.toSink(.blackhole, uid: "out")
    }
    let instance = try built.create(
      host, kind: VOLLEY_KIND_BATCH_FUNCTION, function: "f:1", inputs: [[Field("n", .int64)]], outputs: [fields])
    var batch = ArrowArray()
    ArrayMemory.make([.int64([1])], into: &batch)
    #expect(
      throws: MiniHost.Refused(
        message: "column 'x' is utf8_view, which is not built value by value, and was not passed on from an input batch"
      )
    ) { try MiniHost.check { instance.batch.process(instance.pointer, 0, &batch, $0) } }
  }
}
