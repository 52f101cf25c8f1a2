import Base
import PluginLoading
import TestSupport
import Testing

/// Plugins with the same symbols, names and ids in one process: each runs its own code.
struct SideBySideTests {
  @Test("two versions of a plugin run at the same time, each on its own code")
  func twoVersions() throws {
    let first = PluginSource(file: "versions/versions.c", flags: ["-DVERSION=1"])
    let second = PluginSource(file: "versions/versions.c", flags: ["-DVERSION=2"])
    let plugins = [try Plugin.load(path: first.compiled()), try Plugin.load(path: second.compiled())]
    #expect(plugins.map(\.name) == ["versions", "versions"])
    #expect(plugins.map(\.version) == ["1.0.0", "2.0.0"])
    // Both export a function of one name in other libraries; the plan's text tells whose code ran.
    let plans = try plugins.map { try $0.pipeline(named: nil).plan().plan.name }
    #expect(plans == ["version 1", "version 2"])
  }

  @Test("two plugins that bring a connector of one name are refused together")
  func sameConnector() throws {
    let museum = try Plugin.load(path: PluginSource.museum.compiled())
    let other = try Plugin.load(
      path: PluginSource(file: "versions/versions.c", flags: ["-DVERSION=3", "-DCONNECTOR=\"ticks\""]).compiled())
    let built = try other.pipeline(named: nil).plan()
    let failure = #expect(throws: Failure.self) {
      _ = try PluginSet(pipeline: built, of: other, others: [museum]) { _ in }
    }
    #expect(
      failure?.message
        == "the plugins 'versions' and 'museum-0.1' both bring a connector 'ticks'; load one of them")
    let reserved = #expect(throws: Failure.self) {
      _ = try PluginSet(pipeline: built, of: other, reservedNames: ["csv", "ticks"]) { _ in }
    }
    #expect(
      reserved?.message
        == "plugin 'versions' brings a connector 'ticks', which is the name of one of the host's own; rename it")
    // The pipeline's own plugin may be named as a connector plugin as well.
    #expect(try PluginSet(pipeline: built, of: other, others: [other]) { _ in }.connectorNames == ["ticks"])
  }
}
