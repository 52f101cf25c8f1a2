import Arrow
import State
import VolleyPlan

/// How what a pattern keeps is entries of tables: rows, and the matches that have begun, which name their rows.
struct PatternFormat {
  let rows: RowFormat
  let matches: StateTable
  var tables: [StateTable] { [rows.table, matches] }

  /// A row that a match has.
  struct RowName: Hashable {
    var slot: UInt32
    var sequence: UInt64
  }

  init(_ pattern: Plan.Pattern, keys: [Int], input: Schema) {
    let key = keys.map { input.fields[$0] }
    rows = RowFormat(
      "rows", key: key, rows: input, keyColumns: keys,
      facts: [
        // A bit a step whose condition it meets; whether the watermark has passed it.
        Field("$met", .uint32, nullable: false), Field("$seen", .bool, nullable: false),
      ])
    matches = StateTable(
      "matches", key: key, namespace: [Field("$match", .uint64, nullable: false)],
      // The last step's row makes it complete.
      value: pattern.steps.dropLast().map { Field("$row of \($0.name)", .uint64) })
  }
}
