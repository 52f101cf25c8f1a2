import CVolley
import TestSupport
import Testing

@testable import PluginLoading

/// The reader meets files that are anything but ELF files: it must come back with an answer, and read nothing outside them.
struct ElfDamageTests {
  /// Reads bytes of their own length in memory of their own, so that a sanitizer sees a read past their end.
  private func read(_ bytes: [UInt8]) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    guard Stranger.of(UnsafeRawBufferPointer(memory)) == nil else { return }
    let image = try? ElfImage(
      ByteView(bytes: UnsafeRawBufferPointer(memory)), noteOwner: PluginNote.owner, noteType: VOLLEY_NOTE_TYPE,
      section: PluginNote.section, symbol: Plugin.rootSymbol)
    for note in image?.notes ?? [] { _ = try? PluginNote(descriptor: note) }
  }

  @Test("damaged files are read without a fault: flipped bytes, cuts, extreme numbers in every header field")
  func randomDamage() throws {
    var generator = SeededGenerator()
    let sound = [
      try #require(TestProcess.contents(of: try PluginSource.museum.compiled())),
      try #require(TestProcess.contents(of: try PluginSource.broken(flags: ["-Wl,--hash-style=sysv"]).compiled())),
    ]
    let extremes: [UInt64] = [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 1 << 63, .max, .max - 7, .max / 2]
    for _ in 0..<4000 {
      var bytes = sound[Int.random(in: 0..<2, using: &generator)]
      let interesting = tables(of: bytes)
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let table = interesting[Int.random(in: 0..<interesting.count, using: &generator)]
        let at = Int.random(in: table, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        default:
          let value = extremes[Int.random(in: 0..<extremes.count, using: &generator)]
          let width = [2, 4, 8][Int.random(in: 0..<3, using: &generator)]
          let start = at & ~(width - 1)
          for index in 0..<width where start + index < bytes.count {
            bytes[start + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
          }
        }
      }
      if Int.random(in: 0..<4, using: &generator) == 0 {
        bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
      }
      // A fault ends the process: the seed is in the log before that.
      read(bytes)
    }
    for bytes in sound { for count in 0..<256 { read(Array(bytes.prefix(count))) } }
  }

  /// Where the numbers are that the reader goes by: ELF header, program headers, section headers, dynamic section, notes,
  /// hash tables; and the whole file.
  private func tables(of bytes: [UInt8]) -> [Range<Int>] {
    func integer(_ at: Int, _ width: Int) -> Int {
      (0..<width).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }
    var ranges = [0..<64, 0..<bytes.count]
    let segments = integer(32, 8)
    let count = integer(56, 2)
    ranges.append(segments..<segments + count * 56)
    for index in 0..<count {
      let at = segments + index * 56
      let type = integer(at, 4)
      if type == 2 || type == 4 { ranges.append(integer(at + 8, 8)..<integer(at + 8, 8) + integer(at + 32, 8)) }
    }
    let sections = integer(40, 8)
    ranges.append(sections..<sections + integer(60, 2) * 64)
    for index in 0..<integer(60, 2) {
      let at = sections + index * 64
      // SHT_HASH, SHT_NOTE, SHT_DYNSYM, SHT_GNU_HASH.
      if [5, 7, 11, 0x6fff_fff6].contains(integer(at + 4, 4)), integer(at + 32, 8) > 0 {
        ranges.append(integer(at + 24, 8)..<integer(at + 24, 8) + integer(at + 32, 8))
      }
    }
    return ranges.filter { !$0.isEmpty && $0.upperBound <= bytes.count }
  }

  @Test("a library cache of any bytes is read without a fault")
  func cacheDamage() throws {
    var generator = SeededGenerator()
    var sound = Array("glibc-ld.so.cache1.1".utf8) + [2, 0, 0, 0] + [UInt8](repeating: 0, count: 24)
    for offset in [96, 104, 96, 104] as [UInt8] {
      if sound.count == 48 || sound.count == 72 { sound += [1, 0, 0, 0] }
      sound += [offset, 0, 0, 0]
      if sound.count == 60 || sound.count == 84 { sound += [UInt8](repeating: 0, count: 12) }
    }
    sound += Array("libm.so\0/lib/libm.so\0".utf8)
    sound.withUnsafeBytes { bytes in
      #expect(LibraryCache(ByteView(bytes: bytes)).paths(of: "libm.so") == ["/lib/libm.so", "/lib/libm.so"])
    }
    for _ in 0..<2000 {
      var bytes = sound
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
      memory.copyBytes(from: bytes)
      _ = LibraryCache(ByteView(bytes: UnsafeRawBufferPointer(memory))).paths(of: "libm.so")
      memory.deallocate()
    }
  }
}
