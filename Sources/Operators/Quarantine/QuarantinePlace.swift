import Arrow
import VolleyPlan

/// What is said of each record that an operator sets aside, and of how many.
public struct QuarantinePlace: Sendable {
  /// The operator's uid, or a name made from its place in the plan.
  public var uid: String
  /// The functions that it calls.
  public var function: String
  /// The plugin that they are of.
  public var plugin: Plugin
  /// How many records a subtask of the operator sets aside in an epoch; in all its life when there are no epochs.
  public var limit: Int
  /// Whether epochs are taken: then the records leave in front of the barrier, with its number, and show when the epoch
  /// is complete.
  public var hasEpochs: Bool
  /// Tries calls before they are made, while it is on; nil where no function is known to trap.
  public var search: TrapSearch?

  public struct Plugin: Sendable, Hashable {
    public var name: String
    public var version: String
    /// 64 digits; nil where nobody has computed it.
    public var sha256: String?

    public init(name: String, version: String, sha256: String? = nil) {
      self.name = name
      self.version = version
      self.sha256 = sha256
    }
  }

  public init(
    uid: String, function: String, plugin: Plugin, limit: Int, hasEpochs: Bool, search: TrapSearch? = nil
  ) {
    self.uid = uid
    self.function = function
    self.plugin = plugin
    self.limit = limit
    self.hasEpochs = hasEpochs
    self.search = search
  }

  /// The columns of a record that is set aside.
  ///
  /// - Parameter input: the columns of the operator's input.
  public static func schema(of input: Schema) -> Schema {
    Schema([
      Field("record", .struct(input.fields), nullable: false), Field("error", .utf8, nullable: false),
      Field("uid", .utf8, nullable: false), Field("function", .utf8, nullable: false),
      Field("plugin", .utf8, nullable: false), Field("version", .utf8, nullable: false), Field("sha256", .utf8),
      Field("epoch", .int64), Field("input", .int64, nullable: false),
    ])
  }
}
