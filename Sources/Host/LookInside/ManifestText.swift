import Base
import Checkpointing
import Observability
import VolleyPlan

/// An epoch's manifest for people.
struct ManifestText {
  private let manifest: Manifest

  init(_ manifest: Manifest) { self.manifest = manifest }

  var text: String {
    let bytes = Int(manifest.contents.values.reduce(0, +))
    var lines = [
      "\(manifest.epoch.name)  \(manifest.kind.rawValue) of job '\(manifest.job)'",
      "completed   \(RFC3339.text(EventTime(microseconds: manifest.created))) by generation \(manifest.generation.number)",
      "took        \(timeText(Double(manifest.cost.microseconds) * 1e-6))",
      "state       \(byteSizeText(bytes)) in \(manifest.contents.count) files, of which \(byteSizeText(Int(manifest.cost.newBytes))) "
        + "were new",
      "key groups  \(manifest.maxKeyGroups)",
      "plugin      \(Self.text(manifest.plugin))",
    ]
    for plugin in manifest.connectors { lines.append("beside it   \(Self.text(plugin))") }
    lines.append("pipeline    \(manifest.launch.pipeline) \(manifest.launch.parameters.text)")
    for stage in manifest.stages {
      lines.append("")
      let label = stage.label.map { $0.hasSuffix(stage.id) ? "" : " (\($0))" } ?? ""
      lines.append(
        "\(stage.role.rawValue) \(stage.id)\(label), \(stage.parallelism) \(stage.parallelism == 1 ? "subtask" : "subtasks")"
      )
      for table in stage.tables { lines.append("  \(table.stateTable.text)") }
      for (index, subtask) in stage.subtasks.enumerated() { lines += Self.lines(of: subtask, index) }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func lines(of subtask: Manifest.Subtask, _ index: Int) -> [String] {
    var lines: [String] = []
    if !subtask.files.isEmpty {
      let groups = subtask.keyGroups.map { ", key groups \($0.first) to \($0.first + $0.count - 1)" } ?? ""
      let bytes = byteSizeText(Int(subtask.files.reduce(0) { $0 + $1.size }))
      lines.append("  subtask \(index)\(groups): \(bytes) in \(subtask.files.count) files")
    }
    for position in subtask.positions { lines.append("  subtask \(index): \(position.split) at \(position.position)") }
    for transaction in subtask.transactions { lines.append("  subtask \(index): commits \(transaction)") }
    return lines
  }

  private static func text(_ plugin: Manifest.Plugin) -> String {
    let details = [
      plugin.abi.map { "ABI \($0)" }, plugin.sdk.map { "SDK \($0)" }, plugin.compiler.flatMap { $0.isEmpty ? nil : $0 },
    ].compactMap { $0 }.joined(separator: ", ")
    return
      "\(plugin.name)\(plugin.version.map { " \($0)" } ?? "") \(plugin.sha256)\(details.isEmpty ? "" : " (\(details))")"
  }
}
