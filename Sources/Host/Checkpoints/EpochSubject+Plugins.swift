import Base
import Checkpointing
import PluginLoading
import VolleyPlan

extension EpochSubject {
  /// - Parameters:
  ///   - others: named for their connectors and codecs, in the order of the command line.
  init(
    _ plan: Plan, plugin: PluginLoading.Plugin, connectors: [PluginLoading.Plugin], codecs: [PluginLoading.Plugin],
    options: PipelineOptions, maxKeyGroups: Int
  ) throws(Failure) {
    var known: [String: Manifest.Plugin] = [:]
    func describe(_ plugin: PluginLoading.Plugin) throws(Failure) -> Manifest.Plugin {
      if let described = known[plugin.path] { return described }
      let digest: String
      do throws(StorageProblem) { digest = try DiskStorage().sha256(plugin.path) } catch {
        throw error.failure("plugin '\(plugin.name)'")
      }
      let described = Manifest.Plugin(
        name: plugin.name, version: plugin.version, sha256: digest,
        abi: "\(plugin.note.abiMajor).\(plugin.note.abiMinor)", sdk: plugin.note.sdkVersion,
        compiler: plugin.note.compiler)
      known[plugin.path] = described
      return described
    }
    let own = try describe(plugin)
    let brought = try connectors.map { plugin throws(Failure) in try describe(plugin) }
    let coded = try codecs.map { plugin throws(Failure) in try describe(plugin) }
    let encoded: JSONValue
    do { encoded = try PlanEncoder().encode(plan) } catch {
      throw Failure(.software, "the plan of '\(plan.name)' cannot be written: \(error)")
    }
    self.init(
      job: plan.name, plugin: own, connectors: brought + coded,
      launch: .init(
        pipeline: options.pipeline ?? plugin.pipelines.first?.name ?? plan.name,
        parameters: .object(options.parameters.map { .init($0.name, .string($0.value)) }),
        connectors: brought.map(\.sha256), codecs: coded.map(\.sha256)),
      plan: encoded, maxKeyGroups: maxKeyGroups)
  }
}
