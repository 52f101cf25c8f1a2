import Base

/// The name of a new pipeline package, and what follows from it.
struct PackageName: Sendable, Hashable {
  /// As given: "word-count".
  let name: String
  /// The pipeline's type: "WordCount".
  let type: String
  /// The package's module and library: "WordCount", which makes libWordCount.so.
  var library: String { type }

  /// Letters, digits, '-' and '_'; a letter first; at most 64.
  ///
  /// - Throws: `usage` when it is none, or when a type of that name would hide one that the package needs.
  init(_ name: String) throws(Failure) {
    let scalars = Array(name.unicodeScalars)
    guard let first = scalars.first, first.isLetter, scalars.count <= 64,
      scalars.allSatisfy({ $0.isLetter || $0.isDigit || $0 == "-" || $0 == "_" })
    else {
      throw Failure(
        .usage,
        "'\(name)' cannot name a package: use a letter, then letters, digits, '-' or '_', at most 64 in all, "
          + "such as 'word-count'")
    }
    self.name = name
    type = name.split { $0 == "-" || $0 == "_" }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    if Self.taken.contains(type) {
      throw Failure(
        .usage,
        "'\(name)' cannot name a package, because its type '\(type)' would hide the one of Swift or Volley: "
          + "choose another, such as 'my-\(name)'")
    }
  }

  /// Modules that the package uses or that its tests use, and types that its sources name.
  private static let taken: Set<String> = [
    "Swift", "Glibc", "Foundation", "Testing", "XCTest", "Volley", "VolleyPlan", "VolleyTesting", "CVolley", "Pipeline",
    "Plugin", "Parameter", "StreamExecutionEnvironment", "Schema", "Source", "Sink", "Duration", "String", "Int",
    "Int32",
    "Int64", "Double", "Bool", "Array", "Dictionary", "Set", "Optional", "Result", "Error", "Never", "Any", "Type",
    "Self",
    "Protocol", "Package", "Target", "Product", "Task",
  ]
}

extension Unicode.Scalar {
  fileprivate var isLetter: Bool { ("a"..."z").contains(self) || ("A"..."Z").contains(self) }
  fileprivate var isDigit: Bool { ("0"..."9").contains(self) }
}
