import Arrow
import Base
import VolleyPlan

/// A column of a join's rows, and where its values come from.
public struct JoinColumn: Sendable {
  public var field: Field
  /// By input: the index of the column there; nil where the input does not have it. A key that comes once has it in each.
  var sources: [Int?]
}

/// The column that says an input's event time.
public struct JoinTime: Sendable, Hashable {
  public var column: Int
  /// Microseconds to be added.
  public var shift: Int64

  public init(column: Int, shift: Int64) {
    self.column = column
    self.shift = shift
  }
}

/// The columns of the rows that a join makes.
public struct JoinLayout: Sendable {
  public let inputs: [Schema]
  /// By input: the columns that are equal, those of the key first.
  public let keys: [[Int]]
  /// How many of them are the key, by which rows come to a subtask.
  public let keyCount: Int
  /// By input; empty where the bounds ask for none.
  public let times: [JoinTime]
  /// By input: the column that says what its rows change, which is no column of the output; nil when all are new ones.
  public let kindColumns: [Int?]
  /// Whether rows of the output may revise former ones.
  public let isChangelog: Bool
  /// Those of all inputs, as the condition sees them: of rows that are there.
  public let joined: [JoinColumn]
  /// Those of the output that come from the inputs.
  let output: [JoinColumn]
  /// Of the output: `row_kind` if rows are revised, then `output`, then the bounds of windows.
  public let schema: Schema

  /// - Parameters:
  ///   - keys: by input, the columns that are equal, as many each, of the same types.
  ///   - keyCount: how many of them are the key; nil: all.
  ///   - kindColumns: by input, its `row_kind` when it is a changelog; absent: none is.
  ///   - more: what the join adds behind the inputs' columns.
  /// - Throws: `.usage` for names that are not told apart.
  public init(
    _ join: Plan.Join, inputs: [Schema], keys: [[Int]], keyCount: Int? = nil, times: [JoinTime] = [],
    kindColumns: [Int?]? = nil, more: [Field] = []
  ) throws(Failure) {
    let kindColumns = kindColumns ?? inputs.map { _ in nil }
    let isChangelog = join.isChangelog(ofChangelogs: kindColumns.contains { $0 != nil })
    let kind = isChangelog ? [Field(Plan.rowKindColumn, .utf8, nullable: false)] : []
    let own = (kind + more).map(\.name)
    self.times = times
    self.kindColumns = kindColumns
    self.isChangelog = isChangelog
    self.inputs = inputs
    self.keys = keys
    self.keyCount = keyCount ?? keys[0].count
    let names = JoinNames(inputs, keys, kindColumns, join.sharedNames)
    var columns: [JoinColumn] = []
    for (input, schema) in inputs.enumerated() {
      for (index, field) in schema.fields.enumerated() {
        if index == kindColumns[input] { continue }
        if let place = names.commonKeys.first(where: { keys[input][$0] == index }) {
          guard input == 0 else { continue }
          columns.append(JoinColumn(field: field, sources: keys.map { $0[place] }))
        } else {
          var sources = [Int?](repeating: nil, count: inputs.count)
          sources[input] = index
          columns.append(
            JoinColumn(
              field: Field(try names.name(of: field.name, input), field.type, nullable: field.nullable),
              sources: sources))
        }
      }
    }
    try Self.check(columns, own)
    joined = columns
    switch join.kind {
    case .semi, .anti:
      // The rows of the first input as they are.
      output = inputs[0].fields.enumerated().filter { $0.offset != kindColumns[0] }.map { index, field in
        JoinColumn(field: field, sources: [index] + inputs.dropFirst().map { _ in nil })
      }
      try Self.check(output, own)
    case .inner, .left, .right, .full:
      output = columns.map { column in
        var column = column
        column.field.nullable = Self.isNullable(column, join.kind, inputs)
        return column
      }
    }
    schema = Schema(kind + output.map(\.field) + more)
  }

  /// What a column of an input is called in the output; nil when it is not there.
  public func outputName(of column: Int, input: Int) -> String? {
    output.first { $0.sources[input] == column }?.field.name
  }

  /// Whether rows of the output may have a null there.
  private static func isNullable(_ column: JoinColumn, _ kind: Plan.JoinKind, _ inputs: [Schema]) -> Bool {
    let nullable = zip(column.sources, inputs).map { source, schema in source.map { schema.fields[$0].nullable } }
    switch kind {
    // A key that comes once was equal to another.
    case .inner: return nullable.compactMap { $0 }.count == 1 && nullable.contains(true)
    case .left: return nullable[0] ?? true
    case .right: return nullable[1] ?? true
    case .full: return nullable.contains { $0 ?? true }
    case .semi, .anti: return nullable[0] ?? false
    }
  }

  private static func check(_ columns: [JoinColumn], _ own: [String]) throws(Failure) {
    var names: Set<String> = []
    for column in columns {
      let name = column.field.name
      if own.contains(name) {
        throw Failure(
          .usage, "an input has the column '\(name)', which the join adds itself; rename it with select before the join"
        )
      }
      if !names.insert(name).inserted {
        throw Failure(
          .usage,
          "several columns of the result are named '\(name)'; give sharedNames that tell them apart, such as .prefixed(\"left_\", "
            + "\"right_\"), or rename one with select before the join")
      }
    }
  }
}

/// What the columns of the inputs are called in the output.
private struct JoinNames {
  /// The places in the key whose columns have one name in all inputs, and so come once.
  let commonKeys: [Int]
  /// Names that more than one input has.
  private let shared: Set<String>
  private let rule: Plan.SharedNames?

  init(_ inputs: [Schema], _ keys: [[Int]], _ kindColumns: [Int?], _ rule: Plan.SharedNames?) {
    self.rule = rule
    let names = zip(inputs, keys).map { schema, keys in keys.map { schema.fields[$0].name } }
    commonKeys = names[0].indices.filter { place in names.allSatisfy { $0[place] == names[0][place] } }
    let common = Set(commonKeys.map { names[0][$0] })
    var seen: Set<String> = []
    var shared: Set<String> = []
    for (schema, kind) in zip(inputs, kindColumns) {
      let own = schema.fields.indices.filter { $0 != kind }.map { schema.fields[$0].name }
      for name in Set(own) where !seen.insert(name).inserted && !common.contains(name) {
        shared.insert(name)
      }
    }
    self.shared = shared
  }

  func name(of name: String, _ input: Int) throws(Failure) -> String {
    guard shared.contains(name) else { return name }
    switch rule {
    case .prefix(let texts) where input < texts.count: return texts[input] + name
    case .suffix(let texts) where input < texts.count: return name + texts[input]
    default:
      throw Failure(
        .usage,
        "several inputs have a column '\(name)'; tell them apart with sharedNames, such as .prefixed(\"left_\", \"right_\"), or "
          + "rename one with select before the join")
    }
  }
}

extension Plan.JoinKind {
  /// Whether rows of an input that have no partner are told, with nulls for the other.
  func keepsAll(ofInput input: Int) -> Bool {
    switch self {
    case .inner, .semi, .anti: false
    case .left: input == 0
    case .right: input == 1
    case .full: true
    }
  }

  /// Whether the output is rows of the first input alone.
  var givesRowsOfFirst: Bool { self == .semi || self == .anti }
}
