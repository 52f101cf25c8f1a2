import Base
import Checkpointing
import VolleyPlan

/// The two epochs between which a job runs again: looked up without a lease, and beside a job that runs.
struct ReplayRange: Sendable {
  let directory: CheckpointDirectory
  /// What it goes on from; nil: nothing.
  let start: Manifest?
  /// What is read up to.
  let end: Manifest

  /// - Parameters:
  ///   - first: 0: the beginning.
  ///   - last: nil: the complete one that follows.
  init(_ path: String, from first: Epoch, to last: Epoch?) throws(Failure) {
    directory = CheckpointDirectory(path)
    let entries = try directory.epochs()
    start = first == Epoch(0) ? nil : try directory.manifest(first)
    if let last {
      end = try directory.manifest(last)
    } else if let next = Self.next(after: first, entries) {
      end = next
    } else {
      throw Failure(
        .noInput,
        "\(directory.place): there is no complete epoch behind \(start?.epoch.name ?? "the beginning") to run up to")
    }
    try checkLine(entries.filter { $0.epoch <= end.epoch })
    if let start, let first = directory.damage(of: start, depth: .contents).first {
      throw Failure(first.kind, "\(start.epoch.name) cannot be run again: \(first.message)")
    }
  }

  /// The first that was taken by a job that went on from that one.
  private static func next(after first: Epoch, _ entries: [EpochEntry]) -> Manifest? {
    entries.compactMap(\.manifest).filter { $0.epoch > first }.first { manifest in
      isAncestor(first, of: manifest, entries)
    }
  }

  /// Whether the job that took an epoch went on from another one, at once or by others.
  private static func isAncestor(_ first: Epoch, of manifest: Manifest, _ entries: [EpochEntry]) -> Bool {
    var below = manifest.epoch
    for entry in entries.reversed() where entry.epoch < below {
      if entry.epoch == first { return true }
      // A run begins with a seal, unless nobody was here before.
      if case .sealed(let seal) = entry.content {
        guard let from = seal.from else { return first == Epoch(0) }
        if from == first { return true }
        below = from.next
      }
    }
    return first == Epoch(0)
  }

  private func checkLine(_ entries: [EpochEntry]) throws(Failure) {
    guard !Self.isAncestor(start?.epoch ?? Epoch(0), of: end, entries) else { return }
    throw Failure(
      .usage,
      "\(end.epoch.name) was not taken by a job that went on from \(start?.epoch.name ?? "the beginning"): a run began between them "
        + "that went on from another epoch; 'volley-host checkpoints list' shows from which")
  }

  /// "epoch-3 to epoch-4"
  var name: String { "\(start?.epoch.name ?? "the beginning") to \(end.epoch.name)" }
}

extension PipelineOptions {
  /// How the plugins ran that took an epoch, but for what the command line says.
  init(_ options: ReplayOptions, of manifest: Manifest, in directory: CheckpointDirectory) throws(Failure) {
    plugin = options.plugin ?? directory.path(ofPlugin: manifest.plugin.sha256)
    pipeline = options.pipeline ?? manifest.launch.pipeline
    connectors = options.connectors
    codecs = options.codecs
    if options.plugin == nil {
      connectors = manifest.launch.connectors.map { directory.path(ofPlugin: $0) }
      codecs = manifest.launch.codecs.map { directory.path(ofPlugin: $0) }
      for digest in Set(manifest.pluginDigests).sorted() {
        let path = directory.path(ofPlugin: digest)
        guard (try? directory.storage.sha256(path)) == digest else {
          throw Failure(
            .plugin,
            "\(path): the plugin that took \(manifest.epoch.name) is missing or is not what it was; give one with --plugin"
          )
        }
      }
    }
    parameters = options.parameters
    guard case .object(let members) = manifest.launch.parameters else { return }
    for member in members where !parameters.contains(where: { $0.name == member.name }) {
      let text = if case .string(let text) = member.value { text } else { member.value.text }
      parameters.append(Assignment(name: member.name, value: text))
    }
  }
}
