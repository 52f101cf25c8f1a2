import Arrow
import CVolley
import TestSupport
import Testing
import VolleyPlan

/// pyarrow on the other side of the C data interface, in this process.
@Suite("pyarrow", .serialized)
struct PyArrowTests {
  private static let schema = Schema(
    RandomColumns.types.enumerated().map { Field("c\($0.offset)", $0.element) })

  /// Python that rebuilds an array from Python objects, so that nothing of the original memory is left.
  private static let rebuild = """
    def rebuild(array):
        if pa.types.is_timestamp(array.type):
            return pa.array(array.cast(pa.int64()).to_pylist(), pa.int64()).cast(array.type)
        return pa.array(array.to_pylist(), array.type)

    """

  @Test("reads what is exported, value by value, and what it exports is read, from every offset of a slice")
  func roundTrip() throws {
    var generator = SeededGenerator()
    for offset in [0, 1, 5, 7, 8, 9, 31, 63, 64, 65] {
      for (nulls, length) in [(0, 100), (3, 100), (3, 1), (0, 0), (3, 0)] {
        let batch = Self.randomBatch(length, nulls: nulls, offset: offset, &generator)
        let ledger = ExportLedger(owner: "pyarrow")
        let back = try exchange([batch], ledger: ledger) {
          """
          batch = batches[0]
          batch.validate(full=True)
          return pa.RecordBatch.from_arrays([rebuild(column) for column in batch.columns], schema=batch.schema)
          """
        }
        #expect(back == batch, "offset \(offset) \(generator)")
        let sliced = try exchange([batch], ledger: ledger) {
          """
          batch = batches[0]
          junk = pa.RecordBatch.from_arrays([pa.nulls(\(offset), column.type) for column in batch.columns], schema=batch.schema)
          table = pa.Table.from_batches([junk, batch, batch]).combine_chunks()
          return table.to_batches()[0].slice(\(offset), len(batch)) if len(table) > 0 else batch
          """
        }
        #expect(sliced == batch, "offset \(offset) \(generator)")
        #expect(ledger.outstanding == 0)
      }
    }
  }

  @Test("takes, filters and concatenates to the same rows")
  func kernels() throws {
    var generator = SeededGenerator()
    for length in [1, 63, 64, 65, 1000] {
      let ledger = ExportLedger(owner: "pyarrow")
      let batch = Self.randomBatch(length, nulls: 4, offset: length % 11, &generator)
      let rows = (0..<(2 * length)).map { _ in UInt32.random(in: 0..<UInt32(length), using: &generator) }
      let taken = try exchange([batch], ledger: ledger) { "return batches[0].take(pa.array(\(rows)))" }
      #expect(
        taken
          == RecordBatch(
            schema: batch.schema, columns: batch.columns.map { $0.gather(rows, count: rows.count) },
            length: rows.count), "\(generator)")

      let filtered = try exchange([batch], ledger: ledger) { "return batches[0].filter(batches[0].column(0))" }
      #expect(filtered == batch.selecting(Selection(trueRowsOf: batch.columns[0])), "\(generator)")

      let other = Self.randomBatch(17, nulls: 2, offset: 3, &generator)
      let joined = try exchange([batch, other, batch], ledger: ledger) {
        "return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]"
      }
      #expect(try joined == RecordBatch.concatenate([batch, other, batch]), "\(generator)")
      #expect(ledger.outstanding == 0)
    }
  }

  @Test("has no memory left when the last imported column is gone")
  func released() throws {
    let before = try allocatedBytes()
    var generator = SeededGenerator()
    let batch = Self.randomBatch(1000, nulls: 3, offset: 0, &generator)
    var columns = try exchange([batch], ledger: ExportLedger(owner: "pyarrow")) {
      "return pa.RecordBatch.from_arrays([rebuild(column) for column in batches[0].columns], schema=batches[0].schema)"
    }.columns
    #expect(try allocatedBytes() > before)
    columns.removeFirst(6)
    #expect(try allocatedBytes() > before)
    columns.removeAll()
    #expect(try allocatedBytes() == before)
  }

  private static func randomBatch(
    _ length: Int, nulls: Int, offset: Int, _ generator: inout SeededGenerator
  ) -> RecordBatch {
    let columns = schema.fields.map {
      RandomColumns.column($0.type, RandomColumns.values($0.type, length, nulls: nulls, &generator), offset: offset)
    }
    return RecordBatch(schema: schema, columns: columns, length: length)
  }

  /// Hands batches to Python and takes the one that the script returns.
  private func exchange(
    _ batches: [RecordBatch], ledger: ExportLedger, _ script: () -> String
  ) throws -> RecordBatch {
    let count = batches.count
    let arrays = UnsafeMutablePointer<ArrowArray>.allocate(capacity: count + 1)
    let schemas = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: count + 1)
    defer {
      arrays.deallocate()
      schemas.deallocate()
    }
    for (index, batch) in batches.enumerated() {
      batch.export(into: arrays + index, ledger: ledger)
      batch.schema.export(into: schemas + index)
    }
    (arrays + count).initialize(to: ArrowArray())
    (schemas + count).initialize(to: ArrowSchema())
    func addresses<Struct>(_ first: UnsafeMutablePointer<Struct>) -> [UInt] {
      (0...count).map { UInt(bitPattern: first + $0) }
    }
    let body = script().split(separator: "\n").map { "    \($0)\n" }.joined()
    try EmbeddedPython.run(
      Self.rebuild + """
        def change(batches):
        \(body)
        addresses = list(zip(\(addresses(arrays)), \(addresses(schemas))))
        batches = [pa.RecordBatch._import_from_c(*address) for address in addresses[:-1]]
        result = change(batches)
        result._export_to_c(*addresses[-1])
        """)
    let schema = try Schema.importing(schemas + count)
    return try RecordBatch.importing(arrays + count, schema: schema)
  }

  private func allocatedBytes() throws -> Int {
    let folder = TemporaryFolder()
    try EmbeddedPython.run(
      """
      import gc
      gc.collect()
      open('\(folder.file("bytes"))', 'w').write(str(pa.total_allocated_bytes()))
      """)
    return Int(String(decoding: folder.read("bytes") ?? [], as: UTF8.self)) ?? -1
  }
}
