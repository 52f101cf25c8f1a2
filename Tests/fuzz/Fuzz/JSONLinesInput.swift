import Arrow
import Base
import VolleyPlan

@testable import Connectors

/// JSON lines after three bytes that choose columns, chunks and where the file is split. They have to come to the same rows
/// and the same bad records in one piece, in small ones, and in two splits.
func readJSONLines(_ input: UnsafeRawBufferPointer) {
  var choices = Choices(input)
  let fields = jsonSchemas[choices.next() % jsonSchemas.count]
  let piece = 1 + choices.next()
  let place = Int64(1 + choices.next())
  let document = choices.rest
  let schema = Schema(fields)
  func reading(_ plan: ReadingPlan) -> Reading {
    read(document, JSONLinesDecoder(fields: fields), schema, plan)
  }
  let whole = reading(ReadingPlan())
  let pieces = reading(ReadingPlan(chunkBytes: piece, maxRows: 1 + piece % 5))
  precondition(whole == pieces, "read at once: \(whole), read \(piece) bytes at a time: \(pieces)")
  // A mark at the beginning is longer than the shortest split.
  if place > 3 {
    let parts = reading(ReadingPlan(ends: [place]))
    precondition(whole == parts, "read at once: \(whole), split at \(place): \(parts)")
  }
  _ = reading(ReadingPlan(chunkBytes: piece, maxRecordBytes: 16, stops: piece % 2 == 0))
}

private let jsonSchemas: [[Field]] = [
  [Field("a", .int64), Field("b", .utf8), Field("c", .float64), Field("d", .bool), Field("e", .timestamp)],
  [
    Field("l", .list(Field("item", .int32))),
    Field("s", .struct([Field("x", .int64), Field("y", .utf8), Field("z", .list(Field("item", .utf8)))])),
    Field("m", .map(key: Field("key", .utf8, nullable: false), value: Field("value", .float64), keysSorted: false)),
  ],
  [
    Field("a", .int8), Field("b", .uint64), Field("c", .float32), Field("d", .decimal128(precision: 20, scale: 3)),
    Field("e", .binary), Field("f", .largeUtf8), Field("g", .fixedSizeBinary(3)),
  ],
  [
    Field("a", .date32), Field("b", .date64), Field("c", .time32(.millisecond)), Field("d", .time64(.nanosecond)),
    Field("e", .timestamp(.nanosecond, timezone: "Europe/Berlin")), Field("f", .duration(.second)),
  ],
  [
    Field("a", .fixedSizeList(Field("item", .int16), size: 2)), Field("b", .largeList(Field("item", .utf8))),
    Field("c", .utf8View), Field("d", .struct([Field("x", .int32, nullable: false)]), nullable: false),
  ],
]
