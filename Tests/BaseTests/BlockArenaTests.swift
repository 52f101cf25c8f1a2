import Base
import Glibc
import TestSupport
import Testing

struct BlockArenaTests {
  private struct Live {
    var address: UnsafeMutableRawPointer
    var byteCount: Int
    var pattern: UInt8
  }

  @Test("a block's size is the next power of two, at least 16")
  func sizes() {
    for (wanted, size) in [(0, 16), (1, 16), (16, 16), (17, 32), (32, 32), (33, 64), (4097, 8192), (70_000, 131_072)] {
      #expect(BlockArena.roundedByteCount(wanted) == size)
    }
  }

  @Test("blocks hold what is written to them while others come, grow and go")
  func random() throws {
    for _ in 0..<10 {
      var generator = SeededGenerator()
      let arena = BlockArena()
      var live: [Live] = []
      func check(_ block: Live) -> Bool {
        UnsafeRawBufferPointer(start: block.address, count: block.byteCount).allSatisfy { $0 == block.pattern }
      }
      for _ in 0..<3000 {
        switch Int.random(in: 0..<5, using: &generator) {
        case 0, 1:
          let byteCount = 1 << Int.random(in: 0...17, using: &generator) - Int.random(in: 0...1, using: &generator)
          let pattern = UInt8.random(in: 0...255, using: &generator)
          let address = try arena.allocate(byteCount)
          #expect(Int(bitPattern: address) % 16 == 0)
          memset(address, Int32(pattern), byteCount)
          live.append(Live(address: address, byteCount: byteCount, pattern: pattern))
        case 2 where !live.isEmpty:
          let index = Int.random(in: 0..<live.count, using: &generator)
          let byteCount = live[index].byteCount * 2 + 1
          guard byteCount < 1 << 20 else { continue }
          live[index].address = try arena.resize(
            live[index].address, from: live[index].byteCount, to: byteCount, keeping: live[index].byteCount)
          #expect(check(live[index]), "\(generator)")
          memset(live[index].address, Int32(live[index].pattern), byteCount)
          live[index].byteCount = byteCount
        case 3 where !live.isEmpty:
          let block = live.remove(at: Int.random(in: 0..<live.count, using: &generator))
          #expect(check(block), "\(generator)")
          arena.free(block.address, block.byteCount)
        default:
          if Int.random(in: 0..<400, using: &generator) == 0 {
            arena.removeAll()
            live = []
          }
        }
        #expect(
          arena.usedByteCount == live.reduce(0) { $0 + BlockArena.roundedByteCount($1.byteCount) }, "\(generator)")
        #expect(arena.byteCount >= arena.usedByteCount)
      }
      #expect(live.allSatisfy(check), "\(generator)")
    }
  }

  @Test("freed and forgotten blocks are used again: rounds of the same work hold the same memory")
  func reuse() throws {
    let arena = BlockArena()
    var held = 0
    for round in 0..<20 {
      var blocks: [UnsafeMutableRawPointer] = []
      for index in 0..<2000 { blocks.append(try arena.allocate(index % 700)) }
      if round.isMultiple(of: 2) {
        for (index, block) in blocks.enumerated() { arena.free(block, index % 700) }
      } else {
        arena.removeAll()
      }
      #expect(arena.usedByteCount == 0)
      if round == 0 { held = arena.byteCount } else { #expect(arena.byteCount == held) }
    }
  }

  @Test("an arena of a few small blocks holds little, and a large block goes back to the system")
  func small() throws {
    let arena = BlockArena()
    #expect(arena.byteCount == 0)
    _ = try arena.allocate(32)
    #expect(arena.byteCount <= 2048)
    let before = arena.byteCount
    let large = try arena.allocate(1 << 20)
    #expect(arena.byteCount == before + 1 << 20)
    arena.free(large, 1 << 20)
    #expect(arena.byteCount == before)
  }

  @Test("arenas that go leave no memory behind")
  func leaks() throws {
    let before = ProcessMemory.residentBytes
    for _ in 0..<300 {
      let arena = BlockArena()
      for size in 0..<18 { for _ in 0..<8 { memset(try arena.allocate(1 << size), 1, 1 << size) } }
      #expect(arena.byteCount > 2_000_000)
    }
    // A leak would be 600 MB; other tests run beside this one.
    #expect(ProcessMemory.residentBytes - before < 200_000_000)
  }

  @Test("memory that is not to be had is a failure that says how much")
  func exhausted() {
    for byteCount in [1 << 46, 1 << 60, Int.max] {
      let failure = #expect(throws: Failure.self) { _ = try BlockArena().allocate(byteCount) }
      #expect(failure?.kind == .memory)
      #expect(failure?.message.contains("\(byteCount) bytes") == true)
    }
  }
}
