import Arrow
import Base
import Keys
import State

/// Which keys of an operator its database may have something of, so that it is not asked for those that are new. As long as it knows all
/// of them: after a restart that did not bring all into memory it does not, and every key is looked for.
///
/// A filter that keys have made so full that it says "perhaps" of every second other one is given up, with its memory. Keys that are gone
/// count for as much as others: a job whose keys come and go for ever comes to that. One thread at a time.
final class DepartedKeys {
  private var filter: KeyFilter?
  /// Every key of the database that is not in memory is one that was inserted.
  private(set) var isComplete: Bool
  private let filterBytes: Int

  /// Above this most that is kept from being looked for is not worth the memory.
  private static let uselessRate = 0.5
  private static let mostBytes = 32 << 20

  /// - Parameters:
  ///   - memoryLimit: of the state of all subtasks together.
  ///   - isComplete: the database has nothing, or all that it has is in memory.
  init(memoryLimit: Int, parallelism: Int, isComplete: Bool) {
    filterBytes = min(Self.mostBytes, max(1 << 10, memoryLimit / 32 / parallelism))
    self.isComplete = isComplete
  }

  var byteCount: Int { filter?.byteCount ?? 0 }
  /// Bytes that the next keys to leave memory take here.
  var growth: Int { isComplete && filter == nil ? filterBytes : 0 }

  /// All that the database has is in memory. Before any key has left it.
  func noteWhole() { isComplete = true }

  /// Keys leave memory with something that the database has.
  func insert(_ keys: [Column], count: Int) throws(Failure) {
    if !isComplete || count == 0 { return }
    guard let filter = self.filter ?? KeyFilter(byteCount: filterBytes) else { return giveUp() }
    self.filter = filter
    let hashes = try Self.hashes(keys, count)
    filter.insert(hashes.values(UInt64.self), count: count)
    if filter.falsePositiveRate > Self.uselessRate { giveUp() }
  }

  /// Memory is for something else: from here on every key is looked for.
  func giveUp() {
    filter = nil
    isComplete = false
  }

  /// The places of keys that the database may have something of; nil: all of them.
  func known(_ keys: [Column], count: Int) throws(Failure) -> Selection? {
    guard isComplete else { return nil }
    let places = Buffer(byteCount: count * 4)
    guard let filter else { return Selection(indices: places, count: 0) }
    let hashBuffer = try Self.hashes(keys, count)
    let (hashes, target) = (hashBuffer.values(UInt64.self), places.unsafeMutableValues(UInt32.self))
    for index in 0..<count { filter.prefetch(hashes[index]) }
    var found = 0
    for index in 0..<count {
      target[found] = UInt32(truncatingIfNeeded: index)
      found &+= filter.mayContain(hashes[index]) ? 1 : 0
    }
    withExtendedLifetime(hashBuffer) {}
    return found == count ? nil : Selection(indices: places, count: found)
  }

  private static func hashes(_ keys: [Column], _ count: Int) throws(Failure) -> Buffer {
    let hashes = Buffer(byteCount: count * 8)
    let plain = try KeyColumn.plain(keys)
    KeyHasher.hash(columns: plain, rows: count, into: hashes.unsafeMutableValues(UInt64.self))
    return hashes
  }
}
