/// Why a plan, or another JSON document, was refused: one sentence that begins with the place.
public struct PlanError: Error, Sendable, Hashable, CustomStringConvertible {
  /// "nodes[3].operator.filter", or empty for the document itself.
  public var path: String
  /// What was found, what was expected.
  public var reason: String

  public init(_ reason: String, path: String = "") {
    self.path = path
    self.reason = reason
  }

  /// Place and reason.
  public var message: String { path.isEmpty ? reason : "\(path): \(reason)" }

  public var description: String { message }
}

extension PlanError {
  init(_ reason: String, at path: [any CodingKey]) { self.init(reason, path: Self.text(of: path)) }

  /// Any error of a decoder or encoder as a `PlanError`.
  init(_ error: any Error) {
    switch error {
    case let error as PlanError: self = error
    case DecodingError.dataCorrupted(let context), DecodingError.typeMismatch(_, let context),
      DecodingError.valueNotFound(_, let context):
      self.init(context.debugDescription, at: context.codingPath)
    case DecodingError.keyNotFound(let key, let context):
      self.init("missing field '\(key.stringValue)'", at: context.codingPath)
    case EncodingError.invalidValue(_, let context): self.init(context.debugDescription, at: context.codingPath)
    default: self.init("\(error)")
    }
  }

  /// "nodes[3].operator.filter".
  static func text(of path: [any CodingKey]) -> String {
    var text = ""
    for key in path {
      if let index = key.intValue {
        text += "[\(index)]"
      } else {
        if !text.isEmpty { text += "." }
        text += key.stringValue
      }
    }
    return text
  }
}

/// An element of an array, as a step of a path.
struct IndexKey: CodingKey {
  var index: Int

  init(_ index: Int) { self.index = index }
  init?(stringValue: String) { nil }
  init?(intValue: Int) { index = intValue }
  var stringValue: String { "\(index)" }
  var intValue: Int? { index }
}
