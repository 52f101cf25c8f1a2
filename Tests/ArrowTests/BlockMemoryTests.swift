import Base
import Glibc
import TestSupport
import Testing

@testable import Arrow

@Suite("Memory of blocks")
struct BlockMemoryTests {
  private struct Block {
    let address: UnsafeMutableRawPointer
    let byteCount: Int
    let mark: UInt8

    var marked: UnsafeMutableRawBufferPointer { .init(start: address, count: byteCount) }
  }

  @Test("blocks of all sizes, taken and given back in any order, overlap nothing")
  func random() {
    var random = SeededGenerator()
    let memory = BlockMemory()
    var taken: [Block] = []
    for step in 0..<4_000 {
      if taken.isEmpty || Int.random(in: 0..<100, using: &random) < (step < 2_000 ? 60 : 40) {
        let wanted = Int.random(in: 1...(1 << Int.random(in: 1...22, using: &random)), using: &random)
        let byteCount = BlockSize(atLeast: wanted).byteCount
        guard let address = memory.take(byteCount) else {
          Issue.record("no memory")
          return
        }
        #expect(UInt(bitPattern: address) % 64 == 0)
        let block = Block(address: address, byteCount: byteCount, mark: UInt8.random(in: 0...255, using: &random))
        memset(address, Int32(block.mark), byteCount)
        taken.append(block)
      } else {
        let block = taken.remove(at: Int.random(in: 0..<taken.count, using: &random))
        let whole = block.marked.allSatisfy { $0 == block.mark }
        #expect(whole, "a block of \(block.byteCount) bytes was written to by another's user, \(random)")
        memory.give(block.address, block.byteCount)
      }
    }
    for block in taken { memory.give(block.address, block.byteCount) }
    #expect(memory.arenaCount <= 1, "the one that blocks are cut from")
  }

  @Test("what is given back is the system's again, also while other blocks of its arena are in use")
  func resident() async {
    await #expect(processExitsWith: .success) {
      let megabytes = 256
      let memory = BlockMemory()
      let start = ProcessMemory.residentBytes
      var blocks: [UnsafeMutableRawPointer] = []
      for _ in 0..<(megabytes * 16) {
        guard let block = memory.take(64 << 10) else { exit(4) }
        memset(block, 1, 64 << 10)
        blocks.append(block)
      }
      guard ProcessMemory.residentBytes - start > megabytes * 200 * 4_096 else { exit(5) }
      // One of each arena stays.
      for (index, block) in blocks.enumerated() where index % 256 != 0 { memory.give(block, 64 << 10) }
      guard memory.arenaCount == megabytes / 16 else { exit(6) }
      guard ProcessMemory.residentBytes - start < megabytes * 20 * 4_096 else { exit(7) }
      for (index, block) in blocks.enumerated() where index % 256 == 0 { memory.give(block, 64 << 10) }
      exit(memory.arenaCount == 1 ? EXIT_SUCCESS : EXIT_FAILURE)
    }
  }

  @Test("the system does not fill what was given back with huge pages again, until all of an arena is free")
  func advice() throws {
    let memory = BlockMemory()
    let blocks = try (0..<3).map { _ in try #require(memory.take(64 << 10)) }
    // A kernel without huge pages gives no such advice.
    guard Self.flags(of: blocks[1]).contains("hg") else { return }
    memory.give(blocks[1], 64 << 10)
    #expect(Self.flags(of: blocks[1]).contains("nh"))
    memory.give(blocks[0], 64 << 10)
    memory.give(blocks[2], 64 << 10)
    let again = try #require(memory.take(64 << 10))
    #expect(again == blocks[0])
    #expect(Self.flags(of: again).contains("hg"))
    memory.give(again, 64 << 10)
  }

  /// What the kernel says of the mapping of an address: `VmFlags` of `proc_pid_smaps(5)`.
  private static func flags(of address: UnsafeMutableRawPointer) -> [Substring] {
    let place = UInt(bitPattern: address)
    var isIn = false
    for line in String(decoding: TestProcess.contents(of: "/proc/self/smaps") ?? [], as: UTF8.self).split(
      separator: "\n")
    {
      let words = line.split(separator: " ")
      let ends = words.first?.split(separator: "-").compactMap { UInt($0, radix: 16) } ?? []
      if ends.count == 2 { isIn = ends[0] <= place && place < ends[1] }
      if isIn, words.first == "VmFlags:" { return Array(words.dropFirst()) }
    }
    return []
  }

  @Test("a block above two megabytes begins a huge page and takes no more than its own pages")
  func large() {
    let memory = BlockMemory()
    for byteCount in [2 << 20, (5 << 20) / 2, 64 << 20, (64 << 20) + 64] {
      guard let block = memory.take(byteCount) else {
        Issue.record("no memory")
        continue
      }
      #expect(UInt(bitPattern: block) % UInt(HugeMemory.page) == 0)
      memset(block, 7, byteCount)
      memory.give(block, byteCount)
      #expect(memory.arenaCount == 0)
    }
  }
}
