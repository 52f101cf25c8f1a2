import CVolley
import TestSupport
import Testing
import Volley

/// A codec of the SDK's, called through its C tables as a host does.
@Suite("Codecs", .serialized)
struct CodecTests {
  private let host = MiniHost()
  private let codec = ExamplePlugin.root.pointee.codec(0)!

  private func create(_ options: String = "{}", kind: UInt32 = VOLLEY_KIND_CODEC) throws -> MiniHost.Instance {
    try host.create(kind: kind, function: "chunks", uid: "orders", options: options) {
      [host, codec] place, made, error in
      codec.pointee.create(codec, host.host, kind, place, made, error)
    }
  }

  private func whole(
    _ call: (
      UnsafeMutableRawPointer?, UnsafeRawPointer?, UInt64, UnsafeMutableRawPointer?, UInt64,
      UnsafeMutablePointer<UInt64>?, UnsafeMutablePointer<volley_error>?
    ) -> Int32,
    _ coder: MiniHost.Instance, _ input: [UInt8], room: Int
  ) throws -> [UInt8] {
    // A byte of another value behind the room shows writes beyond it.
    var output = [UInt8](repeating: 0xA5, count: room + 8)
    var size: UInt64 = 0
    try MiniHost.check { error in
      input.withUnsafeBytes { input in
        output.withUnsafeMutableBytes { output in
          call(
            coder.pointer, input.baseAddress, UInt64(input.count), output.baseAddress, UInt64(room), &size, error)
        }
      }
    }
    #expect(output[room...].allSatisfy { $0 == 0xA5 })
    return Array(output.prefix(Int(size)))
  }

  /// Runs one stream, `input` and `room` bytes a step; what it gave and what it took.
  private func stream(
    _ coder: MiniHost.Instance, _ direction: UInt32, _ bytes: [UInt8], input: Int, room: Int
  ) throws -> (output: [UInt8], consumed: Int) {
    try MiniHost.check { coder.coder.begin(coder.pointer, direction, $0) }
    var output: [UInt8] = []
    var consumed = 0
    var space = [UInt8](repeating: 0, count: room)
    while true {
      var step = volley_codec_step()
      step.header = .init(size: UInt32(MemoryLayout<volley_codec_step>.size), major: 0, minor: 2)
      let part = Array(bytes[consumed..<min(bytes.count, consumed + input)])
      try MiniHost.check { error in
        part.withUnsafeBytes { part in
          space.withUnsafeMutableBytes { space in
            step.input = part.baseAddress
            step.input_size = UInt64(part.count)
            step.output = space.baseAddress
            step.output_capacity = UInt64(space.count)
            step.is_last = consumed + part.count == bytes.count ? 1 : 0
            return coder.coder.step(coder.pointer, &step, error)
          }
        }
      }
      output += space.prefix(Int(step.output_used))
      consumed += Int(step.input_used)
      if step.has_ended != 0 { return (output, consumed) }
      try #require(step.output_used > 0 || step.input_used > 0)
    }
  }

  @Test("say what they are")
  func declared() {
    let codec = codec.pointee
    #expect(String(cString: codec.name) == "chunks")
    #expect(String(cString: codec.version) == "1.2.3")
    #expect(String(cString: codec.description) == "turns bits over")
    #expect(String(cString: codec.suffix) == ".ch")
    #expect(Array(UnsafeBufferPointer(start: codec.magic, count: Int(codec.magic_length))) == Array("CH".utf8))
    #expect(codec.arrow_id == 0)
    #expect(String(cString: codec.option(self.codec, 0)!.pointee.name) == "size")
    #expect(codec.option(self.codec, 1) == nil)
    #expect(ExamplePlugin.root.pointee.codec(1) == nil)
    #expect(ExamplePlugin.root.pointee.header.minor == UInt16(VOLLEY_ABI_MINOR))
  }

