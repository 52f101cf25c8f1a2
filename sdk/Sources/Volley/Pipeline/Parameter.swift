import VolleyPlan

/// A value that is given from outside: `--set name=value`, a pipeline's or a connector's.
///
///     @Parameter("The files to read") var input = "orders.jsonl"
///     @Parameter var limit: Int                // must be given
///     @Parameter var region: String?           // may be given
///
/// The name is the property's. A value of a wrong type and a name that does not exist are refused before anything is built.
/// In `init` there are no values yet: a pipeline or connector that reads one there is refused; read it in `build`.
@propertyWrapper
public struct Parameter<Value: ParameterValue> {
  /// Shared by the copies of the pipeline, which is a value: it is set in one place before `build` is called.
  final class Storage {
    var value: Value?
    /// What was given has been set: the value is final.
    var isSettled = false
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
      if storage.isSettled, let value = storage.value { return value }
      return earlyValue
    }
    nonmutating set { storage.value = newValue }
  }

  /// The value of a parameter that nothing was given to. The host asked for something to be built: it is told that the
  /// author's code reads too early, and the default or a stand-in serves until then. Elsewhere, such as in an author's own
  /// test, a default is the value.
  @inline(never)
  private var earlyValue: Value {
    ParameterReads.current?.note(ObjectIdentifier(storage), type: Value.parameterType, isMissing: storage.value == nil)
    if let value = storage.value { return value }
    guard ParameterReads.current != nil, let value = Value.standIn else {
      preconditionFailure("a @Parameter without a default was read and never set: assign it before it is read")
    }
    return value
  }
}

extension ParameterValue {
  /// Any value of the type; nil when it takes none of the plain ones.
  fileprivate static var standIn: Self? {
    if let value = absent { return value }
    for json: JSONValue in [.int(0), .string(""), .bool(false), .double(0), .object([]), .array([]), .null] {
      if let value = Self(json: json) { return value }
    }
    return nil
  }
}

/// A parameter whose type is not known.
protocol AnyParameter {
  var typeName: String { get }
  var defaultText: String? { get }
  var help: String? { get }
  var isSet: Bool { get }
  /// Tells it from all others.
  var identity: ObjectIdentifier { get }
  /// All that is given has been set.
  func settle()
  /// Nil, or what was expected.
  func set(_ value: JSONValue) -> String?
}

extension Parameter: AnyParameter {
  var typeName: String { Value.parameterType }
  var defaultText: String? { defaultValue.map { $0.json.text } }
  var isSet: Bool { storage.value != nil }
  var identity: ObjectIdentifier { ObjectIdentifier(storage) }
  func settle() { storage.isSettled = true }

  func set(_ value: JSONValue) -> String? {
    guard let value = Value(json: value) else { return Value.expectation }
    storage.value = value
    return nil
  }
}
