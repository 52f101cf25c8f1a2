import Arrow
import Base
import Keys
import VolleyPlan

/// The keys of entries in a database. A format on disks: it never changes.
///
/// Two bytes, most significant first: the key group of the entry's key, by `KeyHasher` and the job's number of key
/// groups; of a table without key columns 0. Two bytes, most significant first: the table's id in the database's
/// `StateCatalog`. Then `KeyEncoding` of the key columns and of the namespace columns. So the entries of a key group
/// lie together, in it those of a table, and in it those of a key, ordered by key and namespace.
///
/// Of a table of the scope `subtask` the first two bytes are 0xFFFF, which is no key group, and behind the table's id
/// is the number of the subtask that wrote the entry, four bytes, most significant first: entries of different subtasks
/// never have one key. 0xFFFF with the id 0xFFFF is the catalog itself.
enum EntryKeys {
  static let noGroup: UInt16 = 0xFFFF
  static let catalogID: UInt16 = 0xFFFF

  /// Bytes in front of the encoding of key and namespace.
  static func prefixSize(_ scope: StateTable.Scope) -> Int { scope == .key ? 4 : 8 }

  /// The first four bytes, as a number.
  static func prefix(group: Int, table: UInt16) -> UInt32 { UInt32(group) << 16 | UInt32(table) }

  /// The keys of rows 0 ..< `rows` of the address columns, key and namespace.
  ///
  /// - Throws: a `data` failure when the text of a column takes 2 GiB or more.
  static func encode(
    _ table: StateTable, id: UInt16, writer: UInt32, maxKeyGroups: Int, _ columns: [Column], rows: Int
  ) throws(Failure) -> EncodedKeys {
    let plain = try KeyColumn.plain(columns)
    let inner = KeyEncoding.encode(columns: plain, rows: rows)
    let size = prefixSize(table.scope)
    let (offsets, source) = (Buffer(byteCount: (rows + 1) * 8), inner.offsets)
    let ends = offsets.unsafeMutableValues(Int64.self)
    for row in 0...rows { ends[row] = source[row] + Int64(row * size) }
    let bytes = Buffer(byteCount: Int(ends[rows]))
    let target = bytes.unsafeMutableAddress
    for row in 0..<rows {
      (target + Int(ends[row]) + size).copyMemory(
        from: inner.bytes + Int(source[row]), byteCount: Int(source[row + 1] - source[row]))
    }
    if table.scope == .key {
      writeGroups(Array(plain.prefix(table.key.count)), id, maxKeyGroups, rows, target, ends)
    } else {
      let prefix = UInt64(noGroup) << 48 | UInt64(id) << 32 | UInt64(writer)
      for row in 0..<rows { target.storeBytes(of: prefix.bigEndian, toByteOffset: Int(ends[row]), as: UInt64.self) }
    }
    return EncodedKeys(count: rows, offsets: offsets, bytes: bytes)
  }

  private static func writeGroups(
    _ key: [Column], _ id: UInt16, _ maxKeyGroups: Int, _ rows: Int, _ target: UnsafeMutableRawPointer,
    _ ends: UnsafePointer<Int64>
  ) {
    let hashBuffer = Buffer(byteCount: rows * 8)
    let hashes = hashBuffer.unsafeMutableValues(UInt64.self)
    if key.isEmpty {
      hashes.update(repeating: 0, count: rows)
    } else {
      KeyHasher.hash(columns: key, rows: rows, into: hashes)
    }
    let groups = UInt64(maxKeyGroups)
    for row in 0..<rows {
      let prefix = UInt32(truncatingIfNeeded: hashes[row] % groups) << 16 | UInt32(id)
      target.storeBytes(of: prefix.bigEndian, toByteOffset: Int(ends[row]), as: UInt32.self)
    }
  }

  /// The address columns again.
  ///
  /// - Parameter keys: without their prefixes.
  static func decode(_ keys: ByteRows, _ table: StateTable) throws(Failure) -> [Column] {
    let offsets = Buffer(byteCount: (keys.count + 1) * 8)
    let target = offsets.unsafeMutableValues(Int64.self)
    target[0] = 0
    for row in 0..<keys.count { target[row + 1] = Int64(keys.ends[row]) }
    let bytes = Buffer(foreign: keys.bytes.start, byteCount: keys.bytes.count, owner: keys)
    let encoded = EncodedKeys(count: keys.count, offsets: offsets, bytes: bytes)
    return try KeyEncoding.decode(encoded, types: (table.key + table.namespace).map(\.type))
  }
}
