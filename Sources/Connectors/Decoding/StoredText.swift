/// Reads a value other than text from text and stores it. Something that is no digit must stand at `end`.
func storeText(
  _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ slot: UnsafeMutablePointer<ColumnSlot>, _ row: Int
) -> ValueProblem {
  switch slot.pointee.kind {
  case .bool:
    var value = false
    let problem = parseBool(start, end, &value)
    slot.pointee.set(row, value)
    return problem
  case .int32:
    var value: Int64 = 0
    let problem = parseInteger(start, end, &value)
    if problem != .none { return problem }
    guard let narrow = Int32(exactly: value) else { return .outOfRange }
    slot.pointee.set(row, narrow)
    return .none
  case .int64:
    var value: Int64 = 0
    let problem = parseInteger(start, end, &value)
    slot.pointee.set(row, value)
    return problem
  case .float64:
    var value = 0.0
    let problem = parseDouble(start, end, &value)
    slot.pointee.set(row, value)
    return problem
  case .timestamp:
    var value: Int64 = 0
    let problem = parseTimestamp(start, end, unit: slot.pointee.unit, &value)
    slot.pointee.set(row, value)
    return problem
  case .other: return slot.pointee.appendOther { $0.append(start, end) }
  case .utf8: preconditionFailure("text is copied, not parsed")
  }
}
