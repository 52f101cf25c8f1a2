import VolleyPlan

/// How a sink's rows are spread over the files of a directory.
///
/// Without bounds and partitions each subtask has one file, `part-<subtask>`, which replaces a former one when the job ends; parts that only
/// a former run had are removed.
///
/// Else files are named `part-<subtask>-<sequence>`, appear one after the other when they are complete, and never replace one: the
/// files of former runs stay and the sequence goes on behind them. **A second run over the same input adds its rows a second time.** Empty the
/// folder before, or give each run a folder of its own; the log says at the start how many files of former runs there are.
public struct FileLayout: Sendable {
  /// A file that has so many bytes is complete; nil: any size.
  public var rollBytes: Int?
  /// A file whose first row is so old is complete; nil: any age.
  public var rollInterval: Duration?
  /// The columns by whose values rows go to folders below each other, `country=DE/` (as Hive names them); they are left out
  /// of the files.
  public var partitionBy: [String]
  /// How many files of partitions a subtask keeps open; the one used longest ago is completed for the next. Nil: 64.
  public var maxOpenFiles: Int?

  public init(
    rollBytes: Int? = nil, rollInterval: Duration? = nil, partitionBy: [String] = [], maxOpenFiles: Int? = nil
  ) {
    self.rollBytes = rollBytes
    self.rollInterval = rollInterval
    self.partitionBy = partitionBy
    self.maxOpenFiles = maxOpenFiles
  }

  /// One file a subtask.
  public static var onePerSubtask: FileLayout { FileLayout() }

  var options: [JSONValue.Member] {
    var options: [JSONValue.Member] = []
    if let rollBytes { options.append(.init("rollBytes", .int(Int64(rollBytes)))) }
    if let rollInterval { options.append(.init("rollInterval", .double(rollInterval / .seconds(1)))) }
    if !partitionBy.isEmpty { options.append(.init("partitionBy", .array(partitionBy.map { .string($0) }))) }
    if let maxOpenFiles { options.append(.init("maxOpenFiles", .int(Int64(maxOpenFiles)))) }
    return options
  }
}
