import Arrow
import Base
import Expressions
import VolleyPlan

/// User functions that note what they are asked.
final class RecordingFunctions: ScalarFunctionProvider {
  /// "open tax", "tax 3 rows", "close tax", …
  var events: [String] = []
  /// What a function does; by default it gives its first argument back.
  var behaviour: (_ name: String, _ arguments: [Column], _ rowCount: Int) throws(Failure) -> Column

  init(
    _ behaviour: @escaping (String, [Column], Int) throws(Failure) -> Column = { _, arguments, _ in arguments[0] }
  ) { self.behaviour = behaviour }

  /// Functions whose `open` or `close` fails.
  var failingOpen: Set<String> = []
  var failingClose: Set<String> = []

  func makeScalarFunction(_ function: Expression.UserFunction) throws(Failure) -> any ScalarFunction {
    Function(name: function.function, owner: self)
  }

  private final class Function: ScalarFunction {
    let name: String
    let owner: RecordingFunctions

    init(name: String, owner: RecordingFunctions) {
      self.name = name
      self.owner = owner
    }

    func open() throws(Failure) {
      owner.events.append("open \(name)")
      if owner.failingOpen.contains(name) { throw Failure(.io, "\(name) cannot open") }
    }

    func call(_ arguments: [Column], rowCount: Int) throws(Failure) -> Column {
      owner.events.append("\(name) \(rowCount) rows")
      return try owner.behaviour(name, arguments, rowCount)
    }

    func close() throws(Failure) {
      owner.events.append("close \(name)")
      if owner.failingClose.contains(name) { throw Failure(.io, "\(name) cannot close") }
    }
  }
}

/// A call of a user function of one type.
func user(
  _ name: String, _ arguments: Expression..., type: DataType = .int64, result: DataType? = nil,
  acceptsNulls: Bool = false
) -> Expression {
  .userFunction(
    .init(
      function: name, arguments: arguments, parameterTypes: arguments.map { _ in type }, resultType: result ?? type,
      acceptsNulls: acceptsNulls))
}

func ints(_ values: Int64?...) -> [Literal?] { values.map { $0.map { .int64($0) } } }
func bools(_ values: Bool?...) -> [Literal?] { values.map { $0.map { .bool($0) } } }
