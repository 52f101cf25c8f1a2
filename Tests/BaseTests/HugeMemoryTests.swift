import Base
import Glibc
import Testing

@Suite("Memory in huge pages")
struct HugeMemoryTests {
  @Test(
    "small and large memory is aligned as asked and all of it can be written",
    arguments: [0, 1, 100, 4_096, 2 << 20, (5 << 20) + 3])
  func allocate(byteCount: Int) throws {
    for alignment in [64, 4_096] {
      let memory = HugeMemory.allocate(byteCount: byteCount, alignment: alignment)
      let wanted = byteCount >= HugeMemory.page ? HugeMemory.page : alignment
      #expect(UInt(bitPattern: memory) % UInt(wanted) == 0)
      memset(memory, 1, byteCount)
      memory.deallocate()
    }
  }

  @Test("a mapping is aligned, of zeros, and of just its own bytes", arguments: [2 << 20, 16 << 20])
  func map(alignment: Int) throws {
    let byteCount = 3 << 20
    let block = try #require(HugeMemory.map(byteCount, alignment: alignment))
    defer { HugeMemory.unmap(block, byteCount) }
    #expect(UInt(bitPattern: block) % UInt(alignment) == 0)
    #expect(UnsafeRawBufferPointer(start: block, count: byteCount).allSatisfy { $0 == 0 })
    memset(block, 1, byteCount)
  }

  // More than a process has addresses.
  private static let tooMuch = 1 << 47

  @Test("memory that nobody has is nil where that can be told")
  func none() {
    #expect(HugeMemory.allocateIfPossible(byteCount: Self.tooMuch) == nil)
    #expect(HugeMemory.map(Self.tooMuch) == nil)
  }

  @Test("where it cannot, the process ends with a sentence that says what was asked for and what it had")
  func end() async throws {
    let ended = await #expect(processExitsWith: .exitCode(71), observing: [\.standardErrorContent]) {
      _ = HugeMemory.allocate(byteCount: 1 << 47)
    }
    let errors = String(decoding: try #require(ended).standardErrorContent, as: UTF8.self)
    #expect(
      errors.hasPrefix("out of memory: 140737488355328 bytes for a table could not be had when the process held "))
    #expect(errors.hasSuffix(" bytes of addresses; give it more memory and run again\n"))
    // What it held, and the addresses.
    let numbers = errors.split { !$0.isNumber }.compactMap { Int($0) }
    try #require(numbers.count == 3, "\(errors)")
    #expect(numbers[1] > 1 << 20 && numbers[1] < numbers[2])
  }
}
