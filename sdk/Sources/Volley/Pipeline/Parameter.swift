import VolleyPlan

/// A value that is given from outside: `--set name=value`, a pipeline's or a connector's.
///
///     @Parameter("The files to read") var input = "orders.jsonl"
///     @Parameter var limit: Int                // must be given
///     @Parameter var region: String?           // may be given
///
/// The name is the property's. A value of a wrong type and a name that does not exist are refused before anything is built.
@propertyWrapper
public struct Parameter<Value: ParameterValue> {
  /// Shared by the copies of the pipeline, which is a value: it is set in one place before `build` is called.
  final class Storage {
    var value: Value?
    init(_ value: Value?) { self.value = value }
  }

  let storage: Storage
  let defaultValue: Value?
  let help: String?

  /// - Parameter help: one sentence for `volley-host inspect`.
  public init(wrappedValue: Value, _ help: String? = nil) {
    storage = Storage(wrappedValue)
    defaultValue = wrappedValue
    self.help = help
  }

  /// A parameter without a default must be given.
  public init(_ help: String? = nil) {
    storage = Storage(Value.absent)
    defaultValue = Value.absent
    self.help = help
  }

  public var wrappedValue: Value {
    get {
      guard let value = storage.value else {
        fatalError("a @Parameter without a default was read before it was set: read it in `build`, not in `init`")
      }
      return value
    }
    nonmutating set { storage.value = newValue }
  }
}

/// A parameter whose type is not known.
protocol AnyParameter {
  var typeName: String { get }
  var defaultText: String? { get }
  var help: String? { get }
  var isSet: Bool { get }
  /// Nil, or what was expected.
  func set(_ value: JSONValue) -> String?
}

extension Parameter: AnyParameter {
  var typeName: String { Value.parameterType }
  var defaultText: String? { defaultValue.map { $0.json.text } }
  var isSet: Bool { storage.value != nil }

  func set(_ value: JSONValue) -> String? {
    guard let value = Value(json: value) else { return Value.expectation }
    storage.value = value
    return nil
  }
}
