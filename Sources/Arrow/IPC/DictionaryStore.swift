import Base
import VolleyPlan

/// The dictionaries that a reader has seen, by their number.
struct DictionaryStore {
  /// The field of the values, with the dictionaries within them.
  private struct Entry {
    var field: Field
    var annotation: IPCAnnotation
    /// The dictionaries within the values.
    var inner: [Int64]
    /// The values, and those that were added since they were last asked for.
    var parts: [Column] = []
    /// Bytes that the values keep in memory.
    var byteCount = 0
  }

  private var entries: [Int64: Entry] = [:]
  /// Bytes of all of them.
  private var byteCount = 0
  private let allowsReplacement: Bool

  /// - Parameter allowsReplacement: whether a dictionary may be sent anew, which a file, read in any order, may not do.
  init(_ schema: IPCSchema, allowsReplacement: Bool) throws(Failure) {
    self.allowsReplacement = allowsReplacement
    for (field, annotation) in zip(schema.fields, schema.annotations) { try collect(field, annotation) }
  }

  private mutating func collect(_ field: Field, _ annotation: IPCAnnotation) throws(Failure) {
    if case .dictionary(_, let value, _) = field.type, let number = annotation.dictionary {
      if let known = entries[number] {
        guard known.field.type == value else {
          throw Failure(
            .data,
            "field '\(field.name)' shares dictionary \(number) with '\(known.field.name)', which has other values; write the "
              + "data anew")
        }
      } else {
        let values = IPCAnnotation(children: annotation.children)
        entries[number] = Entry(field: Field(field.name, value), annotation: values, inner: values.dictionaries)
      }
    }
    for (child, annotation) in zip(field.type.encodedChildren, annotation.children) { try collect(child, annotation) }
  }

  /// Takes the batch of a dictionary: its values, or further ones.
  ///
  /// - Parameter header: a table `DictionaryBatch`.
  mutating func add(
    _ header: FlatTable, body: SharedBytes, coders: IPCCoders, options: IPCReadOptions
  ) throws(Failure) {
    let number = try header.integer(0, default: Int64(0))
    guard let (field, annotation, inner) = entries[number].map({ ($0.field, $0.annotation, $0.inner) }) else {
      throw Failure(.data, "the Arrow data holds dictionary \(number), and no field of its schema has it")
    }
    let isDelta = try header.bool(2)
    guard isDelta || allowsReplacement || entries[number]?.parts.isEmpty == true else {
      throw Failure(
        .data,
        "the Arrow file holds the dictionary of '\(field.name)' twice, which only a stream may; write it as a stream"
      )
    }
    var decoder = try BatchDecoder(
      try header.table(1, "values of dictionary \(number)"), body: body, dictionaries: try values(inner),
      coders: coders,
      options: options)
    let column = try decoder.columns([field], [annotation])[0]
    // In place: a copy of the parts for each of them would be quadratic.
    if !isDelta {
      byteCount -= entries[number]?.byteCount ?? 0
      entries[number]?.byteCount = 0
      entries[number]?.parts.removeAll()
    }
    // The values are views of all of the body.
    let size = max(body.count, column.byteCount)
    guard size <= options.dictionaryBytes - byteCount else {
      throw Failure(
        .data,
        "the dictionary of '\(field.name)' and those before it take more than the \(options.dictionaryBytes) bytes that are allowed; "
          + "send fewer distinct values as dictionaries")
    }
    byteCount += size
    entries[number]?.byteCount += size
    entries[number]?.parts.append(column)
  }

  /// The values of all dictionaries that have come.
  mutating func values() throws(Failure) -> [Int64: Column] { try values(Array(entries.keys)) }

  /// What was added is joined here and not when it comes, so that many small additions are copied once.
  private mutating func values(_ numbers: [Int64]) throws(Failure) -> [Int64: Column] {
    var values: [Int64: Column] = [:]
    for number in numbers {
      guard let parts = entries[number]?.parts, !parts.isEmpty else { continue }
      if parts.count > 1 { entries[number]?.parts = [try Column.concatenate(parts)] }
      values[number] = entries[number]?.parts.first
    }
    return values
  }
}

extension IPCAnnotation {
  /// The numbers of all dictionaries here and below.
  fileprivate var dictionaries: [Int64] { (dictionary.map { [$0] } ?? []) + children.flatMap(\.dictionaries) }
}
