import CVolley
import Synchronization
import VolleyPlan

/// Offers pipelines, connectors and codecs to the host. The whole of a plugin's root is
///
///     @c(volley_plugin_root)
///     public func root() -> UnsafePointer<volley_plugin> { export(MyPipeline.self) }
///
/// - Parameters:
///   - pipelines: their names must differ.
///   - connectors: sources and sinks for the pipelines of other plugins.
///   - codecs: ways to compress, for the pipelines of other plugins.
///   - name: the plugin's name; by default the first pipeline's, connector's or codec's.
///   - version: of the plugin, and of each pipeline, connector and codec that gives none.
///   - description: one sentence for `volley-host inspect`.
public func export(
  _ pipelines: any Pipeline.Type..., connectors: [any Connector.Type] = [], codecs: [any Codec.Type] = [],
  name: String? = nil, version: String = "0.1.0", description: String? = nil
) -> UnsafePointer<volley_plugin> {
  let name = name ?? pipelines.first?.name ?? connectors.first?.name ?? codecs.first?.name ?? "plugin"
  return Exports.shared.root(
    Exports.Content(
      pipelines: pipelines.map { PipelineExport($0, plugin: name, version: version) },
      connectors: connectors.map { ConnectorExport($0, version: version) },
      codecs: codecs.map { CodecExport($0, version: version) }),
    name: name, version: version, description: description)
}

/// What this plugin has exported. The root's functions get no pointer of their own, so it is one for the library.
final class Exports: Sendable {
  static let shared = Exports()

  struct Content: @unchecked Sendable {  // Written before it is shared, never after.
    var pipelines: [PipelineExport]
    var connectors: [ConnectorExport]
    var codecs: [CodecExport]
  }

  private struct State: @unchecked Sendable {  // Guarded by the mutex that it lives in.
    var content = Content(pipelines: [], connectors: [], codecs: [])
    var root: UnsafePointer<volley_plugin>?
  }

  private let state = Mutex(State())

  var content: Content { state.withLock { $0.content } }

  /// The first call decides; a later one gets the same root.
  func root(_ content: Content, name: String, version: String, description: String?) -> UnsafePointer<volley_plugin> {
    let address = state.withLock { state in
      if let root = state.root { return UInt(bitPattern: root) }
      state.content = content
      let root = permanent(
        volley_plugin(
          header: .init(size: UInt32(MemoryLayout<volley_plugin>.size), major: abiMajor, minor: abiMinor),
          name: permanentText(name), version: permanentText(version), description: permanentText(description),
          pipeline: { index in
            let pipelines = Exports.shared.content.pipelines
            return Int(index) < pipelines.count ? UnsafePointer(pipelines[Int(index)].table) : nil
          },
          connector: { index in
            let connectors = Exports.shared.content.connectors
            return Int(index) < connectors.count ? UnsafePointer(connectors[Int(index)].table) : nil
          },
          codec: { index in
            let codecs = Exports.shared.content.codecs
            return Int(index) < codecs.count ? UnsafePointer(codecs[Int(index)].table) : nil
          }))
      state.root = UnsafePointer(root)
      return UInt(bitPattern: root)
    }
    guard let root = UnsafePointer<volley_plugin>(bitPattern: address) else {
      preconditionFailure("the root was just stored")
    }
    return root
  }
}

/// A C string that is never freed.
func permanentText(_ text: String?) -> UnsafePointer<CChar>? {
  guard let text else { return nil }
  let bytes = Array(text.utf8CString)
  let memory = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
  memory.initialize(from: bytes, count: bytes.count)
  return UnsafePointer(memory)
}

extension ParameterList {
  /// What a type declares. An `init` that reads a parameter is refused when something is built, not here.
  static func declared(by make: () -> Any) -> ParameterList {
    ParameterReads.$current.withValue(ParameterReads()) { ParameterList(of: make()) }
  }

  /// The C declarations, for as long as the process lives.
  func tables() -> [UnsafePointer<volley_parameter>] {
    entries.map { entry in
      UnsafePointer(
        permanent(
          volley_parameter(
            header: .init(size: UInt32(MemoryLayout<volley_parameter>.size), major: abiMajor, minor: abiMinor),
            name: permanentText(entry.name), type: permanentText(entry.parameter.typeName),
            default_value: permanentText(entry.parameter.defaultText), description: permanentText(entry.parameter.help))
        ))
    }
  }
}
