import VolleyPlan

/// The columns of a batch. A class, so that batches share one and equal schemas are usually the same object.
public final class Schema: Sendable {
  public let fields: [Field]

  public init(_ fields: [Field]) { self.fields = fields }

  /// The first column of that name.
  public func index(of name: String) -> Int? { fields.firstIndex { $0.name == name } }
}

extension Schema: Equatable {
  public static func == (left: Schema, right: Schema) -> Bool { left === right || left.fields == right.fields }
}

extension Schema: CustomStringConvertible {
  public var description: String { fields.map(\.description).joined(separator: ", ") }
}
