import Arrow
import ArrowTestSupport
import CVolley
import TestSupport
import Testing
import VolleyPlan

/// pyarrow on the other side of the C data interface, in this process.
@Suite("pyarrow", .serialized)
struct PyArrowTests {
  /// Python knows no intervals of months or of days and milliseconds.
  private static let schema = Schema(
    RandomColumns.types.filter { $0 != .interval(.yearMonth) && $0 != .interval(.dayTime) }
      .enumerated().map { Field("c\($0.offset)", $0.element) })
  /// pyarrow takes rows of views in no way, nor concatenates dictionaries that differ.
  private static let kernelSchema = Schema(
    schema.fields.filter {
      switch $0.type {
      case .utf8View, .binaryView, .dictionary: false
      default: !$0.type.description.contains("view")
      }
    })

  /// Python that rebuilds an array from Python objects, so that nothing of the original memory is left.
  private static let rebuild = """
    def rebuild(array):
        # Python's own times have fewer digits and years.
        if pa.types.is_timestamp(array.type) or pa.types.is_duration(array.type):
            return pa.array(array.cast(pa.int64()).to_pylist(), pa.int64()).cast(array.type)
        if pa.types.is_time64(array.type) or pa.types.is_interval(array.type):
            sink = pa.BufferOutputStream()
            batch = pa.RecordBatch.from_arrays([array], names=[''])
            with pa.ipc.new_stream(sink, batch.schema) as writer: writer.write_batch(batch)
            return pa.ipc.open_stream(sink.getvalue()).read_next_batch().column(0)
        return pa.array(array.to_pylist(), array.type)

    """

  @Test("reads what is exported, value by value, and what it exports is read, from every offset of a slice")
  func roundTrip() throws {
    var generator = SeededGenerator()
    for offset in [0, 1, 5, 7, 8, 9, 31, 63, 64, 65] {
      for (nulls, length) in [(0, 100), (3, 100), (3, 1), (0, 0), (3, 0)] {
        let batch = Self.randomBatch(Self.schema, length, nulls: nulls, offset: offset, &generator)
        let ledger = ExportLedger(owner: "pyarrow")
        let back = try exchange([batch], ledger: ledger) {
          """
          batch = batches[0]
          batch.validate(full=True)
          return pa.RecordBatch.from_arrays([rebuild(column) for column in batch.columns], schema=batch.schema)
          """
        }
        #expect(back == batch, "offset \(offset) \(generator)")
        // Views and dictionaries may share the memory of what they came from.
        do {
          let sliced = try exchange([batch], ledger: ledger) {
            """
            batch = batches[0]
            junk = pa.RecordBatch.from_arrays([pa.nulls(\(offset), column.type) for column in batch.columns], schema=batch.schema)
            table = pa.Table.from_batches([junk, batch, batch]).combine_chunks()
            return table.to_batches()[0].slice(\(offset), len(batch)) if len(table) > 0 else batch
            """
          }
          #expect(sliced == batch, "offset \(offset) \(generator)")
        }
        #expect(ledger.outstanding == 0)
      }
    }
  }

  @Test("takes, filters and concatenates to the same rows")
  func kernels() throws {
    var generator = SeededGenerator()
    for length in [1, 63, 64, 65, 1000] {
      let ledger = ExportLedger(owner: "pyarrow")
      let batch = Self.randomBatch(Self.kernelSchema, length, nulls: 4, offset: length % 11, &generator)
      let rows = (0..<(2 * length)).map { _ in UInt32.random(in: 0..<UInt32(length), using: &generator) }
      let taken = try exchange([batch], ledger: ledger) { "return batches[0].take(pa.array(\(rows)))" }
      #expect(
        taken
          == RecordBatch(
            schema: batch.schema, columns: batch.columns.map { $0.gather(rows, count: rows.count) },
            length: rows.count), "\(generator)")

      let filtered = try exchange([batch], ledger: ledger) { "return batches[0].filter(batches[0].column(0))" }
      #expect(filtered == batch.selecting(Selection(trueRowsOf: batch.columns[0])), "\(generator)")

      let other = Self.randomBatch(Self.kernelSchema, 17, nulls: 2, offset: 3, &generator)
      let joined = try exchange([batch, other, batch], ledger: ledger) {
        "return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]"
      }
      #expect(try joined == RecordBatch.concatenate([batch, other, batch]), "\(generator)")
      #expect(ledger.outstanding == 0)
    }
  }

  @Test("has no memory left when the last imported column is gone")
  func released() throws {
    // A pool of its own: other tests of this process use pyarrow at the same time.
    try EmbeddedPython.run("pa.volley_pool = pa.proxy_memory_pool(pa.default_memory_pool())")
    #expect(try allocatedBytes() == 0)
    var generator = SeededGenerator()
    let types: [DataType] = [.bool, .int32, .int64, .float64, .utf8, .timestamp, .decimal128(precision: 38, scale: 4)]
    let schema = Schema(types.enumerated().map { Field("c\($0.offset)", $0.element) })
    let batch = Self.randomBatch(schema, 1000, nulls: 3, offset: 0, &generator)
    var columns = try exchange([batch], ledger: ExportLedger(owner: "pyarrow")) {
      """
      rows = pa.array(range(len(batches[0])))
      taken = [pc.take(column, rows, memory_pool=pa.volley_pool) for column in batches[0].columns]
      return pa.RecordBatch.from_arrays(taken, schema=batches[0].schema)
      """
    }.columns
    #expect(try allocatedBytes() > 0)
    columns.removeFirst(6)
    #expect(try allocatedBytes() > 0)
    columns.removeAll()
    #expect(try allocatedBytes() == 0)
  }

  private static func randomBatch(
    _ schema: Schema, _ length: Int, nulls: Int, offset: Int, _ generator: inout SeededGenerator
  ) -> RecordBatch {
    let columns = schema.fields.map {
      RandomColumns.column($0.type, RandomColumns.values($0.type, length, nulls: nulls, &generator), offset: offset)
    }
    return RecordBatch(schema: schema, columns: columns, length: length)
  }

  private func exchange(
    _ batches: [RecordBatch], ledger: ExportLedger, _ script: () -> String
  ) throws -> RecordBatch {
    try PyArrow.exchange(batches, ledger: ledger, prelude: Self.rebuild, script())
  }

  private func allocatedBytes() throws -> Int {
    let folder = TemporaryFolder()
    try EmbeddedPython.run(
      """
      import gc
      gc.collect()
      open('\(folder.file("bytes"))', 'w').write(str(pa.volley_pool.bytes_allocated()))
      """)
    return Int(String(decoding: folder.read("bytes") ?? [], as: UTF8.self)) ?? -1
  }
}
