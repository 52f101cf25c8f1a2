import Base
import Flight

/// What a Flight source reads, as its options say.
enum FlightTarget: Sendable {
  case ticket([UInt8])
  case descriptor(FlightDescriptor)

  /// One of `ticket`, `ticketBase64`, `path` and `command`.
  init(_ options: inout ConnectorOptions) throws(Failure) {
    var found: [FlightTarget] = []
    if let text = try options.string("ticket") { found.append(.ticket(Array(text.utf8))) }
    if let text = try options.string("ticketBase64") {
      guard let bytes = Base64.decode(text) else {
        throw Failure(.usage, "\(options.place): option 'ticketBase64' is none of Base64; give the ticket's bytes so")
      }
      found.append(.ticket(bytes))
    }
    if let parts = try options.strings("path", meaning: "the flight's path, or an array of its parts") {
      found.append(.descriptor(FlightDescriptor(kind: .path, path: parts)))
    }
    if let text = try options.string("command") { found.append(.descriptor(.command(Array(text.utf8)))) }
    guard found.count == 1 else {
      throw Failure(
        .usage,
        "\(options.place): \(found.isEmpty ? "none" : "\(found.count)") of the options 'ticket', 'ticketBase64', 'path' and 'command' "
          + "\(found.isEmpty ? "is" : "are") given; give one, which says what is read")
    }
    self = found[0]
  }
}

extension FlightTarget: CustomStringConvertible {
  var description: String {
    switch self {
    case .ticket(let bytes): "the ticket \(Self.shown(bytes))"
    case .descriptor(let descriptor): Self.shown(descriptor)
    }
  }

  static func shown(_ descriptor: FlightDescriptor) -> String {
    descriptor.kind == .path
      ? "the path '\(descriptor.path.joined(separator: "/"))'" : "the command \(shown(descriptor.command))"
  }

  /// Text as it is, other bytes as Base64; not much of it.
  static func shown(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    let isText = Array(text.utf8) == bytes && !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
    let shown = isText ? text : Base64.encode(bytes)
    return shown.count > 60 ? "'\(shown.prefix(60))…'" : "'\(shown)'"
  }
}
