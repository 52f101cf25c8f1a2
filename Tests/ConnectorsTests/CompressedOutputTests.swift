import Arrow
import Base
import Dataflow
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

/// Sinks that compress, with a codec of the tests' own.
struct CompressedOutputTests {
  private let folder = TemporaryFolder()
  private static let schema = [Field("n", .int64)]

  private func batch(_ range: Range<Int64>) -> RecordBatch {
    let buffer = Buffer(byteCount: range.count * 8)
    for (index, value) in range.enumerated() { buffer.unsafeMutableValues(Int64.self)[index] = value }
    return RecordBatch(
      schema: Schema(Self.schema),
      columns: [Column(type: .int64, length: range.count, validity: nil, buffers: [buffer])], length: range.count)
  }

  private func sink(
    _ path: String, _ options: [JSONValue.Member] = [], codecs: CodecSet = ToyCodec.set
  ) throws -> any Sink {
    try makeSink("jsonlines", [.init("path", .string(path))] + options, Self.schema, codecs: codecs).make(alone)
  }

  private func text(_ range: Range<Int64>) -> [UInt8] { Array(range.map { "{\"n\":\($0)}\n" }.joined().utf8) }

  @Test("a path that ends like a codec's files, or the option, compresses")
  func compresses() throws {
    let cases: [(String, [JSONValue.Member])] = [
      ("out.jsonl.toy", []), ("out.jsonl", [.init("compression", .string("toy"))]),
      ("out.toy", [.init("compression", .string("auto")), .init("compressionLevel", .int(1))]),
    ]
    for (name, options) in cases {
      let sink = try sink(folder.file(name), options)
      try sink.open()
      // More than is put together before it is written.
      for start in stride(from: Int64(0), to: 200_000, by: 50_000) { try sink.write(batch(start..<(start + 50_000))) }
      try sink.close(complete: true)
      let bytes = try #require(folder.read(name))
      #expect(bytes.starts(with: Array("TOY".utf8)))
      #expect(ToyCodec.decompress(bytes) == text(0..<200_000), "\(name)")
    }
    let plain = try sink(folder.file("plain.toy"), [.init("compression", .string("none"))])
    try plain.open()
    try plain.write(batch(0..<3))
    try plain.close(complete: true)
    #expect(folder.read("plain.toy") == text(0..<3))
  }

  @Test("what was flushed to a pipe is whole, and can be read at once")
  func flushToPipe() throws {
    let path = folder.file("pipe.toy")
    try #require(mkfifo(path, 0o600) == 0)
    let reader = open(path, O_RDONLY | O_NONBLOCK)
    try #require(reader >= 0)
    defer { close(reader) }
    let sink = try sink(path)
    try sink.open()
    var seen: [UInt8] = []
    for round in 0..<5 as Range<Int64> {
      try sink.write(batch(round * 10..<(round + 1) * 10))
      // The second time nothing came since: nothing is added.
      for _ in 0..<2 { try sink.flush() }
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      let count = read(reader, &buffer, buffer.count)
      seen += buffer.prefix(max(0, count))
      #expect(ToyCodec.decompress(seen) == text(0..<(round + 1) * 10))
    }
    try sink.close(complete: true)
  }

