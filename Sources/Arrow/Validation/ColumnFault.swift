import Base

/// What is wrong with a column that somebody else made.
public struct ColumnFault: Error, Sendable, Hashable {
  /// The column's name, and those of the children on the way to the one at fault: `orders.item.price`.
  public var path: String
  /// What was found and what was expected: "has lists up to item 9, and only 3 items".
  public var finding: String

  public init(_ path: String, _ finding: String) {
    self.path = path
    self.finding = finding
  }

  /// The fault as a sentence.
  ///
  /// - Parameter source: where the column is from: "received through the Arrow C data interface", "of batch 3".
  public func failure(_ kind: Failure.Kind, _ source: String) -> Failure {
    Failure(kind, "column '\(path)' \(source) \(finding)")
  }
}
