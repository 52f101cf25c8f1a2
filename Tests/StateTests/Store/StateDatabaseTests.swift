import Arrow
import ArrowTestSupport
import Base
import Keys
import TestSupport
import Testing
import VolleyPlan

@testable import State

@Suite struct StateDatabaseTests {
  static let keyTypes = RandomColumns.types.filter { KeyColumn.objection(to: $0) == nil && $0 != .null }

  static func tables() -> [StateTable] {
    [
      StateTable("sums", key: [Field("k", .int64)], value: [Field("sum", .float64), Field("count", .int64)]),
      StateTable(
        "windows", key: [Field("a", .utf8), Field("b", .int32)], namespace: [Field("end", .timestamp)],
        value: RandomColumns.types.enumerated().map { Field("v\($0)", $1) }),
      StateTable("all", key: [], namespace: [Field("n", .int64)], value: [Field("text", .utf8)]),
      StateTable(
        "keys", key: keyTypes.enumerated().map { Field("k\($0)", $1) },
        namespace: keyTypes.enumerated().map { Field("n\($0)", $1) }, value: []),
    ]
  }

  /// All entries of the databases' tables; fails when one is there twice or a key's are apart or out of order.
  private func entries(_ databases: [StateDatabase], _ table: Int) throws -> [[Literal]: [Literal]] {
    var found: [[Literal]: [Literal]] = [:]
    for database in databases {
      let definition = database.tables[table]
      var keys: Set<[Literal]> = []
      var former: [Literal]?
      var formerAddress: [UInt8] = []
      try database.scan(table: table, batchRows: 100) { batch in
        #expect(batch.schema == definition.entry)
        let columns = batch.columns.prefix(definition.key.count + definition.namespace.count)
        let plain = (try? KeyColumn.plain(Array(columns))) ?? []
        let encoded = KeyEncoding.encode(columns: plain, rows: batch.length)
        for (index, row) in StateModel.rows(batch).enumerated() {
          let key = Array(row.prefix(definition.key.count))
          if key != former {
            #expect(keys.insert(key).inserted, "a key's entries come one after the other")
          } else {
            #expect(formerAddress.lexicographicallyPrecedes(Array(encoded[index])), "ordered by namespace")
          }
          former = key
          formerAddress = Array(encoded[index])
          let address = Array(row.prefix(columns.count))
          #expect(StateModel.subtask(definition, address, database.part) == database.part.subtask)
          #expect(
            found.updateValue(Array(row.dropFirst(columns.count)), forKey: address) == nil, "an entry is there once")
        }
      }
    }
    return found
  }

  private func checksums(_ files: [StateFile]) -> [String: UInt64] {
    Dictionary(uniqueKeysWithValues: files.map { ($0.path, XXH3.hash64(TestProcess.contents(of: $0.path) ?? [])) })
  }

  @Test(arguments: 0..<4)
  func `random changes, epochs and restarts with any parallelism leave what a dictionary has`(_ run: Int) throws {
    var generator = SeededGenerator()
    let memory = StateMemoryShares(byteCount: 8 << 20)
    let folder = TemporaryFolder()
    let maxKeyGroups = [1, 7, 256, 256][run]
    var model = StateModel(Self.tables())
    func parts() -> [StatePart] {
      let parallelism = Int.random(in: 1...min(5, maxKeyGroups), using: &generator)
      return (0..<parallelism).map { StatePart(subtask: $0, parallelism: parallelism, maxKeyGroups: maxKeyGroups) }
    }
    var databases = try parts().map {
      try StateDatabase.create(
        at: folder.file("state/0-\($0.subtask)"), tables: model.tables, part: $0, memory: memory)
    }
    for database in databases { #expect(database.isEmpty) }
    var kept: [String: UInt64] = [:]
    for epoch in 1...8 {
      // Above and below the number of entries from which on they are written as files.
      let rows = epoch == 5 ? 1500 : 25
      for (database, changes) in zip(databases, model.change(rows, databases[0].part, &generator)) {
        try database.apply(changes)
      }
      for table in model.tables.indices {
        #expect(try entries(databases, table) == model.entries[table], "\(generator), epoch \(epoch)")
      }
      try expectFound(databases, model, &generator)
      let origins = try databases.map { database in
        StateOrigin(
          part: database.part,
          files: try database.checkpoint(into: folder.file("epochs/\(epoch)/\(database.part.subtask)")))
      }
      for origin in origins { kept.merge(checksums(origin.files)) { $1 } }
      if epoch % 2 == 0 {
        databases = []
        databases = try parts().map { part in
          try StateDatabase.restore(
            at: folder.file("state/\(epoch)-\(part.subtask)"), tables: model.tables, part: part, from: origins,
            memory: memory)
        }
        for table in model.tables.indices {
          #expect(try entries(databases, table) == model.entries[table], "\(generator), after epoch \(epoch)")
        }
      }
    }
    for database in databases { database.mergeAll() }
    for table in model.tables.indices { #expect(try entries(databases, table) == model.entries[table], "\(generator)") }
    for (path, checksum) in kept {
      #expect(XXH3.hash64(TestProcess.contents(of: path) ?? []) == checksum, "\(path) is as it was")
    }
  }

  /// Looks for addresses that are there and others.
  private func expectFound(
    _ databases: [StateDatabase], _ model: StateModel, _ generator: inout SeededGenerator
  ) throws {
    for table in model.tables.indices {
      for database in databases {
        var addresses: [[Literal]] = []
        for _ in 0..<40 {
          let address = model.address(table, &generator)
          guard StateModel.subtask(model.tables[table], address, database.part) == database.part.subtask,
            !addresses.contains(address)
          else { continue }
          addresses.append(address)
        }
        let found = try database.find(StateModel.batch(model.tables[table].address, addresses), table: table)
        let values = StateModel.rows(found.values)
        var byRow: [UInt32: [Literal]] = [:]
        for (index, row) in found.rows.enumerated() { byRow[row] = values.isEmpty ? [] : values[index] }
        for (index, address) in addresses.enumerated() {
          #expect(byRow[UInt32(index)] == model.entries[table][address], "\(generator)")
        }
      }
    }
  }

  @Test func `a damaged or missing file is told of in a sentence and nothing is harmed`() throws {
    let memory = StateMemoryShares(byteCount: 8 << 20)
    let folder = TemporaryFolder()
    let tables = [StateTable("t", key: [Field("k", .int64)], value: [Field("v", .utf8)])]
    let part = StatePart(subtask: 0, parallelism: 1)
    let database = try StateDatabase.create(at: folder.file("a"), tables: tables, part: part, memory: memory)
    var changes = StateChanges()
    changes.put(
      StateModel.batch(tables[0].entry, (0..<5000).map { [.int64(Int64($0)), .utf8("value \($0)")] }), table: 0)
    try database.apply(changes)
    let files = try database.checkpoint(into: folder.file("epoch"))
    #expect(files.contains { $0.isImmutable })
    for file in files {
      let missing = files.filter { $0 != file }
      let name = file.name
      // Options are made anew.
      if name.hasPrefix("OPTIONS") { continue }
      var outcome: Failure?
      do throws(Failure) {
        let restored = try StateDatabase.restore(
          at: folder.file("b"), tables: tables, part: part, from: [StateOrigin(part: part, files: missing)],
          memory: memory)
        try restored.scan(table: 0) { _ in }
      } catch { outcome = error }
      #expect(outcome != nil, "without \(name)")
    }
    // A bit in the middle of the table's file.
    let large = files.max { $0.byteCount < $1.byteCount }!
    var bytes = TestProcess.contents(of: large.path)!
    bytes[bytes.count / 3] ^= 4
    let damaged = folder.write("damaged.sst", bytes)
    let changed = files.map { $0 == large ? StateFile(name: $0.name, path: damaged, byteCount: $0.byteCount) : $0 }
    var outcome: Failure?
    do throws(Failure) {
      let restored = try StateDatabase.restore(
        at: folder.file("c"), tables: tables, part: part, from: [StateOrigin(part: part, files: changed)],
        memory: memory)
      try restored.scan(table: 0) { _ in }
    } catch { outcome = error }
    #expect(outcome?.kind == .data)
    #expect(outcome?.message.contains("damaged") == true)
  }

  @Test func `subtasks' own entries are given to all, and kept as long as the parallelism is`() throws {
    var generator = SeededGenerator()
    let memory = StateMemoryShares(byteCount: 8 << 20)
    let folder = TemporaryFolder()
    let tables = [
      StateTable("own", scope: .subtask, key: [], namespace: [Field("n", .int64)], value: [Field("v", .int64)]),
      StateTable("keyed", key: [Field("k", .int64)], value: [Field("v", .int64)]),
    ]
    func entry(_ n: Int, _ v: Int) -> [Literal] { [.int64(Int64(n)), .int64(Int64(v))] }
    /// By the number of the subtask that wrote them.
    var written: [Int: [Int: Int]] = [:]
    var databases: [StateDatabase] = []
    for round in 0..<10 {
      let parallelism = Int.random(in: 1...3, using: &generator)
      var origins: [StateOrigin] = []
      for database in databases {
        let files = try database.checkpoint(into: folder.file("e\(round)-\(database.part.subtask)"))
        origins.append(StateOrigin(part: database.part, files: files))
      }
      let all = written.values.flatMap { $0.map { [$0, $1] } }
      databases = []
      for subtask in 0..<parallelism {
        let database = try StateDatabase.restore(
          at: folder.file("s\(round)-\(subtask)"), tables: tables,
          part: StatePart(subtask: subtask, parallelism: parallelism), from: origins, memory: memory)
        var given: [[Int]] = []
        try database.scan(table: 0) { batch in
          for row in StateModel.rows(batch) {
            guard case .int64(let n) = row[0], case .int64(let v) = row[1] else { fatalError("no numbers") }
            given.append([Int(n), Int(v)])
          }
        }
        let sorted = { (rows: [[Int]]) in rows.sorted { $0.lexicographicallyPrecedes($1) } }
        #expect(sorted(given) == sorted(all), "\(generator), round \(round)")
        database.forgetInherited()
        databases.append(database)
      }
      if parallelism != origins.count { written = [:] }
      // Some put, some remove, and some remove all.
      for subtask in 0..<parallelism {
        var changes = StateChanges()
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
          let n = Int.random(in: 0..<6, using: &generator)
          let choice = Int.random(in: 0..<8, using: &generator)
          if choice == 0 {
            changes.removeAll(table: 0)
            written[subtask] = nil
          } else if choice == 1 {
            changes.remove(StateModel.batch(tables[0].address, [[.int64(Int64(n))]]), table: 0)
            written[subtask]?[n] = nil
          } else {
            let value = round * 100 + subtask
            changes.put(StateModel.batch(tables[0].entry, [[.int64(Int64(n)), .int64(Int64(value))]]), table: 0)
            written[subtask, default: [:]][n] = value
          }
        }
        try databases[subtask].apply(changes)
      }
    }
  }

  private static func table(_ value: [Field], name: String = "t", key: DataType = .int64) -> StateTable {
    StateTable(name, key: [Field("k", key)], namespace: [Field("n", .utf8)], value: value)
  }

  @Test func `tables that widen are rewritten, for every key and parallelism`() throws {
    var generator = SeededGenerator()
    let memory = StateMemoryShares(byteCount: 8 << 20)
    let folder = TemporaryFolder()
    let pairs: [(DataType, DataType)] = [
      (.int8, .int16), (.int8, .int64), (.int16, .float32), (.int32, .int64), (.int32, .float64), (.uint8, .int16),
      (.uint16, .uint64), (.uint32, .int64), (.uint32, .float64), (.float16, .float32), (.float16, .float64),
      (.float32, .float64), (.utf8, .largeUtf8), (.utf8, .utf8View), (.binary, .largeBinary),
      (.decimal128(precision: 10, scale: 2), .decimal128(precision: 20, scale: 2)),
    ]
    let old = Self.table(pairs.enumerated().map { Field("v\($0)", $1.0) })
    // Columns are found by their names, wherever they stand.
    let new = Self.table(
      [Field("more", .list(of: .utf8))] + pairs.enumerated().reversed().map { Field("v\($0)", $1.1) }
        + [Field("last", .int64)])
    let own = StateTable("own", scope: .subtask, key: [], namespace: [], value: [Field("v", .int32)])
    let wideOwn = StateTable("own", scope: .subtask, key: [], namespace: [], value: [Field("v", .int64)])
    let kept = StateTable("kept", key: [Field("k", .utf8)], value: [Field("v", .bool)])
    var model = StateModel([old, own, kept])
    let part = StatePart(subtask: 0, parallelism: 1)
    let database = try StateDatabase.create(at: folder.file("a"), tables: model.tables, part: part, memory: memory)
    for _ in 0..<3 { try database.apply(model.change(3000, part, &generator)[0]) }
    var changes = StateChanges()
    changes.put(StateModel.batch(own.entry, [[.int32(-5)]]), table: 1)
    try database.apply(changes)
    let origin = StateOrigin(part: part, files: try database.checkpoint(into: folder.file("epoch")))
    for parallelism in 1...2 {
      // Another order, and one more.
      let tables = [kept, StateTable("new", key: [Field("k", .int8)], value: []), wideOwn, new]
      let databases = try (0..<parallelism).map {
        try StateDatabase.restore(
          at: folder.file("b\(parallelism)-\($0)"), tables: tables,
          part: StatePart(subtask: $0, parallelism: parallelism), from: [origin], memory: memory)
      }
      #expect(try entries(databases, 0) == model.entries[2])
      #expect(try entries(databases, 1).isEmpty)
      let found = try entries(databases, 3)
      #expect(found.count == model.entries[0].count)
      for (address, value) in model.entries[0] {
        let wide = try #require(found[address])
        for (index, pair) in pairs.enumerated() {
          let expected = try Self.widened(value[index], pair.1)
          #expect(wide[pairs.count - index] == expected, "\(pair), \(generator)")
        }
        #expect([wide[0], wide[pairs.count + 1]] == [.null(.list(of: .utf8)), .null(.int64)])
      }
      for database in databases {
        var rows: [[Literal]] = []
        try database.scan(table: 2) { rows += StateModel.rows($0) }
        #expect(rows == [[.int64(-5)]])
      }
      // What was rewritten is what the next epoch has.
      let origins = try databases.map {
        StateOrigin(part: $0.part, files: try $0.checkpoint(into: folder.file("c\(parallelism)-\($0.part.subtask)")))
      }
      let again = try StateDatabase.restore(
        at: folder.file("d\(parallelism)"), tables: tables, part: part, from: origins, memory: memory)
      #expect(try entries([again], 3) == found)
    }
  }

  /// The value in the wider type, by way of its text.
  private static func widened(_ value: Literal, _ type: DataType) throws -> Literal {
    if case .null = value { return .null(type) }
    switch (value, type) {
    case (.float(let number, _), .float64): return .float64(number)
    case (.float(let number, _), _): return .float(number, type)
    case (.int32(let number), .int64): return .int64(Int64(number))
    case (.int32(let number), .float64): return .float64(Double(number))
    case (.integer(let number, _), .int32): return .int32(Int32(number))
    case (.integer(let number, _), .int64): return .int64(Int64(number))
    case (.integer(let number, _), .float64): return .float64(Double(number))
    case (.integer(let number, _), .float32): return .float(Double(number), type)
    case (.integer(let number, _), _): return .integer(number, type)
    case (.utf8(let text), _): return .string(text, type)
    case (.binary(let bytes, _), _): return .binary(bytes, type)
    default: fatalError("\(value) does not become \(type)")
    }
  }

  @Test func `what does not widen conflicts, with the reason`() {
    func verdict(_ old: StateTable, _ new: StateTable) -> StateMigration.Verdict {
      StateMigration.verdict(from: [old], to: [new])
    }
    let plain = Self.table([Field("a", .int32), Field("b", .utf8)])
    #expect(verdict(plain, plain) == .same)
    let reasons: [(StateTable, String)] = [
      (Self.table([Field("a", .int32)]), "b: utf8 is gone"),
      (Self.table([Field("a", .int16), Field("b", .utf8)]), "column 1 was a: int32 and is a: int16"),
      (Self.table([Field("c", .int32), Field("b", .utf8)]), "a: int32 is gone"),
      (
        Self.table([Field("a", .int32), Field("b", .utf8), Field("c", .bool, nullable: false)]),
        "only one that is nullable can be added"
      ),
      (Self.table([Field("a", .int32), Field("b", .utf8)], key: .int32), "the key was (k: int64) and is (k: int32)"),
      (Self.table([Field("a", .int32), Field("b", .utf8)], name: "u"), "table 't' is gone"),
      (
        StateTable("t", scope: .subtask, key: [], namespace: [Field("n", .utf8)], value: plain.value),
        "belonged to a key and belongs to a subtask"
      ),
    ]
    // The columns that an operator makes stand in an order that means something.
    let own = Self.table([Field("a", .int32), Field("$one", .int64), Field("$two", .int64)])
    for names in [["$two", "$one"], ["$zero", "$one", "$two"]] {
      let other = Self.table([Field("a", .int32)] + names.map { Field($0, .int64) })
      guard case .conflicts = verdict(own, other) else {
        Issue.record("\(names) do not conflict")
        continue
      }
    }
    // A name that comes twice: the types tell which is which.
    let twice = Self.table([Field("n", .int64), Field("n", .int64, nullable: false)])
    let more = Self.table([Field("n", .int64), Field("new", .bool), Field("n", .int64, nullable: false)])
    #expect(StateMigration.places(from: twice, to: more) == [0, nil, 1])
    for (table, reason) in reasons {
      guard case .conflicts(let found) = verdict(plain, table) else {
        Issue.record("\(table) does not conflict")
        continue
      }
      #expect(found.contains { $0.contains(reason) }, "\(found)")
    }
  }

  @Test func `every pair of types widens just where each value is one of the other`() {
    // Bounds of the values by type, as exact numbers; a float's are those up to which it has every integer.
    let integers: [(DataType, ClosedRange<Int128>)] = [
      (.int8, -128...127), (.int16, -32768...32767), (.int32, -(1 << 31)...(1 << 31) - 1),
      (.int64, -(1 << 63)...(1 << 63) - 1), (.uint8, 0...255), (.uint16, 0...65535), (.uint32, 0...(1 << 32) - 1),
      (.uint64, 0...(1 << 64) - 1),
    ]
    let floats: [(DataType, ClosedRange<Int128>)] = [
      (.float32, -(1 << 24)...(1 << 24)), (.float64, -(1 << 53)...(1 << 53)),
    ]
    for (old, range) in integers {
      for (new, wider) in integers + floats where old != new {
        let holds = wider.lowerBound <= range.lowerBound && wider.upperBound >= range.upperBound
        #expect(StateMigration.canWiden(old, new) == holds, "\(old) to \(new)")
      }
    }
  }
}
