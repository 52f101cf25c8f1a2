/// Something to be logged that has to do with one instance of a plugin's code.
public struct PluginEvent: Sendable, Hashable {
  public enum Level: UInt32, Sendable, Comparable {
    case debug = 0
    case info = 1
    case warning = 2
    case error = 3

    public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
  }

  public var level: Level
  public var plugin: String
  /// The function's id, or the connector's name.
  public var function: String
  public var uid: String
  public var subtask: Int
  public var text: String

  public init(level: Level, plugin: String, function: String, uid: String, subtask: Int, text: String) {
    self.level = level
    self.plugin = plugin
    self.function = function
    self.uid = uid
    self.subtask = subtask
    self.text = text
  }
}

/// Takes events, on any thread.
public typealias PluginListener = @Sendable (PluginEvent) -> Void
