import Arrow
import Base
import Connectors
import VolleyPlan

@testable import Connectors

/// A CSV document after four bytes that choose dialect, columns and chunks. It has to come to the same rows and the same bad
/// records in one piece and in small ones, and in small batches.
func readCSV(_ input: UnsafeRawBufferPointer) {
  var choices = Choices(input)
  let dialect = dialect(choices.next(), choices.next())
  let fields = csvSchemas[choices.next() % csvSchemas.count]
  let piece = 1 + choices.next()
  let document = choices.rest
  let schema = Schema(fields)
  let journal = SourceJournal(uid: "fuzz", log: nil)
  func reading(_ plan: ReadingPlan) -> Reading {
    read(document, CSVDecoder(schema: schema, dialect: dialect, journal: journal), schema, plan)
  }
  let whole = reading(ReadingPlan())
  let pieces = reading(ReadingPlan(chunkBytes: piece, maxRows: 1 + piece % 5))
  precondition(whole == pieces, "read at once: \(whole), read \(piece) bytes at a time: \(pieces)")
  // Where long records end is another's choice; here it only has to end.
  _ = reading(ReadingPlan(chunkBytes: piece, maxRecordBytes: 16, stops: piece % 2 == 0))
}

private func dialect(_ first: Int, _ second: Int) -> CSVDialect {
  var dialect = CSVDialect()
  dialect.delimiter = [44, 59, 9, 124][first & 3]
  dialect.quote = [34, 34, 39, nil][first >> 2 & 3]
  dialect.escape = first & 16 == 0 ? nil : 92
  dialect.comment = [[], [35], [45, 45], []][first >> 5 & 3]
  dialect.endsAtReturn = first & 128 != 0
  dialect.hasHeader = second & 1 != 0
  dialect.nulls = [[[]], [[78, 65], [110, 117, 108, 108]], [[92, 78]], [[], [45]]][second >> 1 & 3]
  dialect.hasQuotedNulls = second & 8 != 0
  dialect.trimsText = second & 16 != 0
  dialect.missingIsNull = second & 32 != 0
  dialect.ignoresExtra = second & 64 != 0
  dialect.skippedLines = second & 128 == 0 ? 0 : 2
  return dialect
}

private let csvSchemas: [[Field]] = [
  [Field("a", .utf8), Field("b", .utf8), Field("c", .int64)],
  [Field("a", .utf8)],
  [
    Field("a", .bool), Field("b", .int32), Field("c", .int64), Field("d", .float64), Field("e", .utf8),
    Field("f", .timestamp),
  ],
  [
    Field("a", .int8), Field("b", .uint64), Field("c", .float16), Field("d", .float32),
    Field("e", .decimal128(precision: 20, scale: 3)), Field("f", .binary),
  ],
  [
    Field("a", .date32), Field("b", .date64), Field("c", .time32(.millisecond)), Field("d", .time64(.nanosecond)),
    Field("e", .timestamp(.nanosecond, timezone: "Europe/Berlin")), Field("f", .duration(.second)),
  ],
  [
    Field("a", .largeUtf8), Field("b", .utf8View), Field("c", .fixedSizeBinary(3)),
    Field("d", .utf8, nullable: false), Field("e", .int32, nullable: false),
  ],
]
