import Arrow
import Base
import Calendar
import VolleyPlan

/// A generator's options, checked against its schema.
struct GeneratorPlan: Sendable {
  let schema: Schema
  /// By column of the schema.
  let columns: [GeneratedColumn]
  /// nil: endless.
  let rows: Int64?
  let seed: UInt64
  /// Rows a second over all subtasks; nil: as fast as they are taken.
  let rate: Double?

  init(_ options: inout ConnectorOptions, schema: Schema) throws(Failure) {
    self.schema = schema
    rows = try options.int("rows", in: 0 ... .max)
    seed = UInt64(bitPattern: try options.int("seed") ?? 0)
    rate = try options.double("rate")
    if let rate, !(rate > 0 && rate.isFinite) {
      throw Failure(.usage, "\(options.place): option 'rate' is \(rate), expected a number of rows a second above 0")
    }
    let given = options.value("columns") ?? .object([])
    guard case .object(let members) = given else {
      throw options.wrongType("columns", given, expected: "an object with an object for each column")
    }
    for member in members where schema.index(of: member.name) == nil {
      let names = schema.fields.map(\.name)
      let hint = nearestName(to: member.name, among: names).map { "; did you mean '\($0)'?" } ?? ""
      throw Failure(
        .usage,
        "\(options.place): option 'columns' names '\(member.name)', but the columns are \(names.joined(separator: ", "))"
          + hint)
    }
    var columns: [GeneratedColumn] = []
    for field in schema.fields {
      let place = "\(options.place): column '\(field.name)'"
      var column = try ConnectorOptions(object: given[field.name] ?? .object([]), place: place)
      columns.append(try GeneratedColumn(&column, field))
      try column.refuseOthers()
    }
    self.columns = columns
  }
}

extension GeneratedColumn {
  private static let defaultTime: Int64 = 1_704_067_200  // 2024-01-01T00:00:00Z

  /// - Throws: `usage`: an unknown kind, a kind that the type does not have, a wrong value.
  fileprivate init(_ options: inout ConnectorOptions, _ field: Field) throws(Failure) {
    let kinds =
      switch field.type {
      case .bool: ["uniform", "choice"]
      case .int32, .int64, .float64, .utf8: ["sequence", "uniform", "choice"]
      case .timestamp: ["timestamp", "sequence", "uniform", "choice"]
      default:
        throw Failure(.usage, "\(options.place): the generator makes no \(field.type); cast another column to it")
      }
    let usual =
      switch field.type {
      case .int32, .int64: "sequence"
      case .bool, .float64, .utf8: "uniform"
      default: "timestamp"
      }
    switch (try options.choice("kind", of: kinds) ?? usual, field.type) {
    case ("choice", _): self = try .choice(&options, field)
    case ("uniform", .bool): self = .coin
    case ("uniform", .float64):
      let minimum = try options.double("min") ?? 0
      let maximum = try options.double("max") ?? 1
      guard minimum < maximum, (maximum - minimum).isFinite else {
        throw Failure(
          .usage, "\(options.place): 'min' is \(minimum) and 'max' is \(maximum), expected 'min' below 'max'")
      }
      self = .doubleUniform(minimum: minimum, width: maximum - minimum)
    case ("uniform", _):
      let minimum = try options.integer("min", field.type) ?? 0
      let maximum = try options.integer("max", field.type) ?? 999
      guard minimum <= maximum else {
        throw Failure(
          .usage, "\(options.place): 'min' is \(minimum) and 'max' is \(maximum), expected 'min' up to 'max'")
      }
      // All 2^64 integers wrap to a span of 0.
      let span = UInt64(bitPattern: maximum &- minimum) &+ 1
      self =
        field.type == .utf8
        ? .textUniform(prefix: Array("\(field.name)-".utf8), minimum: minimum, span: span)
        : .uniform(minimum: minimum, span: span)
    case (_, .float64):
      self = .doubleSequence(start: try options.double("start") ?? 0, step: try options.double("step") ?? 1)
    case (_, .timestamp(let unit, _)):
      let start = try options.integer("start", field.type)
      let step = try options.integer("step", field.type)
      let perSecond = unit.perSecond
      self = .sequence(start: start ?? Self.defaultTime * perSecond, step: step ?? max(1, perSecond / 1000))
    case (_, .utf8):
      self = .textSequence(
        prefix: Array("\(field.name)-".utf8), start: try options.integer("start", .int64) ?? 0,
        step: try options.integer("step", .int64) ?? 1)
    default:
      self = .sequence(
        start: try options.integer("start", field.type) ?? 0, step: try options.integer("step", field.type) ?? 1)
    }
  }

  private static func choice(_ options: inout ConnectorOptions, _ field: Field) throws(Failure) -> GeneratedColumn {
    guard let value = options.value("values"), case .array(let values) = value, !values.isEmpty else {
      throw Failure(.usage, "\(options.place): 'choice' needs the option 'values', an array of at least one value")
    }
    switch field.type {
    case .bool:
      return .boolChoice(
        try options.elements(values, "true or false") { if case .bool(let flag) = $0 { flag } else { nil } })
    case .int32, .int64, .timestamp:
      return .integerChoice(
        try options.elements(values, withArticle(field.type)) { JSONInteger.value($0, of: field.type) })
    case .float64:
      return .doubleChoice(
        try options.elements(values, "numbers") {
          switch $0 {
          case .int(let number): Double(number)
          case .double(let number): number
          default: nil
          }
        })
    case .utf8:
      return .textChoice(
        try options.elements(values, "strings") { if case .string(let text) = $0 { Array(text.utf8) } else { nil } })
    default: throw Failure(.usage, "\(options.place): the generator makes no \(field.type); cast another column to it")
    }
  }
}

/// An integer in the options of a generated column.
private enum JSONInteger {
  /// The integer that an option stands for in a column of that type; a timestamp may be ISO 8601 text.
  static func value(_ value: JSONValue, of type: DataType) -> Int64? {
    switch (value, type) {
    case (.int(let number), .int32): return Int32(exactly: number).map { Int64($0) }
    case (.int(let number), _): return number
    case (.string(let text), .timestamp(let unit, _)):
      var time: Int64 = 0
      // A line feed behind the text ends every number.
      let problem = Array("\(text)\n".utf8).withUnsafeBufferPointer { bytes in
        bytes.baseAddress.map {
          parseTimestamp($0, $0 + bytes.count - 1, unit: unit, &time)
        }
      }
      return problem == ValueProblem.none ? time : nil
    default: return nil
    }
  }
}

extension ConnectorOptions {
  fileprivate mutating func integer(_ name: String, _ type: DataType) throws(Failure) -> Int64? {
    guard let value = value(name) else { return nil }
    guard let integer = JSONInteger.value(value, of: type) else {
      throw wrongType(name, value, expected: type == .utf8 ? "an integer" : withArticle(type))
    }
    return integer
  }

  fileprivate func elements<Element>(
    _ values: [JSONValue], _ expected: String, _ convert: (JSONValue) -> Element?
  ) throws(Failure) -> [Element] {
    var elements: [Element] = []
    for value in values {
      guard let element = convert(value) else {
        throw Failure(.usage, "\(place): option 'values' holds \(value.shape), expected \(expected)")
      }
      elements.append(element)
    }
    return elements
  }
}
