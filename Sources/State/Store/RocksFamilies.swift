import Base
import CRocksDB
import Glibc

/// The column families of a database, which RocksDB wants opened and closed together.
struct RocksFamilies: @unchecked Sendable {  // RocksDB locks what the pointers name.
  private(set) var entries: OpaquePointer
  /// In the name of the family with the entries; nil: these are in the default one.
  private(set) var number: Int?
  private var others: [OpaquePointer]

  private static let prefix = "entries-"
  private static let standard = "default"

  static func open(
    _ path: String, _ mode: RocksHandle.Mode, _ options: RocksOptions
  ) throws(Failure) -> (OpaquePointer, RocksFamilies) {
    let names = mode == .create ? [standard] : try names(path, options)
    let (pointer, handles) = try open(path, names, mode, options)
    let numbers = names.map { $0.hasPrefix(prefix) ? Int($0.dropFirst(prefix.count)) : nil }
    var newest = numbers.indices.max { (numbers[$0] ?? -1) < (numbers[$1] ?? -1) } ?? 0
    var (all, number) = (handles, numbers[newest])
    if mode == .create {
      newest = all.count
      number = 1
      do throws(Failure) { all.append(try create(pointer, path, options, number: 1)) } catch {
        for handle in handles { rocksdb_column_family_handle_destroy(handle) }
        rocksdb_close(pointer)
        throw error
      }
    }
    let entries = all.remove(at: newest)
    return (pointer, RocksFamilies(entries: entries, number: number, others: all))
  }

  private static func names(_ path: String, _ options: RocksOptions) throws(Failure) -> [String] {
    var count = 0
    var list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    try RocksHandle.call(path, "be opened") { list = rocksdb_list_column_families(options.pointer, path, &count, $0) }
    guard let list else { preconditionFailure("there is a list, or an error") }
    defer { rocksdb_list_column_families_destroy(list, count) }
    return (0..<count).compactMap { list[$0].map { String(cString: $0) } }
  }

  private static func open(
    _ path: String, _ names: [String], _ mode: RocksHandle.Mode, _ options: RocksOptions
  ) throws(Failure) -> (OpaquePointer, [OpaquePointer]) {
    let texts: [UnsafeMutablePointer<CChar>?] = names.map { strdup($0) }
    defer { for text in texts { free(text) } }
    let pointers: [UnsafePointer<CChar>?] = texts.map { UnsafePointer($0) }
    let familyOptions: [OpaquePointer?] = names.map { _ in options.pointer }
    var handles = [OpaquePointer?](repeating: nil, count: names.count)
    var pointer: OpaquePointer?
    let count = Int32(truncatingIfNeeded: names.count)
    try RocksHandle.call(path, "be opened") { error in
      pointer =
        mode == .read
        ? rocksdb_open_for_read_only_column_families(
          options.pointer, path, count, pointers, familyOptions, &handles, 0, error)
        : rocksdb_open_column_families(options.pointer, path, count, pointers, familyOptions, &handles, error)
    }
    guard let pointer else { preconditionFailure("a database is open, or there is an error") }
    return (pointer, handles.compactMap { $0 })
  }

  /// Makes an empty family.
  static func create(
    _ pointer: OpaquePointer, _ path: String, _ options: RocksOptions, number: Int
  ) throws(Failure) -> OpaquePointer {
    var family: OpaquePointer?
    try RocksHandle.call(path, "be written") {
      family = rocksdb_create_column_family(pointer, options.pointer, "\(prefix)\(number)", $0)
    }
    guard let family else { preconditionFailure("a family is made, or there is an error") }
    return family
  }

  /// Another family has the entries, with the next number. Returns the former one.
  mutating func replace(_ new: OpaquePointer) -> OpaquePointer {
    defer { entries = new }
    number = (number ?? 0) + 1
    return entries
  }

  /// Before the database is closed.
  func close() {
    rocksdb_column_family_handle_destroy(entries)
    for other in others { rocksdb_column_family_handle_destroy(other) }
  }
}
