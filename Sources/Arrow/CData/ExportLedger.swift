import Synchronization

/// Counts what was exported to one receiver and has not been released yet, so that one that keeps batches for good can be named.
///
/// An exported batch or column is one, until its struct and all children that were moved out of it are released.
public final class ExportLedger: Sendable {
  /// To whom the exports go: a plugin's name, say.
  public let owner: String
  private let count = Atomic<Int>(0)
  private static let total = Atomic<Int>(0)

  public init(owner: String) { self.owner = owner }

  /// Exports not yet released.
  public var outstanding: Int { count.load(ordering: .acquiring) }

  /// The same over all ledgers of the process.
  public static var totalOutstanding: Int { total.load(ordering: .acquiring) }

  func exported() {
    count.wrappingAdd(1, ordering: .relaxed)
    Self.total.wrappingAdd(1, ordering: .relaxed)
  }

  func released() {
    count.wrappingSubtract(1, ordering: .releasing)
    Self.total.wrappingSubtract(1, ordering: .releasing)
  }
}
