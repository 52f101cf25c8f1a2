/// What changes come to: nothing that was said of a table before all of it was removed counts.
struct SettledChanges {
  /// The tables all of whose entries of before are gone.
  private(set) var removedTables: Set<Int> = []
  /// What is put and removed then, in order; no table is removed.
  private(set) var parts: [StateChanges.Part] = []
  /// Of the parts.
  private(set) var rowCount = 0
  /// Of these, those that are removed.
  private(set) var removedCount = 0

  init(_ changes: StateChanges) {
    var last: [Int: Int] = [:]
    for (index, part) in changes.parts.enumerated() {
      if case .removeAll(let table) = part { last[table] = index }
    }
    removedTables = Set(last.keys)
    for (index, part) in changes.parts.enumerated() {
      switch part {
      case .put(let rows, let table) where index >= last[table] ?? 0: rowCount += rows.length
      case .remove(let rows, let table) where index >= last[table] ?? 0:
        rowCount += rows.length
        removedCount += rows.length
      default: continue
      }
      parts.append(part)
    }
  }

  /// The parts in pieces of about so many rows, in order.
  func pieces(_ rows: Int) -> [ArraySlice<StateChanges.Part>] {
    var pieces: [ArraySlice<StateChanges.Part>] = []
    var (start, count) = (0, 0)
    for (index, part) in parts.enumerated() {
      let partRows = part.rowCount
      if count > 0 && count + partRows > rows {
        pieces.append(parts[start..<index])
        (start, count) = (index, 0)
      }
      count += partRows
    }
    if start < parts.count { pieces.append(parts[start...]) }
    return pieces
  }
}

extension StateChanges.Part {
  var rowCount: Int {
    switch self {
    case .put(let rows, _), .remove(let rows, _): rows.length
    case .removeAll: 0
    }
  }
}
