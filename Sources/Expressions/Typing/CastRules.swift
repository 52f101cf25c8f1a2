import Base
import Calendar
import VolleyPlan

/// Which casts there are, and which of them may fail.
enum CastRules {
  /// Nil when values of `source` can be cast to `target`, else why not and what to do instead.
  static func objection(from source: DataType, to target: DataType) -> String? {
    if source == target || source == .null { return nil }
    if case .dictionary(_, let value, _) = source { return objection(from: value, to: target) }
    if case .dictionary(_, let value, _) = target { return objection(from: source, to: value) }
    if let objection = scaleObjection(source) ?? scaleObjection(target) { return objection }
    switch (source, target) {
    case (.fixedSizeBinary(let width), .fixedSizeBinary(let other)):
      return "no value has \(width) and \(other) bytes; cast to binary instead"
    case _ where (source.isText || source.isBinary) && (target.isText || target.isBinary): return nil
    case _ where source.isNested || target.isNested: return nestedObjection(from: source, to: target)
    case _ where source.isBinary || target.isBinary:
      return "bytes are read as values only by way of text; cast to utf8 first"
    case _ where source.isTemporal || target.isTemporal:
      return TemporalCasts.objection(from: source.isText ? .utf8 : source, to: target.isText ? .utf8 : target)
    default:
      let scalar = { (type: DataType) in type.isNumeric || type == .bool || type.isText }
      return scalar(source) && scalar(target) ? nil : "there is no meaning to it"
    }
  }

  private static func scaleObjection(_ type: DataType) -> String? {
    guard case .decimal128(_, let scale) = type, abs(scale) > DecimalTypes.largestPrecision else { return nil }
    return "decimals are computed with scales of -38 to 38; choose another scale"
  }

  private static func nestedObjection(from source: DataType, to target: DataType) -> String? {
    switch (source, target) {
    case (.struct(let fields), .struct(let targets)):
      guard fields.map(\.name) == targets.map(\.name) else {
        return "the fields' names must be the same, in the same order; make the struct of its fields instead"
      }
    case (.map(let key, let value, _), .map(let otherKey, let otherValue, _)):
      return objection(from: key.type, to: otherKey.type) ?? objection(from: value.type, to: otherValue.type)
    case (.map, _), (_, .map), (.struct, _), (_, .struct):
      return "there is no meaning to it; take out its parts instead"
    default:
      guard source.isNested, target.isNested else { return "there is no meaning to it; take out its parts instead" }
    }
    for (field, other) in zip(source.childFields, target.childFields) {
      if let objection = objection(from: field.type, to: other.type) {
        return "\(field.name) is \(field.type) and cannot be \(other.type): \(objection)"
      }
    }
    return nil
  }

  /// Whether there are values of `source` that do not fit `target`. That a whole batch has too many bytes for a layout does
  /// not count.
  static func canFail(from source: DataType, to target: DataType) -> Bool {
    if source == target || source == .null { return false }
    if case .dictionary(_, let value, _) = source { return canFail(from: value, to: target) }
    // How many distinct values a batch has depends on its rows.
    if case .dictionary = target { return true }
    if source.isNested {
      if case .fixedSizeList = target { return true }
      return zip(source.childFields, target.childFields).contains { canFail(from: $0.type, to: $1.type) }
    }
    if target.isText { return source.isBinary }
    if target.isBinary { if case .fixedSizeBinary = target { return true } else { return false } }
    if source.isText { return true }
    if source.isTemporal || target.isTemporal { return timeCanFail(source, target) }
    return numberCanFail(source, target)
  }

  private static func timeCanFail(_ source: DataType, _ target: DataType) -> Bool {
    switch (source, target) {
    case (.timestamp(let unit, _), .timestamp(let targetUnit, _)): unit.perSecond < targetUnit.perSecond
    case (.int64, .timestamp), (.timestamp, .int64), (.int32, .timestamp), (.int32, .date32), (.date32, .int32),
      (.int64, .date64), (.date64, .int64), (.int64, .duration), (.duration, .int64), (.date32, .date64):
      false
    default: true
    }
  }

  private static func numberCanFail(_ source: DataType, _ target: DataType) -> Bool {
    if target == .bool || target.floatBits != nil { return false }
    if case .decimal128(let precision, let scale) = target {
      let held = source == .bool ? .decimal128(precision: 1, scale: 0) : DecimalTypes.holding(source)
      guard case .decimal128(let digits, let places) = held else { return true }
      return scale < places || precision - scale < digits - places
    }
    guard let shape = target.integerShape else { return true }
    if source == .bool { return false }
    guard let given = source.integerShape else { return true }
    return given.isSigned
      ? !shape.isSigned || shape.bits < given.bits : shape.bits < given.bits + (shape.isSigned ? 1 : 0)
  }
}

extension DataType {
  /// Whether values consist of values.
  var isNested: Bool {
    switch self {
    case .list, .largeList, .fixedSizeList, .struct, .map: true
    default: false
    }
  }
}
