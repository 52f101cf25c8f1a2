import Arrow
import Base
import VolleyPlan

/// A built-in function that a plan calls by name, other than the operators of `BuiltinFunction`.
///
/// A family of functions is a file in this folder that extends `FunctionTable` with an array of definitions. When a plan
/// is typed, `bind` looks at the arguments' types and constants once: it refuses what does not fit, says which types the
/// kernel wants (arguments are cast to them) and prepares what depends on constants only, such as a compiled pattern.
struct FunctionDefinition: Sendable {
  /// As plans spell it: lower case, words joined by `_`.
  let name: String
  /// The call as a person would write it, for messages: "substring(text, start[, length])".
  let usage: String
  /// How many arguments it takes.
  let arity: ClosedRange<Int>
  let bind: @Sendable (FunctionCall) throws(Failure) -> FunctionBinding

  init(
    _ name: String, _ usage: String, arity: ClosedRange<Int>,
    bind: @escaping @Sendable (FunctionCall) throws(Failure) -> FunctionBinding
  ) {
    self.name = name
    self.usage = usage
    self.arity = arity
    self.bind = bind
  }
}

/// One call of a function, as `bind` sees it.
struct FunctionCall {
  let definition: FunctionDefinition
  let arguments: [TypedExpression]

  var types: [DataType] { arguments.map(\.type) }

  /// The constant that an argument is; nil for an argument that is none or is absent, and for a null.
  func constant(_ index: Int) -> Literal? {
    guard index < arguments.count, case .literal(let literal) = arguments[index].node else { return nil }
    if case .null = literal { return nil }
    return literal
  }

  /// A refusal: "like: the pattern is int64, expected utf8; the call is like(text, pattern)".
  func refusal(_ finding: String) -> Failure {
    Failure(.usage, "\(definition.name): \(finding); the call is \(definition.usage)")
  }

  /// The text that an argument must be.
  ///
  /// - Parameter what: the argument, with its article: "the pattern".
  func text(_ index: Int, _ what: String) throws(Failure) -> String {
    switch constant(index) {
    case .utf8(let text), .string(let text, _): return text
    default: throw refusal("\(what) must be a constant text")
    }
  }

  /// The whole number that an argument must be.
  ///
  /// - Parameter what: the argument, with its article: "the length".
  func integer(_ index: Int, _ what: String) throws(Failure) -> Int {
    switch constant(index) {
    case .int64(let value): return Int(value)
    case .int32(let value): return Int(value)
    case .integer(let value, let type) where type.isInteger:
      if let value = Int(exactly: value) { return value }
    default: break
    }
    throw refusal("\(what) must be a constant whole number")
  }
}

/// What a call of a function becomes.
enum FunctionBinding {
  /// A kernel over the arguments.
  case kernel(BoundFunction)
  /// An expression of what is there already: `between` is two comparisons.
  case expression(TypedExpression)
}

/// A function that is ready to be called with columns.
///
/// Two calls of one function with equal argument nodes and types are one: the kernel must depend on nothing else.
final class BoundFunction: Sendable {
  typealias Kernel = @Sendable (_ arguments: [Operand], _ count: Int) throws(Failure) -> Column

  let name: String
  /// The types that the kernel takes, one an argument of the call.
  let argumentTypes: [DataType]
  let resultType: DataType
  /// Whether a row may be null though no argument is; a row with a null argument always may.
  let makesNulls: Bool
  /// Whether a null argument makes the row null whatever the others are.
  let isStrict: Bool
  /// Whether a row's values may stop the job. Such a function is never computed for a row that does not need it.
  let isFallible: Bool
  /// About how many nanoseconds a row takes.
  let cost: Double
  /// For a function that is the field of a struct and nothing else: which field. Of a column's struct such a field is read
  /// without the others.
  let structField: Int?
  /// Gives `count` rows of the result type. An operand is a column of `count` rows or a constant that is not null; a
  /// constant null comes as a column of nulls. What it throws names the row's values; null rows never make it throw.
  let kernel: Kernel

  init(
    _ name: String, _ argumentTypes: [DataType], _ resultType: DataType, makesNulls: Bool = false,
    isStrict: Bool = true, isFallible: Bool = false, cost: Double, structField: Int? = nil, kernel: @escaping Kernel
  ) {
    self.name = name
    self.argumentTypes = argumentTypes
    self.resultType = resultType
    self.makesNulls = makesNulls
    self.isStrict = isStrict
    self.isFallible = isFallible
    self.cost = cost
    self.structField = structField
    self.kernel = kernel
  }
}

extension BoundFunction: Hashable {
  static func == (left: BoundFunction, right: BoundFunction) -> Bool {
    left.name == right.name && left.argumentTypes == right.argumentTypes && left.resultType == right.resultType
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(argumentTypes)
  }
}

extension FunctionCall {
  /// The kernel's binding, with the call's name.
  func kernel(
    _ argumentTypes: [DataType], _ resultType: DataType, makesNulls: Bool = false, isStrict: Bool = true,
    isFallible: Bool = false, cost: Double, structField: Int? = nil, _ kernel: @escaping BoundFunction.Kernel
  ) -> FunctionBinding {
    .kernel(
      BoundFunction(
        definition.name, argumentTypes, resultType, makesNulls: makesNulls, isStrict: isStrict,
        isFallible: isFallible, cost: cost, structField: structField, kernel: kernel))
  }
}

extension Operand {
  /// The operand as a column of `count` rows.
  func column(_ count: Int) throws(Failure) -> Column {
    switch self {
    case .column(let column): column
    case .constant(let literal): try Column.repeating(literal, count: count)
    }
  }
}
