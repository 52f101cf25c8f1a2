/// What an author writes: a type that describes sources, operators and sinks.
///
/// The host makes a value of the type, sets its `@Parameter`s, and calls `build` once; nothing runs before that.
public protocol Pipeline {
  init()

  /// Describes the pipeline, from its sources to its sinks. An error that is thrown ends the start of the job.
  func build(_ env: StreamExecutionEnvironment) throws

  /// The pipeline's name, also the job's; by default the type's.
  static var name: String { get }
  /// By default the plugin's.
  static var version: String? { get }
  /// One sentence for `volley-host inspect`.
  static var summary: String? { get }
}

extension Pipeline {
  public static var name: String { "\(Self.self)" }
  public static var version: String? { nil }
  public static var summary: String? { nil }
}
