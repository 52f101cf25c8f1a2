import Arrow
import ArrowTestSupport
import Keys
import TestSupport
import VolleyPlan

@testable import State

/// An operator's tables as dictionaries, and random changes of them.
struct StateModel {
  let tables: [StateTable]
  /// By table: the values by address.
  var entries: [[[Literal]: [Literal]]]

  init(_ tables: [StateTable]) {
    self.tables = tables
    entries = tables.map { _ in [:] }
  }

  static func batch(_ schema: Schema, _ rows: [[Literal]]) -> RecordBatch {
    let columns = schema.fields.indices.map { index in
      RandomColumns.column(schema.fields[index].type, rows.map { $0[index] }, offset: rows.count % 3)
    }
    return RecordBatch(schema: schema, columns: columns, length: rows.count)
  }

  static func rows(_ batch: RecordBatch) -> [[Literal]] {
    let columns = batch.columns.map(\.literals)
    return (0..<batch.length).map { row in columns.map { $0[row] } }
  }

  /// An address of few that there are, or one that was put before.
  func address(_ table: Int, _ generator: inout SeededGenerator) -> [Literal] {
    if Bool.random(using: &generator), let known = entries[table].keys.randomElement(using: &generator) {
      return known
    }
    return (tables[table].key + tables[table].namespace).map { field in
      if Int.random(in: 0..<10, using: &generator) == 0 { return .null(field.type) }
      return RandomColumns.value(field.type, &generator)
    }
  }

  func value(_ table: Int, _ generator: inout SeededGenerator) -> [Literal] {
    tables[table].value.map { RandomColumns.values($0.type, 1, nulls: 5, &generator)[0] }
  }

  /// Whose an address is.
  static func subtask(_ table: StateTable, _ address: [Literal], _ part: StatePart) -> Int {
    if table.key.isEmpty { return 0 }
    let columns = zip(table.key, address).map { RandomColumns.column($0.type, [$1]) }
    var hash: UInt64 = 0
    KeyHasher.hash(columns: try! KeyColumn.plain(columns), rows: 1, into: &hash)
    let assignment = KeyGroupAssignment(maxKeyGroups: part.maxKeyGroups, parallelism: part.parallelism)
    return assignment.subtask(of: KeyGroup.of(hash, maxKeyGroups: part.maxKeyGroups))
  }

  /// Changes itself at random.
  ///
  /// - Returns: the changes of each subtask.
  mutating func change(_ rows: Int, _ part: StatePart, _ generator: inout SeededGenerator) -> [StateChanges] {
    var changes = [StateChanges](repeating: StateChanges(), count: part.parallelism)
    for table in tables.indices where tables[table].scope == .key {
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        if Int.random(in: 0..<15, using: &generator) == 0 {
          entries[table] = [:]
          for subtask in changes.indices { changes[subtask].removeAll(table: table) }
          continue
        }
        let removes = Int.random(in: 0..<3, using: &generator) == 0
        var batches = [[[Literal]]](repeating: [], count: part.parallelism)
        for _ in 0..<Int.random(in: 0...rows, using: &generator) {
          let address = address(table, &generator)
          let value = value(table, &generator)
          entries[table][address] = removes ? nil : value
          batches[Self.subtask(tables[table], address, part)].append(removes ? address : address + value)
        }
        for subtask in changes.indices {
          if removes {
            changes[subtask].remove(Self.batch(tables[table].address, batches[subtask]), table: table)
          } else {
            changes[subtask].put(Self.batch(tables[table].entry, batches[subtask]), table: table)
          }
        }
      }
    }
    return changes
  }
}
