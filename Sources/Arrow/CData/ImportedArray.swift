import CVolley

/// An array that was moved here: released when the last column that views it is gone, on whichever thread that is.
final class ImportedArray: @unchecked Sendable {  // Never changed before its only owner destroys it.
  private(set) var array: ArrowArray

  /// Takes the struct over; the source is marked as released. nil when it already was.
  init?(moving source: UnsafeMutablePointer<ArrowArray>) {
    guard source.pointee.release != nil else { return nil }
    array = source.pointee
    source.pointee.release = nil
  }

  deinit { array.release?(&array) }
}
