import Testing
import Volley

@testable import Codecs

/// The coders themselves, beside Python's gzip and pyarrow's LZ4 and Zstandard.
@Suite struct CodecsTests {
  static let names = ["gzip", "lz4_frame", "zstd"]

  private func coder(_ name: String) -> any Coder {
    switch name {
    case "gzip": GzipCoder(level: 6)
    case "lz4_frame": LZ4FrameCoder(level: 0)
    default: ZstdCoder(level: 3)
    }
  }

  private func compressed(_ coder: any Coder, _ bytes: [UInt8], room: Int? = nil) throws -> [UInt8] {
    var output = [UInt8](repeating: 0xA5, count: try room ?? coder.bound(bytes.count))
    let count = try bytes.withUnsafeBytes { input in
      try output.withUnsafeMutableBytes { try coder.compress(input, into: $0) }
    }
    return Array(output.prefix(count))
  }

  /// Room is a byte less than the memory: the last one must stay.
  private func decompressed(_ coder: any Coder, _ bytes: [UInt8], room: Int) throws -> [UInt8] {
    var output = [UInt8](repeating: 0xA5, count: room + 1)
    defer { #expect(output.last == 0xA5) }
    let count = try bytes.withUnsafeBytes { input in
      try output.withUnsafeMutableBytes { output in
        try coder.decompress(input, into: UnsafeMutableRawBufferPointer(rebasing: output.dropLast()))
      }
    }
    return Array(output.prefix(count))
  }

  /// One stream after the other until the input is used up.
  private func streamed(
    _ coder: any Coder, _ direction: CodecDirection, _ bytes: [UInt8], input: Int, room: Int, limit: Int = .max
  ) throws -> [UInt8] {
    var output: [UInt8] = []
    var consumed = 0
    var space = [UInt8](repeating: 0, count: room)
    repeat {
      try coder.begin(direction)
      while true {
        let part = bytes[consumed..<min(bytes.count, consumed + input)]
        let step = try part.withUnsafeBytes { part in
          try space.withUnsafeMutableBytes {
            try coder.step(part, into: $0, isLast: consumed + part.count == bytes.count)
          }
        }
        try #require((0...part.count).contains(step.consumed) && (0...room).contains(step.produced))
        output += space.prefix(step.produced)
        consumed += step.consumed
        if step.isAtEnd || output.count >= limit { break }
        try #require(step.consumed > 0 || step.produced > 0, "a step with input moves on")
      }
    } while direction == .decompress && consumed < bytes.count && output.count < limit
    return output
  }

  @Test("what the coders write is read by python, whole and in streams of any steps", arguments: [20_261_121])
  func writing(seed: UInt64) throws {
    var random = Seeded(state: seed)
    var documents: [[UInt8]] = []
    var cases: [(codec: String, data: [UInt8])] = []
    for name in Self.names {
      let coder = coder(name)
      for _ in 0..<150 {
        let document = random.document(upTo: 300_000)
        let (input, room) = (
          Int.random(in: 1...100_000, using: &random),
          Int.random(in: document.count > 5000 ? 500...100_000 : 1...50, using: &random)
        )
        documents += [document, document]
        cases.append((name, try compressed(coder, document)))
        cases.append((name, try streamed(coder, .compress, document, input: input, room: room)))
      }
    }
    let results = try Peer.map(cases, "opened(codec, data)")
    for (index, result) in results.enumerated() {
      #expect(result == documents[index], "\(cases[index].codec), case \(index), seed \(seed)")
    }
  }

  @Test("what python writes is read, whole and in streams of any steps, one whole and several", arguments: [20_261_122])
  func reading(seed: UInt64) throws {
    var random = Seeded(state: seed)
    var cases: [(codec: String, data: [UInt8])] = []
    for name in Self.names {
      for _ in 0..<150 { cases.append((name, random.document(upTo: 300_000))) }
    }
    let packed = try Peer.map(cases, "packed(codec, data) or whole(codec, data)")
    let wholes = try Peer.map(cases, "whole(codec, data)")
    var coders: [String: any Coder] = [:]
    for (index, (name, document)) in cases.enumerated() {
      let coder = coders[name] ?? coder(name)
      coders[name] = coder
      let first = try #require(packed[index])
      let second = try #require(wholes[index])
      let both = document + document
      #expect(try decompressed(coder, second, room: document.count) == document, "\(name), case \(index), seed \(seed)")
      #expect(try decompressed(coder, first + second, room: both.count) == both, "\(name), case \(index), seed \(seed)")
      let (input, room) = (
        Int.random(in: 1...100_000, using: &random),
        Int.random(in: document.count > 5000 ? 500...100_000 : 1...50, using: &random)
      )
      #expect(
        try streamed(coder, .decompress, first + second, input: input, room: room) == both,
        "\(name), case \(index), seed \(seed)")
    }
  }

