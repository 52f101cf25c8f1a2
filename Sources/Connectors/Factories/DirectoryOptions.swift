import Arrow
import Base
import Keys
import VolleyPlan

/// The options of a sink whose files are completed before the job ends, or lie in folders by value.
struct DirectoryOptions: Sendable {
  private let policy: RollPolicy
  /// Partition columns, by index.
  private let partitionBy: [Int]
  private let maxOpenFiles: Int

  /// Nil when no such option is given: one file a subtask.
  init?(_ path: String, _ options: inout ConnectorOptions, _ schema: Schema) throws(Failure) {
    let bytes = try options.int("rollBytes", in: 1 ... .max)
    let interval = try options.seconds("rollInterval")
    let names = try options.strings("partitionBy", meaning: "the names of the columns to partition by") ?? []
    let maxOpenFiles = try options.int("maxOpenFiles", in: 1...65_536)
    guard bytes != nil || interval != nil || !names.isEmpty || maxOpenFiles != nil else { return nil }
    guard path.hasSuffix("/") else {
      throw Failure(
        .usage,
        "\(options.place): option 'path' is the file '\(path)', but rollBytes, rollInterval, partitionBy and maxOpenFiles "
          + "need a directory; end the path with '/'")
    }
    guard maxOpenFiles == nil || !names.isEmpty else {
      throw Failure(
        .usage, "\(options.place): option 'maxOpenFiles' is given without 'partitionBy'; one file is open then")
    }
    policy = RollPolicy(bytes: bytes.map { Int($0) }, nanoseconds: interval)
    self.maxOpenFiles = Int(maxOpenFiles ?? 64)
    var columns: [Int] = []
    for name in names {
      guard let index = schema.index(of: name) else {
        let hint = nearestName(to: name, among: schema.fields.map(\.name)).map { "; did you mean '\($0)'?" } ?? ""
        throw Failure(
          .usage,
          "\(options.place): option 'partitionBy' names '\(name)', but the columns are "
            + "\(schema.fields.map(\.name).joined(separator: ", "))\(hint)")
      }
      guard !columns.contains(index) else {
        throw Failure(.usage, "\(options.place): option 'partitionBy' names '\(name)' twice; name it once")
      }
      if let objection = KeyColumn.objection(to: schema.fields[index].type) {
        throw Failure(.usage, "\(options.place): option 'partitionBy' names '\(name)': \(objection)")
      }
      columns.append(index)
    }
    guard columns.count < schema.fields.count else {
      throw Failure(
        .usage,
        "\(options.place): option 'partitionBy' names every column, and none is left for the files; leave one out")
    }
    partitionBy = columns
  }

  /// The names of the files.
  ///
  /// - Parameter schema: the same as at first.
  func names(_ schema: Schema, suffix: String) -> PartNames {
    PartNames(
      suffix: suffix, isRolled: true, partitions: PartitionPath(columns: partitionBy, schema: schema).prefixes)
  }

  func makeSink(
    _ target: DirectoryTarget, _ schema: Schema, _ compression: OutputCompression?,
    makeFormatter: @escaping (Schema) -> any RowFormatter
  ) -> DirectorySink {
    DirectorySink(
      target, schema: schema, partitionBy: partitionBy, policy: policy, maxOpenFiles: maxOpenFiles,
      compression: compression, makeFormatter: makeFormatter)
  }
}
