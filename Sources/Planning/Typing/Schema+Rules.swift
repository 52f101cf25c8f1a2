import Arrow
import Base
import Expressions
import VolleyPlan

extension Schema {
  /// A schema whose names can be told apart.
  ///
  /// - Throws: `.usage` when there is no column, or two have one name.
  static func checked(_ fields: [Field]) throws(Failure) -> Schema {
    guard !fields.isEmpty else { throw Failure(.usage, "there are no columns; name at least one") }
    var names: Set<String> = []
    for field in fields {
      if field.name.isEmpty { throw Failure(.usage, "a column has an empty name; name it with .as(\"…\")") }
      if !names.insert(field.name).inserted {
        throw Failure(.usage, "two columns are named '\(field.name)'; rename one with .as(\"…\")")
      }
    }
    return Schema(fields)
  }

  /// The columns that expressions over these columns make.
  func fields(of columns: [NamedExpression]) throws(Failure) -> [Field] {
    var fields: [Field] = []
    for column in columns {
      do {
        let (type, nullable) = try column.expression.resolvedType(in: self)
        fields.append(Field(column.name, type, nullable: nullable))
      } catch {
        throw error.within("column '\(column.name)'")
      }
    }
    return fields
  }

  /// These columns, then the new ones; a name that exists is replaced in its place.
  func extended(by columns: [NamedExpression]) throws(Failure) -> Schema {
    var fields = self.fields
    let new = try self.fields(of: columns)
    if !new.isEmpty { _ = try Schema.checked(new) }
    for field in new {
      if let index = fields.firstIndex(where: { $0.name == field.name }) {
        fields[index] = field
      } else {
        fields.append(field)
      }
    }
    return try Schema.checked(fields)
  }

  /// The index of a column that has to be there.
  ///
  /// - Throws: `.usage`, naming the columns that there are.
  func required(_ name: String) throws(Failure) -> Int {
    guard let index = index(of: name) else {
      throw Failure(
        .usage, "there is no column '\(name)'; the columns are \(fields.map { "'\($0.name)'" }.joined(separator: ", "))"
      )
    }
    return index
  }

  /// The columns without what may be null.
  var columnTypes: [Field] { fields.map { Field($0.name, $0.type) } }
}

extension NamedExpression {
  /// Whether it is a column under its own name: a key that needs no computing.
  var isPlain: Bool { expression == .column(name) }
}
