import Volley
import VolleyPlan

/// A run of a pipeline in a real `volley-host`, with rows of the test's instead of its sources, and its sinks' rows handed
/// back.
///
///     let result = try PipelineTest("my-pipe")
///       .feed("orders", rows: [Order(user: 1, amount: 2.5)])
///       .set("limit", 10)
///       .run(collecting: "out")
///     #expect(try result.rows(at: "out", as: Revenue.self) == [Revenue(user: 1, revenue: 2.5)])
///
/// The host is the program that `VOLLEY_HOST` names, else `volley-host` in `PATH`. Sources that get no rows and sinks that
/// are not collected do what the pipeline says.
public struct PipelineTest: Sendable {
  private let plugin: String
  private let pipeline: String?
  private var feeds: [(uid: String, rows: [JSONValue])] = []
  private var settings: [(name: String, value: String)] = []
  private var arguments: [String] = []
  private var limit = Duration.seconds(60)

  /// - Parameters:
  ///   - plugin: the name of the package's library product, found beside the test's own program; or, with a "/" in it,
  ///     the path of a plugin.
  ///   - pipeline: which one, when the plugin has several.
  public init(_ plugin: String, pipeline: String? = nil) {
    self.plugin = plugin
    self.pipeline = pipeline
  }

  /// Gives the source `uid` these rows, one JSON object each, and nothing else.
  public func feed(_ uid: String, rows: [[String: JSONValue]]) -> PipelineTest {
    feed(uid, json: rows.map { row in .object(row.sorted { $0.key < $1.key }.map { .init($0.key, $0.value) }) })
  }

  /// Gives the source `uid` these rows, whose fields are its columns, and nothing else.
  public func feed<Row: Encodable>(_ uid: String, rows: [Row]) throws -> PipelineTest {
    var json: [JSONValue] = []
    for row in rows { json.append(try PlanEncoder().encode(row)) }
    return feed(uid, json: json)
  }

  private func feed(_ uid: String, json: [JSONValue]) -> PipelineTest {
    var result = self
    result.feeds.removeAll { $0.uid == uid }
    result.feeds.append((uid, json))
    return result
  }

  /// Sets a parameter of the pipeline.
  public func set(_ name: String, _ value: some ParameterValue) -> PipelineTest {
    var result = self
    if case .string(let text) = value.json {
      result.settings.append((name, text))
    } else {
      result.settings.append((name, value.json.text))
    }
    return result
  }

  /// Adds flags of `volley-host run`, such as `"--parallelism", "4"`.
  public func flags(_ flags: String...) -> PipelineTest {
    var result = self
    result.arguments += flags
    return result
  }

  /// How long the run may take before it is ended and fails; a minute by default.
  public func within(_ limit: Duration) -> PipelineTest {
    var result = self
    result.limit = limit
    return result
  }

  /// Runs the pipeline to its end.
  ///
  /// - Parameter sinks: the uids of the sinks whose rows are handed back instead of written.
  /// - Throws: `PipelineTestFailure`: there is no host or plugin, or the run failed.
  public func run(collecting sinks: String...) throws -> PipelineTestResult {
    let folder = try ScratchFolder()
    defer { folder.remove() }
    var command = [try Locations.host(), "run", "--plugin", try Locations.plugin(plugin)]
    if let pipeline { command += ["--pipeline", pipeline] }
    for (name, value) in settings { command += ["--set", "\(name)=\(value)"] }
    for (index, feed) in feeds.enumerated() {
      let file = folder.file("source-\(index).jsonl")
      try ScratchFolder.write(feed.rows.map { $0.text + "\n" }.joined(), to: file)
      command += ["--test-source", "\(feed.uid)=\(file)"]
    }
    for (index, sink) in sinks.enumerated() {
      command += ["--test-sink", "\(sink)=\(folder.file("sink-\(index).jsonl"))"]
    }
    command += arguments

    let outcome = try Program.run(command, scratch: folder, limit: limit)
    // One that was ended after its limit and drained well has failed all the same.
    guard outcome.status == 0, !outcome.isTimedOut else {
      throw PipelineTestFailure(outcome, command: command, limit: limit)
    }
    var collected: [String: [JSONValue]] = [:]
    for (index, sink) in sinks.enumerated() {
      collected[sink] = try Self.rows(try ScratchFolder.read(folder.file("sink-\(index).jsonl")), of: sink)
    }
    return PipelineTestResult(output: outcome.output, log: outcome.errors, collected: collected)
  }

  private static func rows(_ text: [UInt8], of sink: String) throws -> [JSONValue] {
    var rows: [JSONValue] = []
    for line in text.split(separator: UInt8(ascii: "\n")) {
      do {
        rows.append(try JSONValue.parse(Array(line)))
      } catch {
        throw PipelineTestFailure("a row that came to sink '\(sink)' is not JSON: \(error.message)")
      }
    }
    return rows
  }
}

/// What a run gave.
public struct PipelineTestResult: Sendable {
  /// What the host wrote to standard output.
  public let output: String
  /// What the host wrote to standard error: its log and report.
  public let log: String
  let collected: [String: [JSONValue]]

  /// The rows that came to a sink, in their order.
  public func rows(at uid: String) throws -> [[String: JSONValue]] {
    try json(at: uid).map { row in
      guard case .object(let members) = row else {
        throw PipelineTestFailure("a row that came to sink '\(uid)' is no object: \(row.text)")
      }
      return Dictionary(uniqueKeysWithValues: members.map { ($0.name, $0.value) })
    }
  }

  /// The rows that came to a sink, in their order. A column that the type does not name is refused, and so is the reverse.
  public func rows<Row: Decodable>(at uid: String, as type: Row.Type) throws -> [Row] {
    var rows: [Row] = []
    for (index, row) in try json(at: uid).enumerated() {
      do {
        rows.append(try PlanDecoder().decode(type, from: row))
      } catch {
        throw PipelineTestFailure("row \(index) at sink '\(uid)' is no \(type): \(error.message); it is \(row.text)")
      }
    }
    return rows
  }

  private func json(at uid: String) throws -> [JSONValue] {
    guard let rows = collected[uid] else {
      throw PipelineTestFailure("the rows at sink '\(uid)' were not collected: name it in run(collecting:)")
    }
    return rows
  }
}

/// Why a run could not be made, or how it failed.
public struct PipelineTestFailure: Error, Sendable, CustomStringConvertible {
  public let description: String
  /// The host's exit code; nil when it did not run to its end.
  public let status: Int32?
  /// What the host wrote to standard error.
  public let log: String

  init(_ description: String) {
    self.description = description
    status = nil
    log = ""
  }

  init(_ outcome: Program.Outcome, command: [String], limit: Duration) {
    let end = outcome.isTimedOut ? "was ended because it took longer than \(limit)" : "ended with \(outcome.status)"
    description = "\(command.joined(separator: " ")) \(end):\n\(outcome.errors)"
    status = outcome.isTimedOut ? nil : outcome.status
    log = outcome.errors
  }
}