  @Test("standard output is compressed by option, and what was flushed can be read at once")
  func standardOutput() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let options: JSONValue = .object([.init("compression", .string("toy"))])
    var parsed = try ConnectorOptions(.init(name: "stdout", options: options), role: "sink", uid: "out")
    let compression = try OutputCompression("", &parsed, ToyCodec.set, uid: "out")
    let sink = FileSink(
      StandardOutputTarget(descriptor: ends[1]), formatter: JSONLinesFormatter(schema: Schema(Self.schema)),
      compression: compression)
    try sink.open()
    var seen: [UInt8] = []
    for round in 0..<3 as Range<Int64> {
      try sink.write(batch(round * 10..<(round + 1) * 10))
      try sink.flush()
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      let count = read(ends[0], &buffer, buffer.count)
      seen += buffer.prefix(max(0, count))
      #expect(ToyCodec.decompress(seen) == text(0..<(round + 1) * 10))
    }
    try sink.close(complete: true)
    _ = try makeSink(
      "stdout", [.init("format", .string("csv")), .init("compression", .string("toy"))], Self.schema,
      codecs: ToyCodec.set)
  }

  @Test("a file is one whole, however often the input pauses")
  func flush() throws {
    let sink = try sink(folder.file("out.toy"))
    try sink.open()
    for round in 0..<50 as Range<Int64> {
      try sink.write(batch(round * 10..<(round + 1) * 10))
      try sink.flush()
    }
    try sink.close(complete: true)
    let bytes = try #require(folder.read("out.toy"))
    #expect(ToyCodec.decompress(bytes) == text(0..<500))
    let once = try self.sink(folder.file("once.toy"))
    try once.open()
    try once.write(batch(0..<500))
    try once.close(complete: true)
    // Each chunk of the codec has a length before it.
    #expect(bytes.count <= (folder.read("once.toy")?.count ?? 0) + 50)
  }

  @Test("a file without rows is one empty whole, and a discarded one leaves nothing")
  func empty() throws {
    let empty = try sink(folder.file("empty.toy"))
    try empty.open()
    try empty.close(complete: true)
    #expect(folder.read("empty.toy") == ToyCodec.compress([]))
    let discarded = try sink(folder.file("discarded.toy"))
    try discarded.open()
    try discarded.write(batch(0..<10))
    try discarded.close(complete: false)
    #expect(folder.read("discarded.toy") == nil)
  }

  @Test("files of a directory end with the codec's suffix, and roll by their compressed size")
  func directory() throws {
    let options: [JSONValue.Member] = [.init("compression", .string("toy")), .init("rollBytes", .int(2000))]
    let sink = try sink(folder.file("parts/"), options)
    try sink.open()
    for start in stride(from: Int64(0), to: 10_000, by: 1000) { try sink.write(batch(start..<(start + 1000))) }
    try sink.close(complete: true)
    var all: [UInt8] = []
    var index = 0
    var sizes: [Int] = []
    while let bytes = folder.read("parts/part-0-\(index).jsonl.toy") {
      all += try #require(ToyCodec.decompress(bytes))
      sizes.append(bytes.count)
      index += 1
    }
    #expect(all == text(0..<10_000))
    #expect(sizes.count > 30)
    #expect(sizes.dropLast().allSatisfy { (1800...2300).contains($0) }, "\(sizes)")
    let single = try self.sink(folder.file("single/"), [.init("compression", .string("toy"))])
    try single.open()
    try single.write(batch(0..<5))
    try single.close(complete: true)
    #expect(folder.read("single/part-0.jsonl.toy").flatMap { ToyCodec.decompress($0) } == text(0..<5))
  }

  @Test("a codec that is missing and a level without a codec are refused before any file is touched")
  func refused() {
    func refusal(_ path: String, _ options: [JSONValue.Member], _ codecs: CodecSet = .none) -> String? {
      #expect(throws: Failure.self) { _ = try sink(path, options, codecs: codecs) }?.message
    }
    #expect(
      refusal("out.csv.gz", [])
        == "sink 'out' (jsonlines): needs the codec 'gzip', which no plugin brings (they bring: none); build Plugins/codecs and load "
        + "it with --codec libcodecs.so")
    #expect(
      refusal("out.csv", [.init("compressionLevel", .int(3))])
        == "sink 'out' (jsonlines): option 'compressionLevel' is given and the files are not compressed; give 'compression' too, or "
        + "leave it out")
    #expect(refusal("out/", [.init("compression", .string("zstd"))])?.contains("needs the codec 'zstd'") == true)
  }
}
