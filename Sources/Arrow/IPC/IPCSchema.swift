import VolleyPlan

/// A schema as Arrow IPC carries it: the fields, and what `Field` has no place for.
public struct IPCSchema: Sendable, Hashable {
  public var fields: [Field]
  /// The schema's custom metadata, in its order; a key may occur more than once.
  public var metadata: [IPCKeyValue]
  /// One for each field.
  public var annotations: [IPCAnnotation]

  /// - Parameter annotations: one for each field, or none: then no field has metadata.
  public init(_ fields: [Field], metadata: [IPCKeyValue] = [], annotations: [IPCAnnotation] = []) {
    precondition(annotations.isEmpty || annotations.count == fields.count, "a schema has an annotation for each field")
    self.fields = fields
    self.metadata = metadata
    self.annotations = annotations.isEmpty ? fields.map { IPCAnnotation(for: $0.type) } : annotations
  }
}

/// An entry of custom metadata.
public struct IPCKeyValue: Sendable, Hashable {
  public var key: String
  public var value: String

  public init(_ key: String, _ value: String) {
    self.key = key
    self.value = value
  }
}

/// What stands beside a field in Arrow IPC.
public struct IPCAnnotation: Sendable, Hashable {
  /// The field's custom metadata; an extension type is told here.
  public var metadata: [IPCKeyValue]
  /// By the type's `childFields`; those of a dictionary are its value type's.
  public var children: [IPCAnnotation]
  /// Which dictionary batches are for this field, in data that was read; a writer numbers its own.
  var dictionary: Int64?

  /// - Parameter children: one for each child of the type that the field has.
  public init(metadata: [IPCKeyValue] = [], children: [IPCAnnotation] = []) {
    self.metadata = metadata
    self.children = children
  }

  /// No metadata, for a field of that type and all below it.
  public init(for type: DataType) {
    self.init(children: type.encodedChildren.map { IPCAnnotation(for: $0.type) })
  }

  public static func == (left: IPCAnnotation, right: IPCAnnotation) -> Bool {
    left.metadata == right.metadata && left.children == right.children
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(metadata)
    hasher.combine(children)
  }
}

extension DataType {
  /// The children of a field in IPC: a dictionary has those of its values.
  var encodedChildren: [Field] {
    if case .dictionary(_, let value, _) = self { value.childFields } else { childFields }
  }
}
