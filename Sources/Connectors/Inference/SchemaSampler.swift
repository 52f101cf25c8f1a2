import Arrow
import Base
import VolleyPlan

/// Finds the columns of text files from their first records. Records that are bad, and those with
/// a member twice, are passed: reading will tell of the bad ones.
struct SchemaSampler {
  /// Leads messages: "source 'orders' (csv)".
  let place: String
  /// Records that are still to be looked at.
  private var rows: Int
  private var members: [InferredType.Member] = []

  init(place: String, rows: Int) {
    self.place = place
    self.rows = rows
  }

  var isFull: Bool { rows == 0 }

  func fields() throws(Failure) -> [Field] {
    guard !members.isEmpty else {
      throw Failure(.data, "\(place): the files have no record that tells their columns; declare the schema")
    }
    guard !members.contains(where: { $0.name.isEmpty }) else {
      throw Failure(
        .data, "\(place): the records have a member without a name; name it, or declare a schema without it")
    }
    return members.map { Field($0.name, $0.type.type) }
  }

  private mutating func add(
    _ name: String, _ type: InferredType?, _ path: String, anyIsText: Bool
  ) throws(Failure) {
    guard let index = members.firstIndex(where: { $0.name == name }) else {
      if let type { return members.append(.init(name: name, type: type)) }
      throw mixture(name, path)
    }
    guard let type, let both = members[index].type.merged(with: type, anyIsText: anyIsText) else {
      throw mixture(name, path)
    }
    members[index].type = both
  }

  private func mixture(_ name: String, _ path: String) -> Failure {
    Failure(
      .data,
      "\(path): the values of '\(name)' are of several kinds (text, numbers, true and false, arrays, objects), which no "
        + "column holds; declare the schema without it, or correct the file")
  }

  // MARK: CSV

  mutating func addCSV(_ window: ByteWindow, _ given: CSVDialect, _ path: String) throws(Failure) {
    let journal = SourceJournal(uid: "", log: nil)
    var dialect = given
    dialect.missingIsNull = true
    dialect.ignoresExtra = true
    // The names, or as many as the first row has fields.
    var header = dialect
    header.hasHeader = true
    let copy = window.copy()
    let names = CSVDecoder(schema: Schema([]), dialect: header, journal: journal)
    names.beginFile(path)
    guard try names.readNames(copy) else { return }
    let found = given.hasHeader ? names.fieldNames : names.fieldNames.indices.map { "f\($0)" }
    var seen: Set<String> = []
    for name in found where !seen.insert(name).inserted {
      throw Failure(
        .data, "\(path): the header has column '\(name)' twice; rename one, or declare a schema without it")
    }
    guard !found.contains("") else {
      throw Failure(.data, "\(path): the header has a column without a name; name it, or declare a schema without it")
    }
    for name in found { try add(name, .null, path, anyIsText: true) }
    let schema = Schema(found.map { Field($0, .utf8) })
    let decoder = CSVDecoder(schema: schema, dialect: dialect, journal: journal)
    decoder.beginFile(path)
    let table = ColumnTable(schema: schema)
    while rows > 0 {
      let outcome = try decoder.decode(window, into: table, maxRows: min(rows, 4096))
      let count = table.rows
      if count > 0 {
        let batch = table.finish()
        for (name, column) in zip(found, batch.columns) {
          for row in 0..<count where column.isValid(row) {
            let text = String(decoding: column.utf8(at: row), as: UTF8.self)
            try add(name, InferredType(field: text), path, anyIsText: true)
          }
        }
        rows -= count
      }
      switch outcome {
      case .needsMore: return
      case .full: continue
      case .bad(let span): window.advance(span.advance, lines: span.lines)
      }
    }
  }

  // MARK: JSON lines

  mutating func addJSON(_ window: ByteWindow, _ path: String) throws(Failure) {
    while rows > 0, window.count > 0 {
      let feed = window.lineFeed()
      guard feed != nil || window.isAtEnd else { return }
      let length = feed ?? window.count
      let line = UnsafeRawBufferPointer(start: window.first, count: length)
      if case .object(let object)? = try? JSONValue.parse(line) {
        for member in object {
          try add(member.name, InferredType(member.value), path, anyIsText: false)
        }
        rows -= 1
      }
      window.advance(min(length + 1, window.count), lines: 1)
    }
  }
}
