import Base

/// The fields of an HTTP/2 head or trailer, in order. Names are lower case.
public typealias GRPCHeaders = [(name: String, value: String)]

/// What a caller and a callee tell each other beside messages: names and values, a name any number of times. Values are
/// printable ASCII, or bytes where the name ends in `-bin`.
/// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Custom-Metadata"
public struct GRPCMetadata: Sendable, Hashable {
  public enum Value: Sendable, Hashable {
    case text(String)
    /// Of a name that ends in `-bin`.
    case bytes([UInt8])
  }

  public struct Entry: Sendable, Hashable {
    public var name: String
    public var value: Value
  }

  public private(set) var entries: [Entry] = []

  public init() {}

  public var isEmpty: Bool { entries.isEmpty }

  /// Adds printable ASCII.
  ///
  /// - Throws: `usage` for a name or a value that has no form, or a name that gRPC itself uses.
  public mutating func add(_ name: String, _ text: String) throws(Failure) {
    try Self.check(name)
    guard !name.hasSuffix("-bin") else {
      throw Failure(.usage, "the metadata '\(name)' holds bytes, as its name ends in '-bin', and was given text")
    }
    guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), text.first != " ", text.last != " " else {
      throw Failure(
        .usage,
        "the value of the metadata '\(name)' is not printable ASCII without spaces around it; use a name that ends in '-bin'"
      )
    }
    entries.append(Entry(name: name, value: .text(text)))
  }

  /// Adds bytes; the name ends in `-bin`.
  public mutating func add(_ name: String, bytes: [UInt8]) throws(Failure) {
    try Self.check(name)
    guard name.hasSuffix("-bin") else {
      throw Failure(.usage, "the metadata '\(name)' is given bytes, for which its name has to end in '-bin'")
    }
    entries.append(Entry(name: name, value: .bytes(bytes)))
  }

  /// The first text of a name.
  public func text(_ name: String) -> String? {
    for entry in entries where entry.name == name {
      if case .text(let text) = entry.value { return text }
    }
    return nil
  }

  /// The first bytes of a name, which ends in `-bin`.
  public func bytes(_ name: String) -> [UInt8]? {
    for entry in entries where entry.name == name {
      if case .bytes(let bytes) = entry.value { return bytes }
    }
    return nil
  }

  /// Names are digits, lower-case letters and `_-.`; some have their meaning in the protocol.
  private static func check(_ name: String) throws(Failure) {
    let isName = name.utf8.allSatisfy { (byte: UInt8) in
      switch byte {
      case 0x30...0x39, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
      default: false
      }
    }
    guard isName, !name.isEmpty else {
      throw Failure(.usage, "'\(name)' is no name of metadata; use digits, lower-case letters, '_', '-' and '.'")
    }
    guard !isReserved(name) else {
      throw Failure(.usage, "the metadata '\(name)' has its meaning in gRPC or HTTP/2; choose another name")
    }
  }

  /// Whether a field is of the protocol and not of the caller. HTTP/2 allows none of those of connections (RFC 9113,
  /// section 8.2.2).
  static func isReserved(_ name: String) -> Bool {
    name.hasPrefix(":") || name.hasPrefix("grpc-") || reserved.contains(name)
  }

  private static let reserved: Set<String> = [
    "content-type", "te", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "host",
  ]
}

extension GRPCMetadata {
  /// The metadata of a head; the protocol's own fields are not of it.
  ///
  /// - Throws: INVALID_ARGUMENT for a field of bytes that is not Base64.
  init(_ headers: GRPCHeaders) throws(GRPCStatus) {
    for (name, value) in headers where !Self.isReserved(name) {
      guard let values = Self.values(name, value) else {
        throw GRPCStatus(.invalidArgument, "the metadata '\(name)' is not Base64, as it has to be with that name")
      }
      entries += values.map { Entry(name: name, value: $0) }
    }
  }

  /// The metadata of a trailer, without the fields that are damaged: they must not hide the status.
  init(soundOf headers: GRPCHeaders) {
    for (name, value) in headers where !Self.isReserved(name) {
      entries += (Self.values(name, value) ?? []).map { Entry(name: name, value: $0) }
    }
  }

  /// The values of a field, of which proxies may join several with commas; nil when one is not Base64.
  private static func values(_ name: String, _ value: String) -> [Value]? {
    guard name.hasSuffix("-bin") else { return [.text(value)] }
    var values: [Value] = []
    for part in value.split(separator: ",", omittingEmptySubsequences: false) {
      var part = part
      while part.first == " " { part.removeFirst() }
      while part.last == " " { part.removeLast() }
      guard let bytes = Base64.decode(part) else { return nil }
      values.append(.bytes(bytes))
    }
    return values
  }

  /// The fields of a head or trailer.
  var headers: GRPCHeaders {
    entries.map { entry in
      switch entry.value {
      case .text(let text): (entry.name, text)
      case .bytes(let bytes): (entry.name, Base64.encode(bytes))
      }
    }
  }
}
