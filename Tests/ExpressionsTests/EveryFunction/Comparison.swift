import Arrow
import ArrowTestSupport
import Expressions
import TestSupport
import Testing
import VolleyPlan

/// A call of a function over random columns "a", "b", …, and what pyarrow, DuckDB or Python computes of them.
struct Comparison {
  /// The function that is compared.
  var name: String
  var arguments: [RandomArgument]
  var expression: Expression
  var python: String
  /// How many units in the last place floats may differ by: functions that C's libraries compute differently.
  var ulps: Double

  /// - Parameter call: nil calls the function with the columns.
  init(_ name: String, _ arguments: [RandomArgument], _ python: String, call: Expression? = nil, ulps: Double = 0) {
    self.name = name
    self.arguments = arguments
    self.expression = call ?? .call(name, arguments.indices.map { .column(letter($0)) })
    self.python = python
    self.ulps = ulps
  }

  /// What a comparison found to compare.
  struct Count {
    /// Rows with a value, which is the peer's.
    var values = 0
    /// Rows without one, as with the peer.
    var nulls = 0
    /// Rows that stop the job; of those that were shown to the peer, it refuses each.
    var stops = 0
  }

  /// With a third of nulls, 1,000 are left.
  private static let batch = 1700

  /// Compares batches of random rows until there were `rows` with a value.
  ///
  /// Of a batch in which rows stop, the others are compared.
  func run(rows: Int, batches: Int = 12, _ generator: inout SeededGenerator) throws -> Count {
    var count = Count()
    for _ in 0..<batches where count.values < rows {
      let columns = arguments.map { $0.column(Self.batch, &generator) }
      let kept: [Column]
      var found: Column
      do {
        found = try evaluate(expression, columns, rows: Self.batch)
        kept = columns
      } catch {
        let stops = self.stops(columns, 0..<Self.batch)
        let lost = columns.map { $0.gather(Selection(stops)) }
        guard lost[0].length > 0 else { throw error }
        count.stops += lost[0].length
        try refused(lost.map { $0.slice(0..<min(60, $0.length)) }, generator)
        let known = Set(stops)
        kept = columns.map { $0.gather(Selection((0..<Self.batch).filter { !known.contains($0) })) }
        found = try evaluate(expression, kept, rows: kept[0].length)
      }
      try compare(found, kept, generator)
      let nulls = (0..<found.length).reduce(0) { $0 + (found.isValid($1) ? 0 : 1) }
      count.nulls += nulls
      count.values += found.length - nulls
    }
    return count
  }

  /// The rows that stop, found by halving.
  private func stops(_ columns: [Column], _ rows: Range<Int>) -> [Int] {
    if (try? evaluate(expression, columns.map { $0.slice(rows) }, rows: rows.count)) != nil { return [] }
    if rows.count == 1 { return [rows.lowerBound] }
    let middle = (rows.lowerBound + rows.upperBound) / 2
    return stops(columns, rows.lowerBound..<middle) + stops(columns, middle..<rows.upperBound)
  }

  private func evaluate(_ expression: Expression, _ columns: [Column], rows: Int) throws -> Column {
    let batch = RecordBatch.of(columns, length: rows)
    return try BoundExpression(expression, schema: batch.schema, functions: NoScalarFunctions()).evaluate(batch)
  }

  /// All rows; a slice of them means the same, and no rows mean none.
  private func compare(_ found: Column, _ columns: [Column], _ generator: SeededGenerator) throws {
    let rows = found.length
    let peer =
      columns.isEmpty
      ? try PyArrow.columns([Column.nulls(.null, count: rows)], prelude: PeerPrelude.text, "return [\(python)]")[0]
      : try PyArrow.columns(columns, prelude: PeerPrelude.text, "return [\(python)]")[0]
    let different = difference(found, peer, ulps: ulps)
    let inputs = different.map { row, _ in columns.map { $0.text(at: min(row, rows - 1)) } } ?? []
    #expect(
      different == nil, "\(generator): \(name): \(python) of \(columns.map(\.type)) \(inputs): \(different?.text ?? "")"
    )
    let middle = (rows / 3)..<(rows - rows / 5)
    for range in [0..<0, middle] where !columns.isEmpty {
      let part = try evaluate(expression, columns.map { $0.slice(range) }, rows: range.count)
      #expect(part == found.slice(range), "\(generator): \(name) of rows \(range)")
    }
  }

  private func refused(_ columns: [Column], _ generator: SeededGenerator) throws {
    let names = columns.indices.map { letter($0) }
    _ = try PyArrow.columns(
      columns, prelude: PeerPrelude.text,
      """
      def computed(\(names.joined(separator: ", "))): return \(python)
      for i in range(len(a)):
          rows = [c.slice(i, 1) for c in (\(names.map { "\($0), " }.joined()))]
          try: result = computed(*rows)
          except (pa.ArrowInvalid, ArithmeticError, ValueError): continue
          raise Exception(f'\(generator): \(name) of {rows} is {result}')
      return [a]
      """)
  }
}

/// The first row in which two columns differ, with a message.
private func difference(_ found: Column, _ wanted: Column, ulps: Double) -> (row: Int, text: String)? {
  if found.type != wanted.type { return (0, "\(found.type) instead of \(wanted.type)") }
  if found.length != wanted.length { return (0, "\(found.length) rows instead of \(wanted.length)") }
  for row in 0..<found.length where found.slice(row..<(row + 1)) != wanted.slice(row..<(row + 1)) {
    let isClose =
      found.isValid(row) && wanted.isValid(row)
      && close(found.literal(at: row), wanted.literal(at: row), ulps: ulps)
    if !isClose { return (row, "row \(row): \(found.text(at: row)) instead of \(wanted.text(at: row))") }
  }
  return nil
}

/// Whether two floats are one within that many units in the last place.
func close(_ left: Literal, _ right: Literal, ulps: Double) -> Bool {
  switch (left, right) {
  case (.float64(let a), .float64(let b)): a == b || a.isNaN && b.isNaN || (a - b).magnitude <= ulps * b.ulp
  case (.float(let a, _), .float(let b, _)):
    a == b || a.isNaN && b.isNaN || (a - b).magnitude <= ulps * Double(Float(b).ulp)
  default: false
  }
}
