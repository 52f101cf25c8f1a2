import Arrow
import Base
import Dataflow
import Expressions
import VolleyPlan

/// Where an instance of user code stands.
public struct UserCodePlace: Sendable {
  /// The operator's uid, or a name made from its place in the plan.
  public var uid: String
  public var subtask: SubtaskContext

  public init(uid: String, subtask: SubtaskContext) {
    self.uid = uid
    self.subtask = subtask
  }
}

/// Makes instances of the code that plugins bring. `PluginLoading` is one; a test may be another.
public protocol UserCode: AnyObject {
  /// The functions in the expressions of the operator at `place`.
  func scalarFunctions(at place: UserCodePlace) -> any ScalarFunctionProvider
  /// A batch function as an operator: one input, `outputs.count` outputs.
  func makeBatchFunction(
    _ function: String, input: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any Operator
  /// A keyed process function: `states` as the plan declares them, and what it is given of the rows and of their keys.
  func makeKeyedProcess(
    _ function: String, states: [Plan.State], rows: Schema, keys: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any KeyedProcessCode
  /// A window function: what it is given of the rows and of their keys.
  func makeWindowFunction(
    _ function: String, rows: Schema, keys: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any WindowFunctionCode
  func makeWatermarkAssigner(
    _ function: String, rows: Schema, at place: UserCodePlace
  ) throws(Failure) -> any WatermarkCode
  func makeAsyncFunction(
    _ function: String, input: Schema, output: Schema, at place: UserCodePlace
  ) throws(Failure) -> any AsyncCode
  func makeSource(_ function: String, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Source
  func makeSink(_ function: String, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Sink
  /// The codecs that plugins bring, for files and buffers of the host's own connectors.
  var codecs: CodecSet { get }
  /// The names of the connectors that plugins bring.
  var connectorNames: [String] { get }
  func makeSource(_ connector: Plan.Connector, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Source
  func makeSink(_ connector: Plan.Connector, schema: Schema, at place: UserCodePlace) throws(Failure) -> any Sink
}

extension UserCode {
  public func makeWindowFunction(
    _ function: String, rows: Schema, keys: Schema, outputs: [Schema], at place: UserCodePlace
  ) throws(Failure) -> any WindowFunctionCode {
    throw Failure(.usage, "the function '\(function)' is a plugin's, and none can be called here")
  }

  public func makeWatermarkAssigner(
    _ function: String, rows: Schema, at place: UserCodePlace
  ) throws(Failure) -> any WatermarkCode {
    throw Failure(.usage, "the function '\(function)' is a plugin's, and none can be called here")
  }

  public func makeAsyncFunction(
    _ function: String, input: Schema, output: Schema, at place: UserCodePlace
  ) throws(Failure) -> any AsyncCode {
    throw Failure(.usage, "the function '\(function)' is a plugin's, and none can be called here")
  }

  public var codecs: CodecSet { .none }
}
