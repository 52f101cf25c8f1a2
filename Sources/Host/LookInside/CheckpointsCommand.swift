import Base
import Checkpointing
import Glibc
import Observability
import VolleyPlan

/// `volley-host checkpoints list|show|verify|prune`: what a checkpoint folder has, without the plugin.
struct CheckpointsCommand {
  static let words = ["list", "show", "verify", "prune"]

  private let flags: ParsedFlags
  private let directory: CheckpointDirectory
  private let word: String
  private let asJSON: Bool

  init(_ arguments: some Collection<String>, environment: [String: String]) throws(Failure) {
    flags = try ParsedFlags(arguments, flags: LookFlags.checkpoints, verb: "checkpoints", environment: environment)
    word = try flags.word(of: "checkpoints", among: Self.words)
    asJSON = flags.isOn(LookFlags.json)
    let place = "checkpoints \(word)"
    if word == "list" { try flags.refuse([LookFlags.epoch.entry], in: place) }
    if word == "prune" { try flags.refuse([LookFlags.epoch.entry, LookFlags.json.entry], in: place) }
    if word != "prune" { try flags.refuse([LookFlags.drop.entry], in: place) }
    directory = try flags.checkpointDirectory(place)
  }

  /// Returns the exit code.
  func run() throws(Failure) -> Int32 {
    switch word {
    case "list": try list()
    case "show": try show()
    case "verify": return try verify()
    default: try prune()
    }
    return 0
  }

  private func list() throws(Failure) {
    let entries = try directory.epochs()
    let line = Set(Recovery.line(entries).map(\.epoch))
    if asJSON {
      for entry in entries { try printLine(Self.json(entry, isInLine: line.contains(entry.epoch)).text) }
      return
    }
    if entries.isEmpty { return try printLine("no epochs") }
    var rows = [["epoch", "kind", "completed", "took", "state", "new", "plugin"]]
    for entry in entries { rows.append(Self.row(entry, isInLine: line.contains(entry.epoch))) }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    for row in rows {
      let text = zip(row, widths).map { padded($0, to: $1) }.joined(separator: "  ")
      try printLine(String(text.reversed().drop { $0 == " " }.reversed()))
    }
  }

  private static func row(_ entry: EpochEntry, isInLine: Bool) -> [String] {
    switch entry.content {
    case .complete(let manifest):
      let kind = manifest.kind.rawValue + (isInLine || manifest.kind == .savepoint ? "" : " (abandoned)")
      return [
        entry.epoch.name, kind, RFC3339.text(EventTime(microseconds: manifest.created)),
        timeText(Double(manifest.cost.microseconds) * 1e-6), byteSizeText(Int(manifest.contents.values.reduce(0, +))),
        byteSizeText(Int(manifest.cost.newBytes)),
        "\(manifest.plugin.name)\(manifest.plugin.version.map { " \($0)" } ?? "") \(manifest.plugin.sha256.prefix(12))",
      ]
    case .sealed(let seal):
      let from = seal.from.map { "a run went on from \($0.name)" } ?? "a run began empty"
      return [entry.epoch.name, "sealed: \(from)", "", "", "", "", ""]
    case .unfinished: return [entry.epoch.name, "unfinished", "", "", "", "", ""]
    case .damaged(let failure): return [entry.epoch.name, "DAMAGED: \(failure.message)", "", "", "", "", ""]
    }
  }

