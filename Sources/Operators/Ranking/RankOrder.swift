import Arrow
import Base
import Dataflow
import Glibc
import Keys
import VolleyPlan

/// The order of a key's rows.
///
/// A row's first columns become words, of which the least comes first: 8 bytes each, which tell most rows apart. Rows
/// that they do not tell apart are compared by their values (`RankTies`).
struct RankOrder {
  struct Part {
    /// Of the rows' columns.
    let column: Int
    let form: OrderForm
    let descending: Bool
    let nullsFirst: Bool
  }

  let parts: [Part]
  /// Words of a row.
  let wordCount: Int
  /// Whether a row comes before one of equal order that was there before it.
  let takesLast: Bool
  /// By part, a bit: whether rows that differ may have one word.
  private let coarseParts: UInt8

  private static let mostWords = 3

  /// - Precondition: the columns are there, and values of their types have an order.
  init(_ orderings: [Plan.Ordering], takesLast: Bool, input: Schema) {
    parts = orderings.map { ordering in
      guard let column = input.index(of: ordering.column), let form = OrderForm(input.fields[column].type) else {
        preconditionFailure("rows are ordered by columns that can be")
      }
      return Part(column: column, form: form, descending: ordering.descending, nullsFirst: ordering.nullsFirst)
    }
    wordCount = min(parts.count, Self.mostWords)
    self.takesLast = takesLast
    coarseParts = parts.prefix(wordCount).enumerated().reduce(0) {
      $0 | ($1.element.form.isCoarse ? 1 << $1.offset : 0)
    }
  }

  /// The columns that words are made of, one a part, as they are compared.
  func columns(_ rows: any DeferredRows) throws(Failure) -> [Column] {
    try KeyColumn.plain(rows.gathered(parts.prefix(wordCount).map(\.column), of: nil))
  }

  /// The column of a part, as it is compared.
  func column(_ part: Int, of rows: any DeferredRows) throws(Failure) -> Column {
    try KeyColumn.plain(rows.gathered([parts[part].column], of: nil))[0]
  }

  /// The words of each row, one row after the other.
  func words(_ columns: [Column], count: Int) -> Buffer {
    let buffer = Buffer(byteCount: max(8, count * wordCount * 8))
    for (index, part) in parts.prefix(wordCount).enumerated() {
      let words = buffer.unsafeMutableValues(UInt64.self) + index
      part.form.words(columns[index], into: words, stride: wordCount)
      let flip: UInt64 = part.descending ? .max : 0
      let (column, null) = (columns[index], part.nullsFirst ? Self.nullFirst : Self.nullLast)
      for row in 0..<count {
        let word = words[row &* wordCount] ^ flip
        words[row &* wordCount] = min(max(word, Self.least), Self.greatest)
      }
      if column.validity != nil {
        for row in 0..<count where !column.isValid(row) { words[row &* wordCount] = null }
      }
    }
    return buffer
  }

  private static let nullFirst = UInt64.min
  private static let nullLast = UInt64.max
  /// Values whose words would be those of nulls share them with their neighbours.
  private static let least: UInt64 = 1
  private static let greatest = UInt64.max - 1

  /// Whether rows may differ in a part though they have this word there.
  @inline(__always)  // A part of the comparison of rows.
  func isCoarse(_ part: Int, _ word: UInt64) -> Bool {
    if word == Self.nullFirst || word == Self.nullLast { return false }
    return word == Self.least || word == Self.greatest || coarseParts &>> UInt8(truncatingIfNeeded: part) & 1 != 0
  }
}

/// Below 0 when the first bytes come first.
func bytesOrder(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Int {
  Int(memcmp(left, right, count))
}
