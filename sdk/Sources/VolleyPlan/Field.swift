/// A column's name, type and whether it may hold nulls.
public struct Field: Codable, Sendable, Hashable {
  public var name: String
  public var type: DataType
  public var nullable: Bool

  enum CodingKeys: String, CodingKey, CaseIterable { case name, type, nullable }

  public init(_ name: String, _ type: DataType, nullable: Bool = true) {
    self.name = name
    self.type = type
    self.nullable = nullable
  }
}

extension Field: CustomStringConvertible {
  public var description: String { "\(name): \(type)\(nullable ? "" : " not null")" }
}
