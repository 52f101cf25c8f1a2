/// The fields of an HTTP message's head or of its trailers, in order: RFC 9110 section 5.
///
/// Names are lower case. What HTTP/1.1 writes in its first line stands here as HTTP/2's pseudo fields, whose names begin with
/// a colon and which come before the others (RFC 9113 section 8.3).
public struct HTTPFields: Sendable, Hashable {
  public struct Field: Sendable, Hashable {
    public var name: String
    /// Bytes that are not UTF-8 came as the characters of ISO 8859-1.
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  private var fields: [Field]

  public init() { fields = [] }

  /// A request's head. An empty authority is left out.
  public static func request(
    method: String, path: String, scheme: String = "http", authority: String, _ fields: HTTPFields = [:]
  ) -> HTTPFields {
    var head: HTTPFields = [":method": method, ":scheme": scheme, ":path": path]
    if !authority.isEmpty { head.append(":authority", authority) }
    head.append(contentsOf: fields)
    return head
  }

  /// A response's head.
  public static func response(status: Int, _ fields: HTTPFields = [:]) -> HTTPFields {
    var head: HTTPFields = [":status": "\(status)"]
    head.append(contentsOf: fields)
    return head
  }

  public var method: String? { self[":method"] }
  public var path: String? { self[":path"] }
  public var scheme: String? { self[":scheme"] }
  public var authority: String? { self[":authority"] }
  /// A response's status; nil in a request and in trailers.
  public var status: Int? { self[":status"].flatMap { Int($0) } }

  /// The value of the first field with this name, in lower case.
  public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

  /// The values of all fields with this name, in lower case.
  public func values(of name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

  public mutating func append(_ name: String, _ value: String) { fields.append(Field(name, value)) }

  public mutating func append(contentsOf other: HTTPFields) { fields.append(contentsOf: other.fields) }

  /// Those that are no pseudo fields.
  var withoutPseudoFields: HTTPFields {
    var others = HTTPFields()
    others.fields = fields.filter { !$0.name.hasPrefix(":") }
    return others
  }

  mutating func removeAll(keepingCapacity: Bool = false) { fields.removeAll(keepingCapacity: keepingCapacity) }

  /// The size that SETTINGS_MAX_HEADER_LIST_SIZE bounds: names, values and 32 bytes a field (RFC 9113 section 6.5.2).
  public var listByteCount: Int { fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + Self.overhead } }

  /// What a field weighs beside its bytes in ``listByteCount``.
  static let overhead = 32
}

extension HTTPFields: RandomAccessCollection {
  public var startIndex: Int { fields.startIndex }
  public var endIndex: Int { fields.endIndex }
  public subscript(position: Int) -> Field { fields[position] }
}

extension HTTPFields: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, String)...) { fields = elements.map { Field($0.0, $0.1) } }
}
