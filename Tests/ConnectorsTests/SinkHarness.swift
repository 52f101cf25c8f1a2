import Arrow
import Base
import Dataflow
import TestSupport
import VolleyPlan

@testable import Connectors

/// Writes batches and closes.
func run(_ sink: any Sink, _ batches: [RecordBatch], complete: Bool = true) throws {
  try sink.open()
  for batch in batches { try sink.write(batch) }
  try sink.flush()
  try sink.close(complete: complete)
}

/// What a formatter makes of batches.
func format(_ formatter: any RowFormatter, _ batches: [RecordBatch]) -> String {
  let out = ByteWriter()
  formatter.writeHeader(to: out)
  for batch in batches { formatter.write(batch, 0..<batch.length, to: out) }
  return String(decoding: out.bytes, as: UTF8.self)
}

/// Random values of `everyType`, with nulls, difficult text and special numbers, sliced so that offsets are not zero.
func randomBatch(_ generator: inout SeededGenerator, rows: Int, nonFinite: Bool = true) -> RecordBatch {
  let pieces = ["a", "ä", "漢", "🚀", "\"", ",", "\n", "\r", "\t", "\\", "\u{1}", "plain text that is long", ""]
  let values = (0..<rows).map { _ -> [Literal?] in
    var row: [Literal?] = [
      .bool(.random(using: &generator)), .int32(.random(in: .min ... .max, using: &generator)),
      .int64(Int64.random(in: .min ... .max, using: &generator) >> Int.random(in: 0..<64, using: &generator)), nil,
      .utf8(
        (0..<Int.random(in: 0..<8, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }
          .joined()),
      .timestamp(
        .random(in: -62_135_596_800_000_000...253_402_300_799_999_999, using: &generator), .microsecond, timezone: nil),
    ]
    let double = Double(bitPattern: .random(in: 0 ... .max, using: &generator))
    row[3] = .float64(
      [double.isFinite || nonFinite ? double : 1, Double(Int.random(in: -999...999, using: &generator)) / 8]
        .randomElement(using: &generator) ?? 0)
    for index in row.indices where Int.random(in: 0..<6, using: &generator) == 0 { row[index] = nil }
    return row
  }
  let padding: [[Literal?]] = Array(repeating: Array(repeating: nil, count: everyType.count), count: 3)
  return batch(everyType, padding + values + padding).slice(3..<(rows + 3))
}
