import Base
import VolleyPlan

extension DataType {
  /// The type that a field's table tells, with these children. Dictionaries are not looked at.
  ///
  /// - Parameter field: the name of the field, for sentences.
  init(flat table: FlatTable, children: [Field], field: String) throws(Failure) {
    func refusal(_ finding: String) -> Failure {
      Failure(.data, "field '\(field)' \(finding); convert it before it is written")
    }
    func unit(_ slot: Int, default value: Int16) throws(Failure) -> TimeUnit {
      let number = try type.integer(slot, default: value)
      guard let unit = TimeUnit(number: number) else {
        throw refusal("counts an unknown unit of time, number \(number)")
      }
      return unit
    }
    func size(_ slot: Int) throws(Failure) -> Int {
      let size = try type.integer(slot, default: Int32(0))
      guard size >= 0 else { throw refusal("has values of \(size) bytes or items") }
      return Int(size)
    }
    func count(_ count: Int) throws(Failure) {
      guard children.count == count else {
        throw refusal("has \(children.count) children, where its type has \(count)")
      }
    }

    let number = try table.integer(2, default: UInt8(0))
    guard let kind = IPCType(rawValue: number) else {
      throw refusal("has a type that this version does not know, number \(number)")
    }
    if let name = kind.missingName { throw refusal("has the type \(name), which Volley has not") }
    let type = try table.table(3, "type of field '\(field)'")
    switch kind {
    case .list, .largeList, .fixedSizeList, .map: try count(1)
    case .record: break
    default: try count(0)
    }
    switch kind {
    case .null: self = .null
    case .bool: self = .bool
    case .int: self = try Self(int: type, field: field)
    case .floatingPoint:
      let precision = try type.integer(0, default: Int16(0))
      guard (0...2).contains(precision) else {
        throw refusal("has floats of an unknown precision, number \(precision)")
      }
      self = [.float16, .float32, .float64][Int(precision)]
    case .utf8: self = .utf8
    case .largeUtf8: self = .largeUtf8
    case .utf8View: self = .utf8View
    case .binary: self = .binary
    case .largeBinary: self = .largeBinary
    case .binaryView: self = .binaryView
    case .fixedSizeBinary: self = .fixedSizeBinary(try size(0))
    case .decimal: self = try Self(decimal: type, field: field)
    case .date:
      let unit = try type.integer(0, default: Int16(1))
      guard (0...1).contains(unit) else { throw refusal("has dates of an unknown unit, number \(unit)") }
      self = unit == 0 ? .date32 : .date64
    case .time:
      let unit = try unit(0, default: 1)
      let width = try type.integer(1, default: Int32(32))
      let expected: Int32 = unit.number <= 1 ? 32 : 64
      guard width == expected else {
        throw refusal("has times in \(unit.rawValue) of \(width) bits, where \(expected) are expected")
      }
      self = width == 32 ? .time32(unit) : .time64(unit)
    case .timestamp:
      let zone = try type.string(1)
      self = .timestamp(try unit(0, default: 0), timezone: zone == "" ? nil : zone)
    case .duration: self = .duration(try unit(0, default: 1))
    case .interval:
      let number = try type.integer(0, default: Int16(0))
      guard let unit = IntervalUnit(number: number) else {
        throw refusal("has intervals of an unknown unit, number \(number)")
      }
      self = .interval(unit)
    case .list: self = .list(children[0])
    case .largeList: self = .largeList(children[0])
    case .fixedSizeList: self = .fixedSizeList(children[0], size: try size(0))
    case .record: self = .struct(children)
    case .map:
      guard case .struct(let entry) = children[0].type, entry.count == 2 else {
        throw refusal("is a map of \(children[0].type), where entries of a key and a value are expected")
      }
      var key = entry[0]
      key.nullable = false
      self = .map(key: key, value: entry[1], keysSorted: try type.bool(0))
    case .union, .runEndEncoded, .listView, .largeListView: throw refusal("has a type that Volley has not")
    }
  }

  /// An integer's type from its table.
  init(int table: FlatTable, field: String) throws(Failure) {
    let width = try table.integer(0, default: Int32(0))
    switch (width, try table.bool(1)) {
    case (8, true): self = .int8
    case (16, true): self = .int16
    case (32, true): self = .int32
    case (64, true): self = .int64
    case (8, false): self = .uint8
    case (16, false): self = .uint16
    case (32, false): self = .uint32
    case (64, false): self = .uint64
    default:
      throw Failure(.data, "field '\(field)' has integers of \(width) bits, where 8, 16, 32 or 64 are expected")
    }
  }

  private init(decimal table: FlatTable, field: String) throws(Failure) {
    let width = try table.integer(2, default: Int32(128))
    guard width == 128 else {
      throw Failure(
        .data, "field '\(field)' has the type decimal\(width), which Volley has not; convert it to decimal128")
    }
    let precision = try table.integer(0, default: Int32(0))
    let scale = try table.integer(1, default: Int32(0))
    let type = DataType.decimal128(precision: Int(precision), scale: Int(scale))
    if let objection = type.parameterObjection { throw Failure(.data, "field '\(field)': \(objection)") }
    self = type
  }
}
