import Arrow
import Base
import CVolley
import VolleyPlan

/// The arrays that cross between the host and one instance.
///
/// What the plugin took is counted until it is released. Batches that it passes on in its own results are released when the
/// host is done with those, so only after the job can one say what was kept for good; before, what looks like a leak is a
/// warning at each doubling.
final class ArrayLedger {
  private let exports: ExportLedger
  private let releaseSite: CallSite
  private var warningAt = 1024

  /// - Parameter releaseSite: the place of the plugin's release callbacks.
  init(owner: String, releaseSite: CallSite) {
    exports = ExportLedger(owner: owner)
    self.releaseSite = releaseSite
  }

  /// Batches that the plugin took and has not released.
  var held: Int { exports.outstanding }

  /// Writes a batch for the plugin to move away; the caller releases what is left with `release`.
  ///
  /// - Returns: how many batches the plugin holds, when that is worth a warning.
  func give(_ batch: RecordBatch, in target: UnsafeMutablePointer<ArrowArray>) -> Int? {
    batch.export(into: target, ledger: exports)
    let held = held
    guard held >= warningAt else { return nil }
    while held >= warningAt { warningAt *= 2 }
    return held
  }

  /// Moves a batch here, judged against its schema.
  ///
  /// - Parameter finding: what the plugin did, for the message.
  func take(
    _ source: UnsafeMutablePointer<ArrowArray>, schema: Schema, finding: () -> String
  ) throws(Failure) -> RecordBatch {
    do throws(Failure) {
      return try RecordBatch.importing(source, schema: schema, releaseSite: releaseSite.pointer)
    } catch {
      throw error.within(finding())
    }
  }

  /// Moves a column here, judged against its field.
  func take(
    _ source: UnsafeMutablePointer<ArrowArray>, field: Field, finding: () -> String
  ) throws(Failure) -> Column {
    do throws(Failure) {
      return try Column.importing(source, field: field, releaseSite: releaseSite.pointer)
    } catch {
      throw error.within(finding())
    }
  }

  /// Releases an array of the host's that the plugin did not move away.
  static func takeBack(_ array: UnsafeMutablePointer<ArrowArray>) {
    if let release = array.pointee.release { release(array) }
  }

  /// Releases an array of the plugin's that the host has no use for.
  func drop(_ array: UnsafeMutablePointer<ArrowArray>) {
    if let release = array.pointee.release { releaseSite.run { release(array) } }
  }
}
