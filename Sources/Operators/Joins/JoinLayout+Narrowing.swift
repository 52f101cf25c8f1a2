import Arrow

extension JoinLayout {
  /// By input, the columns that tell rows apart that are taken back; nil where none are.
  var valueColumns: [[Int]?] {
    kindColumns.enumerated().map { input, kind in
      kind.map { kind in inputs[input].fields.indices.filter { $0 != kind } }
    }
  }

  /// The same rows of inputs that lack some of the columns, with fewer columns.
  ///
  /// - Parameters:
  ///   - inputs: columns of these inputs, at least those of `columnsRead`.
  ///   - schema: of this schema, the columns that the output is to have; `row_kind` and the bounds of windows are among
  ///     them.
  public func keeping(inputs: [Schema], output schema: Schema) -> JoinLayout { JoinLayout(self, inputs, schema) }

  private init(_ whole: JoinLayout, _ inputs: [Schema], _ schema: Schema) {
    let places = zip(whole.inputs, inputs).map { whole, kept in whole.fields.map { kept.index(of: $0.name) } }
    func place(_ column: Int, _ input: Int) -> Int {
      guard let place = places[input][column] else {
        preconditionFailure(
          "a join is given the columns that it reads; '\(whole.inputs[input].fields[column].name)' is missing")
      }
      return place
    }
    func moved(_ column: JoinColumn) -> JoinColumn {
      JoinColumn(
        field: column.field,
        sources: column.sources.enumerated().map { input, source in source.flatMap { places[input][$0] } })
    }
    self.inputs = inputs
    keys = whole.keys.enumerated().map { input, keys in keys.map { place($0, input) } }
    keyCount = whole.keyCount
    times = whole.times.enumerated().map { JoinTime(column: place($1.column, $0), shift: $1.shift) }
    kindColumns = whole.kindColumns.enumerated().map { input, kind in kind.map { place($0, input) } }
    isChangelog = whole.isChangelog
    joined = whole.joined.map(moved).filter { $0.sources.contains { $0 != nil } }
    output = whole.output.filter { schema.index(of: $0.field.name) != nil }.map(moved)
    self.schema = schema
  }

  /// By input, the names of the columns that are read there: keys and times, and those that columns of the output come
  /// from.
  ///
  /// - Parameters:
  ///   - names: of the output.
  ///   - condition: of what the condition sees.
  public func columnsRead(for names: Set<String>, condition: Set<String>) -> [Set<String>] {
    let columns =
      output.filter { names.contains($0.field.name) } + joined.filter { condition.contains($0.field.name) }
    return inputs.enumerated().map { input, schema in
      var read = keys[input] + columns.compactMap { $0.sources[input] }
      if !times.isEmpty { read.append(times[input].column) }
      return Set(read.map { schema.fields[$0].name })
    }
  }
}
