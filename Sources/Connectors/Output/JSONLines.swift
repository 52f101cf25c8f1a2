import Arrow
import Base

/// Rows as text for whoever looks at them, one JSON object a line, as the sink `jsonlines` writes them.
public enum JSONLines {
  /// - Parameter batch: without a selection.
  /// - Throws: `usage` for a column whose type has no form as text, with its name.
  public static func text(of batch: RecordBatch) throws(Failure) -> [UInt8] {
    for field in batch.schema.fields {
      if let refusal = ValueWriter.refusal(field.type) {
        throw Failure(.usage, "column '\(field.name)' of type \(field.type) \(refusal)")
      }
    }
    let out = ByteWriter()
    JSONLinesFormatter(schema: batch.schema).write(batch, 0..<batch.length, to: out)
    return out.bytes
  }
}
