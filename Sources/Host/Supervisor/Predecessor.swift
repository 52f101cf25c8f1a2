import Base
import Checkpointing
import VolleyPlan

/// How the plugins ran that made the epoch which a run goes on from.
struct Predecessor: Sendable {
  private let directory: CheckpointDirectory
  private let manifest: Manifest

  /// Of the epoch that a worker will go on from, as far as its manifest tells; nil when it begins empty. What is damaged is the
  /// worker's to tell.
  init?(_ options: CheckpointOptions) {
    directory = CheckpointDirectory(options.directory)
    guard let entries = try? directory.epochs() else { return nil }
    let found: Manifest?
    switch options.from {
    case .none: found = nil
    case .latest: found = Recovery.line(entries).first
    case .savepoint: found = entries.compactMap(\.manifest).last { $0.kind == .savepoint }
    case .epoch(let epoch): found = entries.first { $0.epoch == epoch }?.manifest
    }
    guard let found else { return nil }
    manifest = found
  }

  var epoch: Epoch { manifest.epoch }
  var pipeline: String { manifest.launch.pipeline }
  var parameters: JSONValue { manifest.launch.parameters }
  var plugin: String { directory.path(ofPlugin: manifest.plugin.sha256) }
  var connectors: [String] { manifest.launch.connectors.map { directory.path(ofPlugin: $0) } }
  var codecs: [String] { manifest.launch.codecs.map { directory.path(ofPlugin: $0) } }

  /// Whether any plugin is another than it was. One that cannot be read is none that died.
  func isReplaced(by options: PipelineOptions) -> Bool {
    let digests = { (paths: [String]) in paths.map { (try? directory.storage.sha256($0)) ?? "" } }
    return digests([options.plugin]) != [manifest.plugin.sha256]
      || digests(options.connectors) != manifest.launch.connectors || digests(options.codecs) != manifest.launch.codecs
  }

  /// That its files are there, as they were.
  ///
  /// - Throws: `plugin`, naming the file.
  func check() throws(Failure) {
    for digest in Set([manifest.plugin.sha256] + manifest.launch.connectors + manifest.launch.codecs).sorted() {
      let path = directory.path(ofPlugin: digest)
      guard let found = try? directory.storage.sha256(path) else {
        throw Failure(
          .plugin, "the former plugin cannot run again, as \(path) cannot be read; put it back, or mend the new one")
      }
      guard found == digest else {
        throw Failure(
          .plugin, "the former plugin cannot run again, as \(path) is not what it was; put it back, or mend the new one"
        )
      }
    }
  }
}
