import Calendar
import VolleyPlan

/// What a column's values have in common so far. The order in which values come does not matter.
///
/// | values | type |
/// |---|---|
/// | only nulls | utf8 |
/// | `true`, `false` | bool |
/// | integers of 64 bits | int64 |
/// | numbers | float64 |
/// | dates `YYYY-MM-DD` | date32 |
/// | times of ISO 8601 without a zone, or dates among them | timestamp[us] |
/// | times that all have a zone | timestamp[us, UTC] |
/// | JSON arrays, objects | list, struct with the members in the order in which they first come |
/// | any other text, or a mixture | utf8 |
///
/// Text is looked at for dates and times; in CSV for the others too, in JSON not. In JSON a mixture of text and other values, or of
/// numbers and bools, has no type: a column of text does not read numbers.
indirect enum InferredType: Equatable {
  case null
  case bool
  case int64
  case float64
  case date
  case wallTime
  case instant
  case text
  case list(InferredType)
  case record([Member])

  struct Member: Equatable {
    var name: String
    var type: InferredType
  }

  /// Nil when no column can hold both: a scalar and an array, an array and an object.
  ///
  /// - Parameter anyIsText: whether every scalar is text as well, as in CSV.
  func merged(with other: InferredType, anyIsText: Bool) -> InferredType? {
    switch (self, other) {
    case (.null, let type), (let type, .null): return type
    case (let left, let right) where left == right: return left
    case (.int64, .float64), (.float64, .int64): return .float64
    case (.date, .wallTime), (.wallTime, .date): return .wallTime
    case (.list(let left), .list(let right)): return left.merged(with: right, anyIsText: anyIsText).map { .list($0) }
    case (.record(var members), .record(let others)):
      for other in others {
        if let index = members.firstIndex(where: { $0.name == other.name }) {
          guard let type = members[index].type.merged(with: other.type, anyIsText: anyIsText) else { return nil }
          members[index].type = type
        } else {
          members.append(other)
        }
      }
      return .record(members)
    case (.list, _), (.record, _), (_, .list), (_, .record): return nil
    default: return anyIsText || (isQuoted && other.isQuoted) ? .text : nil
    }
  }

  /// Whether JSON has its values in quotes.
  private var isQuoted: Bool {
    switch self {
    case .text, .date, .wallTime, .instant: true
    case .null, .bool, .int64, .float64, .list, .record: false
    }
  }

  var type: DataType {
    switch self {
    case .null, .text: .utf8
    case .bool: .bool
    case .int64: .int64
    case .float64: .float64
    case .date: .date32
    case .wallTime: .timestamp(.microsecond)
    case .instant: .timestamp(.microsecond, timezone: "UTC")
    case .list(let item): .list(of: item.type)
    case .record(let members): .struct(members.map { Field($0.name, $0.type.type) })
    }
  }

  /// Of text: a date, a time, or any text.
  init(text: String) {
    var bytes = Array(text.utf8)
    let count = bytes.count
    // Something that is no digit stands behind it.
    bytes.append(0)
    self = bytes.withUnsafeBufferPointer { bytes in
      guard let start = bytes.baseAddress, count >= 10 else { return .text }
      if ISO8601.readDate(start, start + count) != nil { return .date }
      var value: Int64 = 0
      guard bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return .text }
      switch ISO8601.read(start, start + count, unit: .microsecond, .lenient, &value) {
      case .withoutOffset: return .wallTime
      case .withOffset: return .instant
      case .malformed, .outOfRange: return .text
      }
    }
  }

  /// Of a field of CSV that is not null.
  init(field text: String) {
    let trimmed = text.drop { $0 == " " || $0 == "\t" }
    var bytes = Array(trimmed.utf8)
    while let last = bytes.last, last == 32 || last == 9 { bytes.removeLast() }
    let count = bytes.count
    bytes.append(0)
    let scalar: InferredType? = bytes.withUnsafeBufferPointer { bytes in
      guard let start = bytes.baseAddress, count > 0 else { return nil }
      var integer: Int64 = 0
      if parseInteger(start, start + count, &integer) == .none { return .int64 }
      var double = 0.0
      if parseDouble(start, start + count, &double) == .none { return .float64 }
      return nil
    }
    if let scalar {
      self = scalar
    } else {
      let word = String(decoding: bytes.dropLast(), as: UTF8.self)
      let isBool = ["true", "false"].contains(word.lowercased())
      self = isBool ? .bool : InferredType(text: word)
    }
  }

  /// Of a JSON value; nil when an array in it has items that no column can hold.
  init?(_ value: JSONValue) {
    switch value {
    case .null: self = .null
    case .bool: self = .bool
    case .int: self = .int64
    case .double: self = .float64
    case .string(let text): self = InferredType(text: text)
    case .array(let items):
      var type = InferredType.null
      for item in items {
        guard let next = InferredType(item), let both = type.merged(with: next, anyIsText: false) else { return nil }
        type = both
      }
      self = .list(type)
    case .object(let members):
      var result: [Member] = []
      for member in members {
        guard let type = InferredType(member.value) else { return nil }
        result.append(Member(name: member.name, type: type))
      }
      self = .record(result)
    }
  }
}
