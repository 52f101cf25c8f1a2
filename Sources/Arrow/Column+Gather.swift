extension Column {
  /// The selected rows, in a column of their own.
  public func gather(_ selection: Selection) -> Column { preconditionFailure("gather") }
}
