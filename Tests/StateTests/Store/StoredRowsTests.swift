import Arrow
import ArrowTestSupport
import Keys
import TestSupport
import Testing
import VolleyPlan

@testable import State

@Suite struct StoredRowsTests {
  private func rows(_ encoded: EncodedRows) -> ByteRows {
    let rows = ByteRows()
    for row in 0..<encoded.count {
      rows.append(encoded.bytes + encoded.offsets[row], encoded.offsets[row + 1] - encoded.offsets[row])
    }
    return rows
  }

  private func bytes(_ encoded: EncodedRows, _ row: Int) -> [UInt8] {
    let (start, end) = (encoded.offsets[row], encoded.offsets[row + 1])
    return withExtendedLifetime(encoded) {
      Array(UnsafeRawBufferPointer(start: encoded.bytes + start, count: end - start))
    }
  }

  @Test func `rows are the bytes that another implementation of the written format makes`() throws {
    let vectors = try StateVectors.lines("rows.jsonl")
    #expect(vectors.count > 100)
    for vector in vectors {
      guard case .array(let types)? = vector["types"], case .array(let values)? = vector["values"],
        case .string(let hex)? = vector["row"]
      else { fatalError("no vector") }
      let fields = try types.map { Field("c", try StateVectors.type($0)) }
      let columns = zip(values, fields).map { StateVectors.column($0, $1.type) }
      let layout = StoredRows.layout(Schema(fields))
      let encoded = try StoredRows.encode(columns, layout, count: 1)
      #expect(bytes(encoded, 0) == StateVectors.bytes(hex), "\(vector.text)")
      let bytes = ByteRows()
      let known = StateVectors.bytes(hex)
      known.withUnsafeBytes { bytes.append($0.baseAddress!, known.count) }
      #expect(try StoredRows.decode(bytes, layout, place: "test") == columns, "\(vector.text)")
    }
  }

  @Test func `keys are the bytes that another implementation of the written format makes`() throws {
    let vectors = try StateVectors.lines("keys.jsonl")
    #expect(vectors.count > 20)
    for vector in vectors {
      func number(_ name: String) -> Int {
        if case .int(let number)? = vector[name] { Int(number) } else { fatalError("no \(name)") }
      }
      func columns(_ name: String) throws -> [Column] {
        guard case .array(let cells)? = vector[name] else { fatalError("no \(name)") }
        return try cells.map { cell in
          guard case .array(let pair) = cell else { fatalError("no cell") }
          return StateVectors.column(pair[1], try StateVectors.type(pair[0]))
        }
      }
      let (key, namespace) = (try columns("key"), try columns("namespace"))
      let table = StateTable(
        "t", scope: vector["scope"] == .string("key") ? .key : .subtask, key: key.map { Field("k", $0.type) },
        namespace: namespace.map { Field("n", $0.type) }, value: [])
      let encoded = try EntryKeys.encode(
        table, id: UInt16(number("table")), writer: UInt32(number("writer")), maxKeyGroups: number("groups"),
        key + namespace, rows: 1)
      guard case .string(let hex)? = vector["bytes"] else { fatalError("no bytes") }
      #expect(withExtendedLifetime(encoded) { Array(encoded[0]) } == StateVectors.bytes(hex), "\(vector.text)")
    }
  }

  @Test(arguments: RandomColumns.types)
  func `values of every type come back, with nulls and without, from anywhere in a buffer`(_ type: DataType) throws {
    var generator = SeededGenerator()
    for (nulls, count) in [(0, 0), (0, 1), (3, 70), (1, 9), (0, 200), (2, 129)] {
      let values = RandomColumns.values(type, count, nulls: nulls, &generator)
      let beside = RandomColumns.values(.utf8, count, nulls: 2, &generator)
      let columns = [
        RandomColumns.column(type, values, offset: 5), RandomColumns.column(.utf8, beside),
        RandomColumns.column(type, values),
      ]
      let layout = StoredRows.layout(Schema([Field("a", type), Field("b", .utf8), Field("c", type)]))
      let encoded = try StoredRows.encode(columns, layout, count: count)
      #expect(try StoredRows.decode(rows(encoded), layout, place: "test") == columns, "\(type), \(generator)")
      // Equal values are equal bytes, whatever lay behind the nulls.
      let again = try StoredRows.encode([columns[2], columns[1], columns[0]], layout, count: count)
      for row in 0..<count { #expect(bytes(again, row) == bytes(encoded, row), "\(type), \(generator)") }
    }
  }

  @Test func `bytes that are no row of the columns are refused`() throws {
    let layout = StoredRows.layout(Schema([Field("a", .int32), Field("b", .utf8), Field("c", .binary)]))
    let good = try StoredRows.encode(
      [.constant(.int32(7), count: 1), .constant(.utf8("text"), count: 1), .constant(.binary([1], .binary), count: 1)],
      layout, count: 1)
    let bytes = bytes(good, 0)
    func refused(_ bytes: [UInt8]) -> Bool {
      let rows = ByteRows()
      bytes.withUnsafeBytes { rows.append($0.baseAddress!, bytes.count) }
      do {
        _ = try StoredRows.decode(rows, layout, place: "test")
        return false
      } catch { return error.kind == .data }
    }
    #expect(!refused(bytes))
    for cut in 1..<bytes.count { #expect(refused(Array(bytes.prefix(cut)))) }
    #expect(refused(bytes + [0]))
    for place in [0, 5, 6, 9, 10] {
      var damaged = bytes
      damaged[place] ^= 0x80
      #expect(refused(damaged), "byte \(place)")
    }
  }

  @Test func `entries are in the order of their keys, and of one key the last counts`() throws {
    var generator = SeededGenerator()
    for count in [0, 1, 2, 50, 2000] {
      var keys: [[UInt8]] = []
      for _ in 0..<count {
        let prefix = [UInt8](repeating: 7, count: [0, 3, 16, 17, 30].randomElement(using: &generator)!)
        keys.append(
          prefix
            + (0..<Int.random(in: 1...4, using: &generator)).map { _ in
              UInt8.random(in: 0...3, using: &generator)
            })
      }
      let block = ByteRows()
      for key in keys { key.withUnsafeBytes { block.append($0.baseAddress!, key.count) } }
      var last: [[UInt8]: Int] = [:]
      for (index, key) in keys.enumerated() { last[key] = index }
      var found: [([UInt8], Int)] = []
      SortedEntries((0..<count).map { .init(key: block[$0], value: nil) }).visit {
        found.append((Array($0.keyBytes), $1))
      }
      withExtendedLifetime(block) {}
      let expected = last.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      #expect(found.map(\.0) == expected.map(\.key), "\(generator)")
      #expect(found.map(\.1) == expected.map(\.value), "\(generator)")
    }
  }
}
