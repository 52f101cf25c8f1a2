import Glibc
import Keys
import TestSupport
import Testing

@testable import State

@Suite("A filter of keys")
struct KeyFilterTests {
  /// Hashes of different numbers, of the key groups below a number of 256: those of one subtask of several.
  private func hashes(_ count: Int, groups: Int, from first: UInt64) -> (hashes: [UInt64], next: UInt64) {
    var found: [UInt64] = []
    var number = first
    while found.count < count {
      let hash = XXH3.hash64(number)
      if KeyGroup.of(hash, maxKeyGroups: 256).index < groups { found.append(hash) }
      number &+= 1
    }
    return (found, number)
  }

  @Test("has every key that was inserted, in every size, and also when it is much too full")
  func inserted() throws {
    var random = SeededGenerator()
    for blocks in [1, 2, 3, 7, 64, 1_000] {
      let filter = try #require(KeyFilter(byteCount: blocks * 64 + Int.random(in: 0..<64, using: &random)))
      #expect(filter.byteCount == blocks * 64)
      var all: [UInt64] = []
      for _ in 0..<8 {
        // Any bits, and those at the ends of what there are.
        let some =
          (0..<Int.random(in: 0..<300, using: &random)).map { _ in random.next() }
          + [0, .max, random.next() & 0xFFFF_FFFF, random.next() << 32]
        filter.insert(some, count: some.count)
        all += some
        #expect(all.allSatisfy { filter.mayContain($0) }, "\(random), \(blocks) blocks")
      }
    }
  }

  @Test(
    "says of few others that they are there, of all key groups and of a few of them", arguments: [256, 64, 4, 1],
    [(bits: 6, least: 0.04, most: 0.09), (bits: 10, least: 0.006, most: 0.014), (bits: 20, least: 0, most: 0.001)])
  func others(groups: Int, _ expected: (bits: Int, least: Double, most: Double)) throws {
    var random = SeededGenerator()
    let count = 20_000
    let (inserted, next) = hashes(count, groups: groups, from: random.next())
    let (others, _) = hashes(count, groups: groups, from: next)
    let filter = try #require(KeyFilter(byteCount: count * expected.bits / 8))
    #expect(!others.contains { filter.mayContain($0) })
    filter.insert(inserted, count: count)
    #expect(inserted.allSatisfy { filter.mayContain($0) }, "\(random)")
    let rate = Double(others.count { filter.mayContain($0) }) / Double(count)
    #expect(rate >= expected.least && rate <= expected.most, "\(random): \(rate) with \(expected.bits) bits a key")
    let estimate = filter.falsePositiveRate
    #expect(estimate <= rate * 1.3 + 0.001 && estimate >= rate * 0.5 - 0.001, "\(random): \(estimate) for \(rate)")
  }

  @Test("knows how full it is: keys that come again add nothing")
  func fullness() throws {
    var random = SeededGenerator()
    let filter = try #require(KeyFilter(byteCount: 1 << 12))
    #expect(filter.fullness == 0 && filter.falsePositiveRate == 0)
    let keys = (0..<1_000).map { _ in random.next() }
    filter.insert(keys, count: keys.count)
    let full = filter.fullness
    #expect(full > 0.1 && full < 0.2, "\(random): \(full)")
    filter.insert(keys, count: keys.count)
    #expect(filter.fullness == full, "\(random)")
    for _ in 0..<200 { filter.insert((0..<1_000).map { _ in random.next() }, count: 1_000) }
    #expect(filter.fullness > 0.99 && filter.fullness <= 1, "\(random): \(filter.fullness)")
  }

  @Test("is not there when the system has no memory for it")
  func noMemory() async {
    await #expect(processExitsWith: .success) {
      // Not one more byte of address space: what there is at this moment is far less than the filter.
      var limit = rlimit(rlim_cur: 0, rlim_max: rlim_t.max)
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
      let isMade = KeyFilter(byteCount: 1 << 30) != nil
      limit.rlim_cur = rlim_t.max
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
      exit(isMade ? 1 : 0)
    }
  }
}
