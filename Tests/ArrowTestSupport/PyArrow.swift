import Arrow
import CVolley
import TestSupport
import VolleyPlan

/// pyarrow on the other side of the C data interface, in this process.
public enum PyArrow {
  /// Hands batches to Python, as `batches`, and takes the record batch that the script returns. It may use `pa` and `pc`.
  ///
  /// - Parameter prelude: definitions before the script.
  public static func exchange(
    _ batches: [RecordBatch], ledger: ExportLedger? = nil, prelude: String = "", _ script: String
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
    let body = script.split(separator: "\n").map { "    \($0)\n" }.joined()
    try EmbeddedPython.run(
      prelude + """
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

  /// The columns that a script makes of columns: it sees them as `a`, `b`, … and returns a list of arrays.
  public static func columns(_ columns: [Column], prelude: String = "", _ script: String) throws -> [Column] {
    let names = (0..<columns.count).map { String(UnicodeScalar(UInt8(97 + $0))) }
    let schema = Schema(zip(names, columns).map { Field($0, $1.type) })
    let batch = RecordBatch(schema: schema, columns: columns, length: columns.first?.length ?? 0)
    let lines = names.map { "\($0) = batches[0].column('\($0)')" } + ["def compute():"]
    let body = script.split(separator: "\n").map { "    \($0)" }
    let rest = [
      "arrays = compute()", "return pa.RecordBatch.from_arrays(arrays, names=[str(i) for i in range(len(arrays))])",
    ]
    return try exchange([batch], prelude: prelude, (lines + body + rest).joined(separator: "\n")).columns
  }
}
