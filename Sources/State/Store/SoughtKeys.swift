import Arrow
import Base
import Keys
import VolleyPlan

/// Keys whose entries are looked for in several tables of a database: encoded, and put in the order of the disk, once for all of them.
/// One thread at a time.
public final class SoughtKeys {
  /// How many keys there are.
  public var count: Int { starts.count }
  /// What the entries of each key begin with, in order, and its row among those that were given.
  private(set) var starts: [(bytes: UnsafeRawBufferPointer, row: UInt32)] = []
  private let encoded: EncodedKeys
  let keyTypes: [DataType]

  /// - Parameters:
  ///   - keys: rows of the key columns that all the tables have, of the subtask's key groups, each once.
  ///   - table: one of the tables.
  public init(_ keys: [Column], count: Int, of database: StateDatabase, table: Int) throws(Failure) {
    let definition = database.tables[table]
    precondition(definition.scope == .key, "what a subtask wrote has no keys")
    keyTypes = definition.key.map(\.type)
    encoded = try EntryKeys.encode(
      definition, id: database.ids[table], writer: UInt32(database.part.subtask),
      maxKeyGroups: database.part.maxKeyGroups, keys, rows: count)
    var entries: [SortedEntries.Entry] = []
    entries.reserveCapacity(count)
    for row in 0..<count { entries.append(SortedEntries.Entry(key: encoded[row], value: nil)) }
    starts.reserveCapacity(count)
    SortedEntries(entries).visit { start, row in
      starts.append((start.keyBytes, UInt32(truncatingIfNeeded: row)))
    }
  }

  /// The keys become those of a table. Their order stays: in a key group it does not depend on the table.
  func aim(at table: Int, of database: StateDatabase) {
    precondition(database.tables[table].key.map(\.type) == keyTypes, "the tables have the same key")
    let id = database.ids[table].bigEndian
    for row in 0..<encoded.count {
      // Nobody else has the memory, which was made above.
      UnsafeMutableRawPointer(mutating: encoded[row].baseAddress)?.storeBytes(of: id, toByteOffset: 2, as: UInt16.self)
    }
  }
}
