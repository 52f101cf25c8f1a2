import Arrow
import ArrowTestSupport
import Base
import Keys
import TestSupport
import Testing
import VolleyPlan

@Suite("Key encodings")
struct KeyEncodingTests {
  @Test("are the committed ones")
  func vectors() {
    for key in Vectors.keys() {
      let encoded = KeyEncoding.encode(columns: key.cells.map { Vectors.column([$0]) }, rows: 1)
      #expect(Array(encoded[0]) == key.encoding, "\(key.cells)")
    }
  }

  @Test("decode to the columns that they were made of")
  func decode() throws {
    let groups = Dictionary(grouping: Vectors.keys()) { $0.cells.map(\.type) }
    for (types, keys) in groups {
      let columns = types.indices.map { column in Vectors.column(keys.map { $0.cells[column] }) }
      let encoded = KeyEncoding.encode(columns: columns, rows: keys.count)
      let decoded = try KeyEncoding.decode(encoded, types: types)
      let again = KeyEncoding.encode(columns: decoded, rows: keys.count)
      for row in keys.indices {
        #expect(Array(again[row]) == keys[row].encoding)
        for (before, after) in zip(columns, decoded) {
          #expect(before.isValid(row) == after.isValid(row))
          guard before.isValid(row) else { continue }
          switch (before.literal(at: row), after.literal(at: row)) {
          case (.float64(let before), .float64(let after)): #expect(before == after || before.isNaN && after.isNaN)
          case (.float(let before, _), .float(let after, _)):
            #expect(before == after || before.isNaN && after.isNaN)
          case (let before, let after): #expect(before == after)
          }
        }
      }
    }
  }

  @Test("of a dictionary of dictionaries are those of the values that its rows name")
  func dictionaryOfDictionaries() throws {
    let inner = DataType.dictionary(index: .int8, value: .utf8, ordered: false)
    let words = RandomColumns.column(inner, [.utf8("a"), .utf8("b"), .null(inner)])
    let rows = RandomColumns.column(.int8, [.integer(1, .int8), .null(.int8), .integer(2, .int8), .integer(0, .int8)])
    let column = Column(
      type: .dictionary(index: .int8, value: inner, ordered: false), length: 4, validity: rows.validity,
      buffers: rows.buffers, children: [words])
    #expect(KeyColumn.objection(to: column.type) == nil)
    let plain = try KeyColumn.plain(column)
    #expect(plain.literals == [.utf8("b"), .null(.utf8), .null(.utf8), .utf8("a")])
  }

  @Test("decode to a dictionary as long as its indices count the values")
  func dictionaryRoom() throws {
    let type = DataType.dictionary(index: .int8, value: .utf8, ordered: false)
    for count in [128, 129] {
      let texts = (0..<count).map { Literal.utf8("key \($0)") }
      let keys = KeyEncoding.encode(columns: [RandomColumns.column(.utf8, texts)], rows: count)
      if count == 128 {
        #expect(try KeyEncoding.decode(keys, types: [type])[0].literals == texts)
      } else {
        let failure = #expect(throws: Failure.self) { try KeyEncoding.decode(keys, types: [type]) }
        #expect(failure?.message.contains("more than 128 distinct values") == true)
      }
    }
  }

