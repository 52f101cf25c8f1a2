import CVolley

extension RecordBatch {
  /// Writes a struct array of the columns: a view of their memory, which stays alive until the receiver releases it.
  ///
  /// - Parameters:
  ///   - target: memory for a struct, whose content is overwritten.
  ///   - ledger: counts the export until it is released.
  /// - Precondition: the batch has no selection.
  public func export(into target: UnsafeMutablePointer<ArrowArray>, ledger: ExportLedger? = nil) {
    precondition(selection == nil, "only a batch without a selection is exported")
    ExportBlock.export(columns, length: length, into: target, ledger: ledger)
  }
}

extension Column {
  /// Writes an array: a view of the column's memory, which stays alive until the receiver releases it.
  ///
  /// - Parameters:
  ///   - target: memory for a struct, whose content is overwritten.
  ///   - ledger: counts the export until it is released.
  public func export(into target: UnsafeMutablePointer<ArrowArray>, ledger: ExportLedger? = nil) {
    ExportBlock.export(self, into: target, ledger: ledger)
  }
}