  @Test("compress and decompress whole buffers into just the room that they need")
  func whole() throws {
    let coder = try create(#"{"size": 4}"#)
    try coder.open()
    for count in [0, 1, 3, 4, 5, 100] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
      var bound: UInt64 = 0
      try MiniHost.check { coder.coder.bound(coder.pointer, UInt64(count), &bound, $0) }
      let packed = try whole(coder.coder.compress, coder, bytes, room: Int(bound))
      #expect(packed.count == Int(bound))
      #expect(packed.prefix(2).elementsEqual(Array("CH".utf8)))
      #expect(try whole(coder.coder.decompress, coder, packed, room: count) == bytes)
      #expect(try whole(coder.coder.decompress, coder, packed + packed, room: 2 * count) == bytes + bytes)
      #expect(throws: MiniHost.Refused.self) {
        try whole(coder.coder.compress, coder, bytes, room: packed.count - 1)
      }
      if count > 0 {
        #expect(
          throws: MiniHost.Refused(message: "the output is more than the \(count - 1) bytes that there is room for")
        ) { try whole(coder.coder.decompress, coder, packed, room: count - 1) }
      }
      for cut in 1..<packed.count {
        #expect(throws: MiniHost.Refused.self) {
          try whole(coder.coder.decompress, coder, Array(packed.prefix(cut)), room: count)
        }
      }
    }
    #expect(throws: MiniHost.Refused(message: "the input is empty, which is no compressed data")) {
      try whole(coder.coder.decompress, coder, [], room: 10)
    }
    #expect(throws: MiniHost.Refused(message: "byte 0 is 88, expected CH")) {
      try whole(coder.coder.decompress, coder, [88], room: 10)
    }
    try coder.close()
    #expect(host.state.log == ["1 open 4", "1 close"])
  }

  @Test("stream in steps of any size, and leave what follows the end")
  func streams() throws {
    let coder = try create(#"{"size": 7}"#)
    try coder.open()
    var random = SeededGenerator(seed: 20_26)
    for _ in 0..<200 {
      let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let (input, room) = (Int.random(in: 1...20, using: &random), Int.random(in: 1...20, using: &random))
      let packed = try stream(coder, VOLLEY_CODEC_COMPRESS, bytes, input: input, room: room)
      #expect(packed.consumed == bytes.count)
      let tail: [UInt8] = [9, 9, 9]
      let opened = try stream(coder, VOLLEY_CODEC_DECOMPRESS, packed.output + tail, input: input, room: room)
      #expect(opened.output == bytes)
      #expect(opened.consumed == packed.output.count)
    }
    try coder.close()
  }

  @Test("refuse options, kinds and directions by name")
  func refused() throws {
    #expect(throws: MiniHost.Refused(message: "option 'size' is 0, expected 1 to 255")) {
      try create(#"{"size": 0}"#)
    }
    #expect(
      throws: MiniHost.Refused(message: "codec 'chunks' has no option 'level' (known are size)")
    ) { try create(#"{"level": 3}"#) }
    #expect(
      throws: MiniHost.Refused(
        message: "a codec is no source or sink, and the host asked for kind 3", domain: VOLLEY_DOMAIN_INTERNAL)
    ) { try create(kind: VOLLEY_KIND_SOURCE) }
    let coder = try create()
    #expect(
      throws: MiniHost.Refused(
        message: "the host began a stream of the unknown direction 3", domain: VOLLEY_DOMAIN_INTERNAL)
    ) { try MiniHost.check { coder.coder.begin(coder.pointer, 3, $0) } }
  }

  @Test(
    "counts that cannot be are an error of the coder's, not the host's to find",
    arguments: [
      CodecStep(consumed: 0, produced: 21, isAtEnd: false), CodecStep(consumed: 11, produced: 0, isAtEnd: false),
      CodecStep(consumed: -1, produced: 0, isAtEnd: false), CodecStep(consumed: 0, produced: -1, isAtEnd: true),
    ])
  func lies(step: CodecStep) throws {
    let coder = try create()
    try coder.open()
    ChunkCoder.lie = step
    defer { ChunkCoder.lie = nil }
    let refused = #expect(throws: MiniHost.Refused.self) {
      try stream(coder, VOLLEY_CODEC_COMPRESS, [UInt8](repeating: 1, count: 10), input: 10, room: 20)
    }
    #expect(refused?.message.hasPrefix("the coder says ") == true)
    #expect(refused?.domain == VOLLEY_DOMAIN_INTERNAL)
    try coder.close()
  }
}