  private static func json(_ entry: EpochEntry, isInLine: Bool) -> JSONValue {
    var members: [JSONValue.Member] = [.init("epoch", .int(Int64(clamping: entry.epoch.number)))]
    switch entry.content {
    case .complete(let manifest):
      members += [
        .init("status", .string("complete")), .init("kind", .string(manifest.kind.rawValue)),
        .init("abandoned", .bool(!isInLine && manifest.kind != .savepoint)),
        .init("completed", .string(RFC3339.text(EventTime(microseconds: manifest.created)))),
        .init("microseconds", .int(manifest.cost.microseconds)),
        .init("state_bytes", .int(manifest.contents.values.reduce(0, +))),
        .init("new_bytes", .int(manifest.cost.newBytes)), .init("job", .string(manifest.job)),
        .init("plugin", .string(manifest.plugin.name)),
        .init("plugin_version", manifest.plugin.version.map(JSONValue.string) ?? .null),
        .init("plugin_sha256", .string(manifest.plugin.sha256)),
      ]
    case .sealed(let seal):
      members += [
        .init("status", .string("sealed")),
        .init("from", seal.from.map { .int(Int64(clamping: $0.number)) } ?? .null),
      ]
    case .unfinished: members.append(.init("status", .string("unfinished")))
    case .damaged(let failure):
      members += [.init("status", .string("damaged")), .init("reason", .string(failure.message))]
    }
    return .object(members)
  }

  private func show() throws(Failure) {
    let manifest = try directory.chosen(try flags.value(LookFlags.epoch))
    guard asJSON else { return try printText(ManifestText(manifest).text) }
    let json: JSONValue
    do throws(PlanError) { json = try PlanEncoder().encode(manifest) } catch {
      throw Failure(.software, "\(manifest.epoch.name) cannot be written as JSON: \(error.message)")
    }
    try printLine(json.prettyText)
  }

  private func verify() throws(Failure) -> Int32 {
    var isDamaged = false
    var checked: Set<ContentName> = []
    let wanted = try flags.value(LookFlags.epoch)
    if let wanted { _ = try directory.manifest(wanted) }
    for entry in try directory.epochs() where wanted.map({ $0 == entry.epoch }) ?? true {
      var problems: [Failure] = []
      switch entry.content {
      case .complete(let manifest):
        problems = directory.damage(of: manifest, depth: .contents, checked: &checked)
        for digest in Set(manifest.pluginDigests).sorted() {
          let path = directory.path(ofPlugin: digest)
          if (try? directory.storage.sha256(path)) != digest {
            problems.append(Failure(.data, "\(path): the plugin is missing or is not what it was"))
          }
        }
      case .damaged(let failure): problems = [failure]
      case .unfinished:
        if !asJSON { try printLine("\(entry.epoch.name) unfinished: it has no manifest, and jobs pass over it") }
        continue
      case .sealed: continue
      }
      isDamaged = isDamaged || !problems.isEmpty
      if asJSON {
        try printLine(
          JSONValue.object([
            .init("epoch", .int(Int64(clamping: entry.epoch.number))), .init("good", .bool(problems.isEmpty)),
            .init("problems", .array(problems.map { .string($0.message) })),
          ]).text)
      } else if problems.isEmpty {
        try printLine("\(entry.epoch.name) good")
      } else {
        for problem in problems { try printLine("\(entry.epoch.name) damaged: \(problem.message)") }
      }
    }
    return isDamaged ? Failure.Kind.data.exitCode : 0
  }

  /// For the owner alone: refused while a job has the folder.
  private func prune() throws(Failure) {
    let lease = try DirectoryLease(directory) { usleep(100_000) }
    defer { lease.release() }
    let entries = try directory.epochs()
    let dropped = try flags.values(LookFlags.drop)
    for epoch in dropped where !entries.contains(where: { $0.epoch == epoch }) {
      throw Failure(.noInput, "\(directory.place): has no \(epoch.name) to drop")
    }
    let kept = entries.filter { !dropped.contains($0.epoch) }
    guard kept.contains(where: { $0.manifest != nil }) || !entries.contains(where: { $0.manifest != nil }) else {
      throw Failure(.usage, "--drop would leave no complete epoch; to begin anew run with --from none")
    }
    var files = CheckpointFiles(directory, generation: lease.generation)
    let names = try files.names()
    var plan = Retention.plan(
      kept, keep: try flags.required(CheckpointFlags.retain), files: names.files, plugins: names.plugins)
    plan.epochs = (plan.epochs + dropped).sorted()
    try files.remove(plan)
    for epoch in plan.epochs { try printLine("removed \(epoch.name)") }
    try printLine(
      "removed \(plan.epochs.count) epochs, \(plan.files.count) files of state and \(plan.plugins.count) plugins")
  }
}
