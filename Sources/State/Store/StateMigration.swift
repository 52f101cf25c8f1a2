import VolleyPlan

/// Whether state that was written with some tables can be gone on with by an operator that has others.
public struct StateMigration: Sendable, Hashable {
  public enum Verdict: Sendable, Hashable {
    /// As it is.
    case same
    /// It is rewritten: what becomes of what, in words.
    case widens([String])
    /// It cannot be: why, in words.
    case conflicts([String])
  }

  /// What becomes of a column of values.
  enum Change: Sendable, Hashable {
    case keep
    /// Every value is one of the wider type too.
    case widen
    /// Nulls: the column is new.
    case add
  }

  /// Of all tables of an operator.
  public static func verdict(from old: [StateTable], to new: [StateTable]) -> Verdict {
    var (widens, conflicts): ([String], [String]) = ([], [])
    for table in new {
      guard let former = old.first(where: { $0.name == table.name }) else {
        widens.append("table '\(table.name)' is new")
        continue
      }
      switch verdict(from: former, to: table) {
      case .same: break
      case .widens(let reasons): widens += reasons
      case .conflicts(let reasons): conflicts += reasons
      }
    }
    for table in old where !new.contains(where: { $0.name == table.name }) {
      conflicts.append("table '\(table.name)' is gone")
    }
    if !conflicts.isEmpty { return .conflicts(conflicts) }
    return widens.isEmpty ? .same : .widens(widens)
  }

  /// Of one table, whose name is the same.
  public static func verdict(from old: StateTable, to new: StateTable) -> Verdict {
    var (widens, conflicts): ([String], [String]) = ([], [])
    let place = "table '\(new.name)'"
    if old.scope != new.scope {
      conflicts.append("\(place) belonged to a \(old.scope.rawValue) and belongs to a \(new.scope.rawValue)")
    }
    for (kind, was, now) in [("key", old.key, new.key), ("namespace", old.namespace, new.namespace)] {
      // A key of another type has another hash and another place.
      guard was.map(\.name) == now.map(\.name), was.map(\.type) == now.map(\.type) else {
        conflicts.append("\(place): the \(kind) was (\(list(was))) and is (\(list(now)))")
        continue
      }
      if was != now { widens.append("\(place): the nulls of the \(kind)") }
    }
    let places = places(from: old, to: new)
    for (index, field) in new.value.enumerated() {
      guard let origin = places[index] else {
        if field.nullable {
          widens.append("\(place): \(field) is new and null")
        } else {
          conflicts.append(
            "\(place): \(field) is new, and what is there has no value for it; only one that is nullable can be added")
        }
        continue
      }
      let former = old.value[origin]
      if former == field { continue }
      if former.name == field.name, former.type == field.type || canWiden(former.type, field.type) {
        widens.append("\(place): \(former) becomes \(field)")
      } else {
        conflicts.append("\(place): column \(index + 1) was \(former) and is \(field)")
      }
    }
    for (index, field) in old.value.enumerated() where !places.contains(index) {
      conflicts.append("\(place): \(field) is gone")
    }
    if !conflicts.isEmpty { return .conflicts(conflicts) }
    return widens.isEmpty ? .same : .widens(widens)
  }

  /// By column of the new table's values: the same column's place in the old one's; nil: it is new.
  ///
  /// Columns are the same by their names, wherever they stand, so that a new one may stand among the others; where two
  /// have one name, by their types too. Those whose names begin with `$` are of the operator's own making and mean
  /// something by their order: new ones stand behind the others. Where all that is no help, places are the same.
  static func places(from old: StateTable, to new: StateTable) -> [Int?] {
    let (former, names) = (old.value.map(\.name), new.value.map(\.name))
    let own = { (names: [String]) in names.filter { $0.hasPrefix("$") } }
    if own(names).starts(with: own(former)) {
      if isUnique(former), isUnique(names) { return names.map { former.firstIndex(of: $0) } }
      if isUnique(old.value), isUnique(new.value) { return new.value.map { old.value.firstIndex(of: $0) } }
    }
    return names.indices.map { $0 < former.count ? $0 : nil }
  }

  private static func isUnique(_ list: [some Hashable]) -> Bool { Set(list).count == list.count }

  private static func list(_ fields: [Field]) -> String { fields.map(\.description).joined(separator: ", ") }

  /// By column of the new table's values, for tables that do not conflict.
  static func changes(from old: StateTable, to new: StateTable) -> [Change] {
    zip(new.value, places(from: old, to: new)).map { field, place in
      guard let place else { return .add }
      return old.value[place].type == field.type ? .keep : .widen
    }
  }

  /// Whether entries have other bytes than before.
  static func rewrites(from old: StateTable, to new: StateTable) -> Bool {
    changes(from: old, to: new).contains { $0 != .keep } || places(from: old, to: new) != old.value.indices.map { $0 }
  }

  /// Whether every value of a type is one of the other.
  public static func canWiden(_ old: DataType, _ new: DataType) -> Bool {
    if case .decimal128(let precision, let scale) = old, case .decimal128(let wider, let other) = new {
      return other == scale && wider >= precision
    }
    if let (bits, isSigned) = integer(old) {
      if let (more, signed) = integer(new) { return signed == isSigned ? more > bits : signed && more > bits }
      // What a float's fraction has room for.
      switch new {
      case .float32: return bits <= 16
      case .float64: return bits <= 32
      default: return false
      }
    }
    switch (old, new) {
    case (.float16, .float32), (.float16, .float64), (.float32, .float64): return true
    case (.utf8, .largeUtf8), (.utf8, .utf8View), (.binary, .largeBinary), (.binary, .binaryView): return true
    default: return false
    }
  }

  private static func integer(_ type: DataType) -> (bits: Int, isSigned: Bool)? {
    switch type {
    case .int8: (8, true)
    case .int16: (16, true)
    case .int32: (32, true)
    case .int64: (64, true)
    case .uint8: (8, false)
    case .uint16: (16, false)
    case .uint32: (32, false)
    case .uint64: (64, false)
    default: nil
    }
  }
}