  @Test("output stays within its room, and a byte too little is refused", arguments: names)
  func room(name: String) throws {
    var random = Seeded(state: 7)
    let coder = coder(name)
    for _ in 0..<200 {
      let document = random.document(upTo: 20_000)
      let packed = try compressed(coder, document)
      #expect(try decompressed(coder, packed, room: document.count) == document)
      #expect(try compressed(coder, document, room: packed.count + 64) == packed || name == "zstd")
      #expect(throws: (any Error).self) { try compressed(coder, document, room: packed.count - 1) }
      guard !document.isEmpty else { continue }
      let less = Int.random(in: 0..<document.count, using: &random)
      #expect(throws: (any Error).self) { try decompressed(coder, packed, room: less) }
    }
    #expect(throws: (any Error).self) { try decompressed(coder, [], room: 10) }
  }

  @Test("a bomb is refused at its room, and a stream of it takes no more than its steps", arguments: names)
  func bomb(name: String) throws {
    let coder = coder(name)
    let packed = try compressed(coder, [UInt8](repeating: 0, count: 64 << 20))
    #expect(packed.count < 400_000)
    #expect(throws: (any Error).self) { try decompressed(coder, packed, room: 1 << 20) }
    let start = try streamed(coder, .decompress, packed, input: 1 << 16, room: 1 << 16, limit: 1 << 20)
    #expect(start.allSatisfy { $0 == 0 } && start.count >= 1 << 20)
    // It is good for other data afterwards.
    #expect(try decompressed(coder, try compressed(coder, [1, 2, 3]), room: 3) == [1, 2, 3])
  }

  @Test("input that is cut anywhere is refused, whole and in a stream", arguments: names)
  func cut(name: String) throws {
    var random = Seeded(state: 11)
    let coder = coder(name)
    for size in [0, 1, 100, 3000] {
      let document = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next() % 7) }
      let packed = try streamed(coder, .compress, document, input: 1000, room: 1000)
      for count in 1..<packed.count {
        let part = Array(packed.prefix(count))
        #expect(throws: VolleyError.self, "\(name), \(size), \(count)") { try decompressed(coder, part, room: size) }
        #expect(throws: VolleyError.self, "\(name), \(size), \(count)") {
          try streamed(coder, .decompress, part, input: 100, room: 100)
        }
      }
    }
  }

  @Test(
    "20,000 mutations of each codec's data are refused or read, without crash, hang or output beyond the room",
    arguments: names)
  func mutations(name: String) throws {
    let seed: UInt64 = 20_261_123
    var random = Seeded(state: seed)
    let coder = coder(name)
    var pool: [(document: [UInt8], packed: [UInt8])] = []
    for _ in 0..<40 {
      let document = random.document(upTo: 3000)
      pool.append((document, try streamed(coder, .compress, document, input: 5000, room: 5000)))
    }
    var (refused, same) = (0, 0)
    for round in 0..<20_000 {
      let (document, original) = pool[Int.random(in: 0..<pool.count, using: &random)]
      var packed = original
      for _ in 0...Int.random(in: 0...3, using: &random) {
        let at = Int.random(in: 0..<packed.count, using: &random)
        switch Int.random(in: 0...4, using: &random) {
        case 0: packed[at] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 1: packed[at] = UInt8.random(in: 0...255, using: &random)
        case 2: packed.insert(UInt8.random(in: 0...255, using: &random), at: at)
        case 3: if packed.count > 1 { packed.remove(at: at) }
        default: packed += packed[at...].prefix(20)
        }
      }
      let isWhole = round % 2 == 0
      do {
        let result =
          isWhole
          ? try decompressed(coder, packed, room: document.count + 100)
          : try streamed(
            coder, .decompress, packed, input: Int.random(in: 1...500, using: &random),
            room: Int.random(in: 1...500, using: &random), limit: 1 << 20)
        if result == document { same += 1 }
      } catch is VolleyError {
        refused += 1
      }
    }
    #expect(refused > 12_000, "\(name), seed \(seed): \(refused) refused, \(same) unchanged")
    // After all that damage sound data is read.
    for sound in pool { #expect(try decompressed(coder, sound.packed, room: sound.document.count) == sound.document) }
  }

  @Test("levels change the size, and others are refused by name")
  func levels() throws {
    var random = Seeded(state: 3)
    let document = (0..<200_000).map { _ in UInt8(ascii: "a") + UInt8(truncatingIfNeeded: random.next() % 5) }
    #expect(try compressed(GzipCoder(level: 9), document).count < compressed(GzipCoder(level: 1), document).count)
    #expect(
      try compressed(LZ4FrameCoder(level: 9), document).count < compressed(LZ4FrameCoder(level: 0), document).count)
    #expect(try compressed(ZstdCoder(level: 12), document).count < compressed(ZstdCoder(level: 1), document).count)
    #expect(throws: VolleyError("option 'level' of gzip is 0, expected 1 to 9; give another")) {
      try checkLevel(0, 1...9, of: "gzip")
    }
  }
}
