import Arrow
import Base
import PluginLoading
import TestSupport
import Testing
import VolleyPlan

/// The codec in plain C, against the frozen header of the version that brought codecs.
struct CodecMuseumTests {
  private let events = Events()

  private func set() throws -> PluginSet {
    let plugin = try Plugin.load(path: PluginSource.museum("0.2").compiled())
    let built = try plugin.pipeline(named: nil).plan(values: .object([.init("out", .string("unused"))]))
    return try PluginSet(pipeline: built, of: plugin, listener: events.listener)
  }

  @Test("it says what it is, and a version without codecs has none")
  func declared() throws {
    let codec = try #require(try set().codecs.codecs.first)
    #expect(codec.name == "runs")
    #expect(codec.suffix == ".run")
    #expect(codec.magic == Array("RUN".utf8))
    #expect(codec.arrowID == nil)
    let plugin = try Plugin.load(path: PluginSource.museum("0.2").compiled())
    #expect(plugin.codecs.map(\.version) == ["1.0.0"])
    #expect(plugin.codecs.map(\.description) == ["Counts equal bytes."])
    #expect(plugin.codecs[0].options.map(\.name) == ["longest"])
    #expect(try Plugin.load(path: PluginSource.museum("0.1").compiled()).codecs.isEmpty)
  }

  @Test("it compresses and decompresses whole buffers, each output in just its room")
  func whole() throws {
    let coder = try set().codecs.codec(named: "runs", for: "test").makeCoder(
      uid: "orders", options: .object([.init("longest", .int(3))]))
    for bytes: [UInt8] in [[], [1], [1, 1, 1, 1, 2], Array(repeating: 7, count: 1000)] {
      var packed = [UInt8](repeating: 0xA5, count: try coder.bound(bytes.count))
      let count = try packed.withBytes { output throws(Failure) in
        try bytes.withRawBytes { input throws(Failure) in try coder.compress(input, into: output) }
      }
      packed.removeLast(packed.count - count)
      if bytes.count == 5 { #expect(packed == Array("RUN".utf8) + [3, 1, 1, 1, 1, 2, 0]) }
      var opened = [UInt8](repeating: 0xA5, count: bytes.count)
      let size = try opened.withBytes { output throws(Failure) in
        try packed.withRawBytes { input throws(Failure) in try coder.decompress(input, into: output) }
      }
      #expect(size == bytes.count)
      #expect(opened == bytes)
      var small = [UInt8](repeating: 0, count: max(0, count - 1))
      let failure = #expect(throws: Failure.self) {
        try small.withBytes { output throws(Failure) in
          try bytes.withRawBytes { input throws(Failure) in try coder.compress(input, into: output) }
        }
      }
      #expect(failure?.message == "plugin 'museum-0.2': codec 'runs' failed in 'compress': there is too little room")
    }
    #expect(
      events.all == [
        PluginEvent(level: .info, plugin: "museum-0.2", function: "runs", uid: "orders", subtask: 0, text: "runs")
      ])
  }

  @Test("its streams take any cut of the input and any room, and stop where the whole ends")
  func streams() throws {
    let coder = try set().codecs.codec(named: "runs", for: "test").makeCoder(uid: "orders")
    var random = SeededGenerator(seed: 4711)
    for _ in 0..<500 {
      let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...2, using: &random) }
      let (input, room) = (Int.random(in: 1...9, using: &random), Int.random(in: 1...9, using: &random))
      let packed = try coder.stream(.compress, bytes, input: input, room: room)
      #expect(packed.consumed == bytes.count)
      let opened = try coder.stream(.decompress, packed.output + [82, 85], input: input, room: room)
      #expect(opened.output == bytes)
      #expect(opened.consumed == packed.output.count)
    }
  }

  @Test("damaged and cut input is a failure of the data, after which the coder goes on")
  func damaged() throws {
    let coder = try set().codecs.codec(named: "runs", for: "test").makeCoder(uid: "orders")
    let early = #expect(throws: Failure.self) {
      try coder.stream(.decompress, Array("RUN".utf8) + [2], input: 3, room: 5)
    }
    #expect(early?.message == "plugin 'museum-0.2': codec 'runs' failed in 'step': the runs end early")
    #expect(early?.kind == .data)
    let other = #expect(throws: Failure.self) { try coder.stream(.decompress, Array("RAN".utf8), input: 3, room: 5) }
    #expect(other?.message == "plugin 'museum-0.2': codec 'runs' failed in 'step': this is no RUN")
    #expect(try coder.stream(.decompress, Array("RUN".utf8) + [2, 9, 0], input: 9, room: 1).output == [9, 9])
  }

  @Test("its options are checked before it sees them")
  func options() throws {
    let codec = try set().codecs.codec(named: "runs", for: "test")
    func refusal(_ value: JSONValue.Member) -> String? {
      #expect(throws: Failure.self) { _ = try codec.makeCoder(uid: "orders", options: .object([value])) }?.message
    }
    #expect(
      refusal(.init("longst", .int(1)))
        == "codec 'runs' at 'orders' has no option 'longst', its options are 'longest'; did you mean 'longest'?")
    #expect(
      refusal(.init("longest", .string("much")))
        == "option 'longest' of codec 'runs' at 'orders' is \"much\", expected an integer")
    #expect(
      refusal(.init("longest", .int(0)))
        == "plugin 'museum-0.2': codec 'runs' failed in 'open': the longest run is 1 to 255")
  }

  @Test("two plugins that bring a codec of one name are refused together, and one named twice is one")
  func twice() throws {
    let museum = try Plugin.load(path: PluginSource.museum("0.2").compiled())
    let other = try Plugin.load(
      path: PluginSource(
        file: "abi-0.2/pipeline.c", header: "Tests/Museum/abi-0.2",
        flags: ["-DONLY_CODEC"]
      ).compiled())
    let built = try museum.pipeline(named: nil).plan(values: .object([.init("out", .string("unused"))]))
    #expect(try PluginSet(pipeline: built, of: museum, others: [museum]) { _ in }.codecs.names == ["runs"])
    let failure = #expect(throws: Failure.self) {
      _ = try PluginSet(pipeline: built, of: museum, others: [other]) { _ in }
    }
    #expect(
      failure?.message == "the plugins 'museum-0.2' and 'runs-0.2' both bring a codec 'runs'; load one of them")
    let alone = #expect(throws: Failure.self) { _ = try other.pipeline(named: nil) }
    #expect(alone?.message == "plugin 'runs-0.2' offers no pipeline, only codecs; load it with --codec")
  }
}
