import Base
import CVolley
import VolleyPlan

/// A codec that a plugin offers, as it declares it.
public final class PluginCodec: @unchecked Sendable {  // The table never changes; calls take a lock.
  public let name: String
  public let version: String
  public let description: String?
  /// How names of files that it wrote end, ".gz"; nil when it is not for files.
  public let suffix: String?
  /// What its output begins with; empty when it cannot be told so.
  public let magic: [UInt8]
  /// Its number in Arrow's IPC metadata.
  public let arrowID: Int?
  public let options: [PluginParameter]
  /// The plugin's name.
  public var pluginName: String { scope.name }

  let scope: PluginScope
  private let table: UnsafePointer<volley_codec>

  init(_ pointer: UnsafePointer<volley_codec>, _ scope: PluginScope) throws(Failure) {
    let entry = try PluginEntry(
      pointer, scope, table: "volley_codec", noun: "codec", name: (\.name, volley_codec_has_name),
      version: (\.version, volley_codec_has_version), description: (\.description, volley_codec_has_description))
    self.scope = scope
    self.table = pointer
    (name, version, description) = (entry.name, entry.version, entry.description)
    // They stand behind all others, which are there when these are.
    try entry.table.require(\.option, "option", volley_codec_has_option)
    try entry.table.require(\.create, "create", volley_codec_has_create)
    suffix = try Self.suffix(entry.table)
    magic = try Self.magic(entry.table)
    arrowID = pointer.pointee.arrow_id < 0 ? nil : Int(pointer.pointee.arrow_id)
    options = try entry.declared("option") { index in pointer.pointee.option(pointer, index) }
  }

  private static func suffix(_ table: PluginTable<volley_codec>) throws(Failure) -> String? {
    guard
      let suffix = try table.text(\.suffix, "suffix", volley_codec_has_suffix, limit: PluginText.nameLimit)
    else { return nil }
    guard suffix.hasPrefix("."), suffix.utf8.count > 1, !suffix.contains("/") else {
      throw Failure(
        .plugin,
        "\(table.owner) has the suffix '\(suffix)', expected the end of a file's name such as '.gz'; correct it")
    }
    return suffix
  }

  private static func magic(_ table: PluginTable<volley_codec>) throws(Failure) -> [UInt8] {
    let count = table.pointer.pointee.magic_length
    guard count > 0 else { return [] }
    guard count <= VOLLEY_CODEC_MAGIC_LIMIT, let bytes = table.pointer.pointee.magic else {
      let found = count > VOLLEY_CODEC_MAGIC_LIMIT ? "of \(count) bytes" : "of \(count) bytes at NULL"
      throw Failure(
        .plugin,
        "\(table.owner) has a magic \(found), expected at most \(VOLLEY_CODEC_MAGIC_LIMIT) bytes; set 'magic' and 'magic_length' "
          + "of its table"
      )
    }
    return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
  }

  /// Makes an instance; `request.options` have been checked.
  func makeInstance(_ request: InstanceRequest) throws(Failure) -> PluginInstance {
    let table = table
    return try PluginInstance(request, scope: scope, parameters: ParameterTexts([]), owner: self) {
      host, place, instance, error in
      table.pointee.create(table, host, request.kind.rawValue, place, instance, error)
    }
  }
}