  @Test("have the order of the keys", arguments: [DataType.bool, .int32, .int64, .float64, .timestamp])
  func order(type: DataType) {
    var generator = SeededGenerator()
    let cells = (0..<200).map { _ in Self.cell(type, &generator) }
    let encoded = KeyEncoding.encode(columns: [Vectors.column(cells)], rows: cells.count)
    for left in cells.indices {
      for right in cells.indices {
        let expected = Self.isLess(cells[left], cells[right])
        #expect(
          encoded[left].lexicographicallyPrecedes(encoded[right]) == expected,
          "\(cells[left]) before \(cells[right]), \(generator)")
      }
    }
  }

  @Test("of every string of up to four bytes 0, 1 and 255 have the strings' order, also before another column")
  func strings() {
    var strings: [[UInt8]] = [[]]
    for length in 1...4 {
      let shorter = strings.filter { $0.count == length - 1 }
      strings += shorter.flatMap { string in [0, 1, 255].map { string + [$0] } }
    }
    let builder = Utf8Builder()
    for string in strings { string.withUnsafeBufferPointer { builder.append($0) } }
    let column = builder.finish()
    // The second column falls where the first rises, so that it must not decide.
    let second = Vectors.column(strings.indices.map { .int64(-Int64($0)) })
    for columns in [[column], [column, second]] {
      let encoded = KeyEncoding.encode(columns: columns, rows: strings.count)
      for left in strings.indices {
        for right in strings.indices where left != right {
          #expect(
            encoded[left].lexicographicallyPrecedes(encoded[right])
              == strings[left].lexicographicallyPrecedes(strings[right]))
          #expect(!encoded[right].starts(with: encoded[left]), "a key is no other key's start")
        }
      }
    }
  }

  @Test(
    "of the other widths and signs have the order of the keys",
    arguments: [
      DataType.int8, .int16, .uint8, .uint16, .uint32, .uint64, .date32, .duration(.second),
      .decimal128(precision: 38, scale: 2),
    ])
  func widthsInOrder(type: DataType) {
    var generator = SeededGenerator()
    let cells = (0..<150).map { _ in RandomColumns.value(type, &generator) }
    let encoded = KeyEncoding.encode(columns: [RandomColumns.column(type, cells, offset: 5)], rows: cells.count)
    for (left, leftCell) in cells.enumerated() {
      for (right, rightCell) in cells.enumerated() {
        guard case .integer(let a, _) = leftCell, case .integer(let b, _) = rightCell else { continue }
        #expect(encoded[left].lexicographicallyPrecedes(encoded[right]) == (a < b), "\(a) before \(b), \(generator)")
      }
    }
  }

  @Test("and hashes of equal text are equal in every layout, and come back in each")
  func layouts() throws {
    var generator = SeededGenerator()
    let texts = (0..<200).map { _ -> String? in
      Int.random(in: 0..<9, using: &generator) == 0 ? nil : RandomColumns.string(&generator)
    }
    let plain = RandomColumns.column(.utf8, texts.map { $0.map { .utf8($0) } ?? .null(.utf8) })
    let expected = KeyEncoding.encode(columns: [plain], rows: texts.count)
    var expectedHashes = [UInt64](repeating: 0, count: texts.count)
    KeyHasher.hash(columns: [plain], rows: texts.count, into: &expectedHashes)
    let types: [DataType] = [.largeUtf8, .utf8View, .dictionary(of: .utf8), .dictionary(of: .utf8View)]
    for type in types {
      let cells = texts.map { text -> Literal in
        guard let text else { return .null(type) }
        switch type {
        case .dictionary(_, .utf8, _): return .utf8(text)
        case .dictionary(_, let value, _): return .string(text, value)
        default: return .string(text, type)
        }
      }
      let column = RandomColumns.column(type, cells, offset: 3)
      let keys = try KeyColumn.plain([column])
      let encoded = KeyEncoding.encode(columns: keys, rows: texts.count)
      var hashes = [UInt64](repeating: 0, count: texts.count)
      KeyHasher.hash(columns: keys, rows: texts.count, into: &hashes)
      #expect(hashes == expectedHashes, "\(type) \(generator)")
      for row in texts.indices { #expect(Array(encoded[row]) == Array(expected[row]), "\(type) \(generator)") }
      #expect(try KeyEncoding.decode(encoded, types: [type])[0] == column, "\(type) \(generator)")
    }
  }

  @Test("are refused for nested types and intervals, in a sentence")
  func refused() {
    for type in [DataType.list(of: .int32), .struct([]), .map(.utf8, to: .int32), .interval(.monthDayNano)] {
      #expect(KeyColumn.objection(to: type)?.contains("key by") == true)
      #expect(KeyColumn.objection(to: .dictionary(of: type)) != nil)
    }
    #expect(KeyColumn.objection(to: .dictionary(of: .utf8)) == nil)
  }

  @Test("that are cut, too long or of other types are refused")
  func malformed() throws {
    let types: [DataType] = [.int64, .utf8, .bool]
    let columns = [Vectors.column([.int64(7)]), Vectors.column([.utf8("a\0b")]), Vectors.column([.bool(true)])]
    let good = KeyEncoding.encode(columns: columns, rows: 1)
    let key = withExtendedLifetime(good) { Array(good[0]) }
    var bad = (0..<key.count).map { Array(key[..<$0]) }
    bad.append(key + [0])
    for index in [0, 9, 12, key.count - 2, key.count - 1] {
      var broken = key
      broken[index] = 2
      if index == 12 { broken[12] = 7 }  // A zero byte is followed by 0x00 or 0xFF.
      bad.append(broken)
    }
    for bytes in bad {
      // A good key before it: a row says itself where it begins.
      #expect(throws: Failure.self, "\(bytes)") { try KeyEncoding.decode(Self.encoded([key, bytes]), types: types) }
    }
    #expect(try KeyEncoding.decode(Self.encoded([key, key]), types: types).map(\.length) == [2, 2, 2])
  }

  private static func encoded(_ keys: [[UInt8]]) -> EncodedKeys {
    let offsets = Buffer(byteCount: (keys.count + 1) * 8)
    let bytes = Buffer(byteCount: keys.reduce(0) { $0 + $1.count })
    var end = 0
    for (index, key) in keys.enumerated() {
      offsets.unsafeMutableValues(Int64.self)[index] = Int64(end)
      for byte in key {
        bytes.unsafeMutableValues(UInt8.self)[end] = byte
        end += 1
      }
    }
    offsets.unsafeMutableValues(Int64.self)[keys.count] = Int64(end)
    return EncodedKeys(count: keys.count, offsets: offsets, bytes: bytes)
  }

  @Test("of no rows are empty")
  func empty() throws {
    let encoded = KeyEncoding.encode(columns: [Column.nulls(.int64, count: 0)], rows: 0)
    #expect(encoded.count == 0)
    #expect(try KeyEncoding.decode(encoded, types: [.int64])[0].length == 0)
  }

  private static func cell(_ type: DataType, _ generator: inout SeededGenerator) -> Literal {
    if Int.random(in: 0..<10, using: &generator) == 0 { return .null(type) }
    let bits = generator.next() >> UInt64.random(in: 0..<64, using: &generator)
    let integer = Int64(bitPattern: Bool.random(using: &generator) ? bits : ~bits)
    switch type {
    case .bool: return .bool(bits & 1 == 0)
    case .int32: return .int32(Int32(truncatingIfNeeded: integer))
    case .float64:
      let edges: [Double] = [0, -0.0, .infinity, -.infinity, .nan, -.nan, .leastNonzeroMagnitude]
      if Bool.random(using: &generator) { return .float64(edges.randomElement(using: &generator)!) }
      return .float64(Double(bitPattern: generator.next()))
    case .timestamp(let unit, let zone): return .timestamp(integer, unit, timezone: zone)
    default: return .int64(integer)
    }
  }

  /// Nulls first, both zeros equal, NaN last.
  private static func isLess(_ left: Literal, _ right: Literal) -> Bool {
    switch (left, right) {
    case (_, .null): false
    case (.null, _): true
    case (.bool(let left), .bool(let right)): !left && right
    case (.int32(let left), .int32(let right)): left < right
    case (.int64(let left), .int64(let right)): left < right
    case (.timestamp(let left, _, _), .timestamp(let right, _, _)): left < right
    case (.float64(let left), .float64(let right)):
      left < right || !left.isNaN && right.isNaN
    default: preconditionFailure("cells of one type are compared")
    }
  }
}
