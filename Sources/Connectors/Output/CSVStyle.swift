/// How CSV is written. All bytes are ASCII.
struct CSVStyle: Sendable, Hashable {
  /// What is put in quotes.
  enum Quotes: String, Sendable, CaseIterable {
    /// Text that holds a delimiter, a quote, an escape or a line end, or that could be taken for null.
    case needed
    /// All text, and no other value.
    case text
    /// Every value; a null is not one.
    case all
    /// Nothing: what would end a field has an escape before it. Text that is empty cannot be told from a null that is.
    case none
  }

  var delimiter = UInt8(ascii: ",")
  var quote = UInt8(ascii: "\"")
  /// Before a quote in quotes, before itself, and before what would end a field without quotes; nil: a quote is doubled.
  var escape: UInt8?
  var quotes = Quotes.needed
  /// What stands for null.
  var nullText: [UInt8] = []
  /// Whether a carriage return stands before each line feed.
  var endsWithReturn = false
  /// Whether the columns' names come first.
  var hasHeader = true
}
