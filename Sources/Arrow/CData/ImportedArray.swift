import CPlatform
import CVolley

/// An array that was moved here: released when the last column that views it is gone, on whichever thread that is.
final class ImportedArray: @unchecked Sendable {  // Never changed before its only owner destroys it.
  private(set) var array: ArrowArray
  private let releaseSite: UnsafePointer<platform_call_site>?

  /// Takes the struct over; the source is marked as released. nil when it already was.
  ///
  /// - Parameter releaseSite: whom a crash in the array's `release` is blamed on; lives as long as the process.
  init?(moving source: UnsafeMutablePointer<ArrowArray>, releaseSite: UnsafePointer<platform_call_site>?) {
    guard source.pointee.release != nil else { return nil }
    array = source.pointee
    source.pointee.release = nil
    self.releaseSite = releaseSite
  }

  deinit {
    let outer = platform_exchange_call(releaseSite)
    array.release?(&array)
    _ = platform_exchange_call(outer)
  }
}
