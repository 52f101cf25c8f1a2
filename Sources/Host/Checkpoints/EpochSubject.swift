import Base
import Checkpointing
import Glibc
import VolleyPlan

/// What every manifest of a run says, whatever the epoch.
struct EpochSubject: Sendable {
  var job: String
  var plugin: Manifest.Plugin
  /// The other plugins, each once.
  var connectors: [Manifest.Plugin]
  var launch: Manifest.Launch
  var plan: JSONValue
  var maxKeyGroups: Int

  /// Digests of all plugins that run.
  var digests: [String] { ([plugin] + connectors).map(\.sha256) }
}

/// When epochs are taken, and how many are kept.
struct EpochRhythm: Sendable {
  var interval: Duration
  var timeout: Duration
  var retain: Int
}
