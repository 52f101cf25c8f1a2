/// The rows of a batch that a filter kept: ascending row indices.
public struct Selection: Sendable {
  /// UInt32 row indices.
  public var indices: Buffer
  public var count: Int

  public init(indices: Buffer, count: Int) {
    self.indices = indices
    self.count = count
  }

  @inlinable
  public var rows: UnsafePointer<UInt32> { indices.values(UInt32.self) }
}
