import Arrow
import Base
import Keys
import VolleyPlan

/// Membership and hashes.
extension FunctionTable {
  static var sets: [FunctionDefinition] { [isIn, hash] }

  /// Whether a value is equal to one of the others. As in SQL, null beside no match is null.
  private static let isIn = FunctionDefinition("in", "in(value, a, b, …)", arity: 2...Int.max) {
    call throws(Failure) in
    guard let sides = Promotion.unify(call.arguments, by: Promotion.compared) else {
      let types = call.types.map(\.description).joined(separator: ", ")
      throw call.refusal("the values are \(types), which cannot be compared with each other; cast them to one type")
    }
    let others = sides.dropFirst()
    if others.count > ConstantSet.fewest, let set = ConstantSet(others) {
      let types = sides.map(\.type)
      return call.kernel(types, .bool, makesNulls: set.hasNull, isStrict: false, cost: 8) {
        arguments, count throws(Failure) in
        try set.contains(arguments[0].column(count))
      }
    }
    return .expression(
      any(
        others.map { other in
          TypedExpression(.call(.equal, [sides[0], other]), .bool, nullable: sides[0].nullable || other.nullable)
        }[...]))
  }

  /// Whether one of the conditions holds, as a tree that is no deeper than it must be.
  private static func any(_ conditions: ArraySlice<TypedExpression>) -> TypedExpression {
    if conditions.count == 1 { return conditions[conditions.startIndex] }
    let middle = conditions.startIndex + conditions.count / 2
    let (left, right) = (any(conditions[..<middle]), any(conditions[middle...]))
    return TypedExpression(.call(.or, [left, right]), .bool, nullable: left.nullable || right.nullable)
  }

  /// The published hash of a key of these columns, as uint64: what decides its key group. Never null.
  private static let hash = FunctionDefinition("hash", "hash(a, b, …)", arity: 1...Int.max) {
    call throws(Failure) in
    for type in call.types {
      if let objection = KeyColumn.objection(to: type) { throw call.refusal(objection) }
    }
    let function = BoundFunction(
      "hash", call.types, .uint64, isStrict: false, cost: 5
    ) { (arguments, count) throws(Failure) in
      let buffer = Buffer(byteCount: count * 8)
      let columns = try KeyColumn.plain(arguments.map { argument throws(Failure) in try argument.column(count) })
      KeyHasher.hash(columns: columns, rows: count, into: buffer.unsafeMutableValues(UInt64.self))
      return Column(type: .uint64, length: count, validity: nil, buffers: [buffer])
    }
    return .kernel(function)
  }
}

/// Constants of one type, to be found by value: open addressing over their hashes.
final class ConstantSet: Sendable {
  /// Fewer constants are compared with one by one.
  static let fewest = 8

  let hasNull: Bool
  private let constants: Column
  private let hashes: [UInt64]
  /// Row of the constants + 1; 0 in an empty place. At most half are taken.
  private let places: [Int32]

  /// Nil when one of them is no constant, or of a type that has no hash.
  init?(_ expressions: ArraySlice<TypedExpression>) {
    guard let type = expressions.first?.type, type.isComparable else { return nil }
    let builder = ColumnBuilder(type)
    var hasNull = false
    for expression in expressions {
      guard case .literal(let literal) = expression.node else { return nil }
      switch literal {
      case .null: hasNull = true
      case .float64(let value) where value.isNaN: break  // Equal to nothing.
      case .float(let value, _) where value.isNaN: break
      default: builder.append(literal)
      }
    }
    self.hasNull = hasNull
    guard let constants = try? KeyColumn.plain(builder.finish()) else { return nil }
    self.constants = constants
    var hashes = [UInt64](repeating: 0, count: constants.length)
    KeyHasher.hash(columns: [constants], rows: constants.length, into: &hashes)
    var capacity = 16
    while capacity < 2 * constants.length { capacity *= 2 }
    var places = [Int32](repeating: 0, count: capacity)
    for (row, hash) in hashes.enumerated() {
      var place = Int(truncatingIfNeeded: hash) & (capacity - 1)
      while places[place] != 0 { place = (place + 1) & (capacity - 1) }
      places[place] = Int32(row + 1)
    }
    self.hashes = hashes
    self.places = places
  }

  /// For each row whether it is one of the constants.
  func contains(_ column: Column) -> Column {
    let count = column.length
    guard let plain = try? KeyColumn.plain(column) else { preconditionFailure("what is compared is plain") }
    let buffer = Buffer(byteCount: count * 8)
    let rows = buffer.unsafeMutableValues(UInt64.self)
    KeyHasher.hash(columns: [plain], rows: count, into: rows)
    let mask = places.count - 1
    let found = places.withUnsafeBufferPointer { places in
      hashes.withUnsafeBufferPointer { hashes in
        Words(count: count) { start, step in
          var word: UInt64 = 0
          for bit in 0..<step {
            let hash = rows[start + bit]
            var place = Int(truncatingIfNeeded: hash) & mask
            while places[place] != 0 {
              let candidate = Int(places[place] - 1)
              if hashes[candidate] == hash, isEqual(plain, start + bit, candidate) {
                word |= 1 << UInt64(bit)
                break
              }
              place = (place + 1) & mask
            }
          }
          return word
        }
      }
    }
    var validity = Bits(validityOf: column)
    var all: Words?
    if hasNull {
      // What is found is true; the rest may be equal to the null.
      let words = Words(count: count) { found.words[$0 >> 6] & (validity?.word($0, $1) ?? .max) }
      all = words
      validity = nil
    }
    return found.column(validity: all?.buffer ?? commonValidity([column], count: count))
  }

  private func isEqual(_ column: Column, _ row: Int, _ constant: Int) -> Bool {
    switch column.type {
    case .bool: column.bit(row) == constants.bit(constant)
    case .float16: column.values(Float16.self)[row] == constants.values(Float16.self)[constant]
    case .float32: column.values(Float.self)[row] == constants.values(Float.self)[constant]
    case .float64: column.values(Double.self)[row] == constants.values(Double.self)[constant]
    default: column.bytes(at: row).elementsEqual(constants.bytes(at: constant))
    }
  }
}
