import Arrow
import ArrowTestSupport
import CVolley
import Synchronization
import TestSupport
import Testing
import VolleyPlan

@Suite("C data interface: export")
struct CDataExportTests {
  @Test("and import give the same column back, from every offset of a slice", arguments: RandomColumns.types)
  func roundTrip(type: DataType) throws {
    var generator = SeededGenerator()
    for offset in 0...65 {
      for nulls in [0, 3] {
        for count in [0, 1, 70] {
          let values = RandomColumns.values(type, count, nulls: nulls, &generator)
          let column = RandomColumns.column(type, values, offset: offset)
          var array = ArrowArray()
          column.export(into: &array)
          let back = try Column.importing(&array, field: Field("a", type))
          #expect(array.release == nil)
          #expect(back.literals == values, "offset \(offset) \(generator)")
          if count > 0, !column.buffers.isEmpty {
            #expect(back.buffers[0].address == column.buffers[0].address, "nothing is copied")
          }
        }
      }
    }
  }

  @Test("of a batch keeps its memory until the last column of the import is gone")
  func lifetime() throws {
    let ledger = ExportLedger(owner: "test")
    var counter: LifeCounter? = LifeCounter()
    let lives = counter!.lives
    let schema = Schema([Field("a", .int64, nullable: false), Field("b", .utf8)])
    let values = Buffer(byteCount: 16)
    values.unsafeMutableValues(Int64.self)[0] = 5
    values.unsafeMutableValues(Int64.self)[1] = 6
    let foreign = Buffer(foreign: values.address, byteCount: 16, owner: counter!)
    counter = nil
    var batch: RecordBatch? = RecordBatch(
      schema: schema,
      columns: [
        Column(type: .int64, length: 2, validity: nil, buffers: [foreign]),
        RandomColumns.column(.utf8, [.utf8("x"), .null(.utf8)]),
      ], length: 2)
    var array = ArrowArray()
    batch!.export(into: &array, ledger: ledger)
    #expect(ledger.outstanding == 1)
    let imported = try RecordBatch.importing(&array, schema: schema)
    #expect(imported == batch)
    // `foreign` itself is still alive here, so its owner is too.
    batch = nil
    #expect(lives.load(ordering: .relaxed) == 1)
    let column = imported.columns[1]
    _ = consume imported
    #expect(ledger.outstanding == 1, "one column keeps the export alive")
    #expect(column.literals == [.utf8("x"), .null(.utf8)])
    _ = consume column
    #expect(ledger.outstanding == 0)
    _ = consume foreign
    #expect(lives.load(ordering: .relaxed) == 0)
    _ = values
  }

  @Test("lets children be moved out and released after their parent, in any order, on any thread")
  func movedChildren() async throws {
    let ledger = ExportLedger(owner: "test")
    let schema = Schema((0..<4).map { Field("c\($0)", .int64) })
    let columns = (0..<4).map { column in RandomColumns.column(.int64, (0..<9).map { .int64($0 * Int64(column)) }) }
    let batch = RecordBatch(schema: schema, columns: columns, length: 9)
    for order in [[0, 1, 2, 3], [3, 0, 2, 1]] {
      var array = ArrowArray()
      batch.export(into: &array, ledger: ledger)
      var moved: [Column] = []
      for index in [1, 3] { moved.append(try Column.importing(array.children[index]!, field: schema.fields[index])) }
      array.release(&array)
      #expect(array.release == nil)
      #expect(ledger.outstanding == 1, "moved children keep the export open")
      #expect(moved[0] == columns[1] && moved[1] == columns[3])
      if order[0] == 0 { moved.removeFirst() } else { moved.removeLast() }
      #expect(ledger.outstanding == 1)
      await Task.detached { [moved] in _ = moved }.value
      moved.removeAll()
      // The detached task has ended, but its copy may die a moment later.
      while ledger.outstanding != 0 { await Task.yield() }
    }
  }

  @Test("counts what a receiver keeps")
  func ledger() {
    let ledger = ExportLedger(owner: "plugin p")
    let total = ExportLedger.totalOutstanding
    var arrays = (0..<5).map { _ in ArrowArray() }
    let column = Column.constant(.int64(1), count: 3)
    for index in arrays.indices { column.export(into: &arrays[index], ledger: ledger) }
    #expect(ledger.outstanding == 5 && ledger.owner == "plugin p")
    #expect(ExportLedger.totalOutstanding >= 5 && total >= 0)
    for index in arrays.indices { arrays[index].release(&arrays[index]) }
    #expect(ledger.outstanding == 0)
  }

  @Test("says how its arrays lie in memory")
  func layout() {
    let column = RandomColumns.column(.utf8, [.utf8("a"), .null(.utf8), .utf8("b")], offset: 2).slice(1..<3)
    var array = ArrowArray()
    column.export(into: &array)
    #expect(array.length == 2 && array.offset == 3 && array.null_count == -1)
    #expect(array.n_buffers == 3 && array.n_children == 0 && array.children == nil && array.dictionary == nil)
    #expect(array.buffers[0] == column.validity!.address)
    array.release(&array)
    let batch = RecordBatch.empty(Schema([]))
    batch.export(into: &array)
    #expect(array.length == 0 && array.n_buffers == 1 && array.buffers[0] == nil && array.n_children == 0)
    array.release(&array)
  }

  @Test("of a schema and import give the same schema back")
  func schema() throws {
    let zones: [String?] = [nil, "UTC", "Europe/Berlin", "+05:30"]
    let timestamps = TimeUnit.allCases.flatMap { unit in zones.map { DataType.timestamp(unit, timezone: $0) } }
    let types = [DataType.bool, .int32, .int64, .float64, .utf8] + timestamps
    let schema = Schema(types.enumerated().map { Field("c \($0.offset) ü", $0.element, nullable: $0.offset % 2 == 0) })
    var exported = ArrowSchema()
    schema.export(into: &exported)
    #expect(try Schema.reading(&exported) == schema)
    #expect(try Schema.importing(&exported) == schema)
    #expect(exported.release == nil)
    for field in schema.fields {
      field.export(into: &exported)
      #expect(try Field.importing(&exported) == field)
    }
  }

  @Test("of a schema lets children be moved out")
  func movedSchemaChild() throws {
    var exported = ArrowSchema()
    Schema([Field("a", .int64), Field("b", .utf8)]).export(into: &exported)
    var child = exported.children[1]!.pointee
    exported.children[1]!.pointee.release = nil
    exported.release(&exported)
    #expect(try Field.importing(&child) == Field("b", .utf8))
  }
}

/// Counts its own lives.
final class LifeCounter: Sendable {
  final class Count: Sendable {
    let value = Atomic<Int>(1)
    func load(ordering: AtomicLoadOrdering) -> Int { value.load(ordering: .relaxed) }
  }
  let lives = Count()
  deinit { lives.value.wrappingSubtract(1, ordering: .relaxed) }
}
