extension Plan {
  /// The first column of a stream whose rows may revise former ones, text: "+I" (a new row), "-U" and "+U" (a row before and
  /// after a change), "-D" (a row that no longer holds).
  public static let rowKindColumn = "row_kind"
}
