import Arrow
import Base
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

private let fields = [
  Field("n", .int64), Field("s", .utf8), Field("l", .list(of: .int32)), Field("k", .utf8),
]

private func rows(_ range: Range<Int>) -> RecordBatch {
  batch(
    fields,
    range.map { n in
      [
        .int64(Int64(n)), n % 7 == 0 ? nil : .utf8("text \(n)"),
        n % 5 == 0 ? nil : .nested([.int32(Int32(n)), .null(.int32)], .list(of: .int32)), .utf8("k\(n % 3)"),
      ]
    })
}

private func literals(_ batches: [RecordBatch]) -> [[Literal]] {
  batches.flatMap { batch in (0..<batch.length).map { row in batch.columns.map { $0.literal(at: row) } } }
}

private func source(_ format: String, _ path: String, _ schema: [Field] = fields) throws -> SourceFactory {
  try makeSource(format, [.init("path", .string(path))], schema)
}

@Suite("Arrow files") struct ArrowFileTests {
  @Test("what is written is read back, in batches of any size", arguments: ["arrow", "arrowstream"])
  func roundTrip(_ format: String) throws {
    let folder = TemporaryFolder()
    let written = [rows(0..<100), rows(100..<101), rows(101..<150).slice(3..<40)]
    let path = folder.file("x")
    try run(try makeSink(format, [.init("path", .string(path))], fields).make(alone), written)
    for maxRows in [1, 7, 1000] {
      let found = try batches(of: try source(format, path).make(alone), maxRows: maxRows)
      #expect(literals(found) == literals(written))
    }
    // Some columns, in another order.
    let part = [fields[3], fields[0]]
    let found = try batches(of: try source(format, path, part).make(alone))
    #expect(literals(found) == literals(written).map { [$0[3], $0[0]] })
  }

  @Test("the batches of a file are shared out among subtasks, each read once")
  func splits() throws {
    let folder = TemporaryFolder()
    let path = folder.file("x")
    try run(
      try makeSink("arrow", [.init("path", .string(path))], fields).make(alone),
      (0..<9).map { rows(($0 * 10)..<($0 * 10 + 10)) })
    let all = try FileSplit.arrowSplits(of: [FileSplit(path: path, start: 0, end: .max)])
    #expect(all.first?.start == 0 && all.last?.end == .max)
    #expect(zip(all, all.dropFirst()).allSatisfy { $0.end == $1.start && $0.start < $0.end })
    let factory = try source("arrow", path)
    let found = try (0..<2).flatMap { try batches(of: try factory.make(subtask($0, of: 2))) }
    #expect(literals(found).count == 90)
  }

  @Test(
    "rolled and partitioned files, and files of pyarrow, in both formats and both directions",
    arguments: ["arrow", "arrowstream"])
  func pyarrow(_ format: String) throws {
    let folder = TemporaryFolder()
    try run(
      try makeSink(
        format,
        [
          .init("path", .string(folder.file("out/"))), .init("partitionBy", .string("k")),
          .init("rollBytes", .int(4000)),
        ], fields
      ).make(alone), [rows(0..<300), rows(300..<600)])
    let peer = TestProcess.python(
      """
      import sys, glob
      import pyarrow as pa, pyarrow.dataset as ds
      if sys.argv[2] == 'arrow':
          table = ds.dataset(sys.argv[1] + '/out', format='ipc', partitioning='hive').to_table()
      else:
          parts = []
          for path in glob.glob(sys.argv[1] + '/out/*/*.arrows'):
              part = pa.ipc.open_stream(path).read_all()
              parts.append(part.append_column('k', pa.array([path.split('k=')[1].split('/')[0]] * len(part))))
          assert len(parts) > 3
          table = pa.concat_tables(parts)
      table = table.select(['n', 's', 'l', 'k']).sort_by('n')
      for n, row in enumerate(table.to_pylist()):
          assert row == {'n': n, 's': None if n % 7 == 0 else 'text %d' % n, 'l': None if n % 5 == 0 else [n, None], 'k': 'k%d' % (n % 3)}, row
      assert len(table) == 600
      writer = (pa.ipc.new_file if sys.argv[2] == 'arrow' else pa.ipc.new_stream)(sys.argv[1] + '/back', table.schema)
      for batch in table.to_batches(max_chunksize=77): writer.write_batch(batch)
      writer.close()
      """, arguments: [folder.path, format])
    #expect(peer.status == 0, "\(peer.errors)")
    let found = try batches(of: try source(format, folder.file("back")).make(alone))
    #expect(literals(found) == literals([rows(0..<600)]))
  }

  @Test("a stream on stdin comes in pieces of any size, and one that is cut is told")
  func pieces() throws {
    let out = ByteWriter()
    let formatter = ArrowFormatter(schema: Schema(fields), isStream: true)
    formatter.writeHeader(to: out)
    formatter.write(rows(0..<50), 0..<50, to: out)
    formatter.writeFooter(to: out)
    for (cut, expected) in [(out.count, 50), (out.count - 8, 50), (out.count - 100, -1)] {
      let folder = TemporaryFolder()
      let descriptor = open(folder.write("x", out.bytes[..<cut]), O_RDONLY)
      defer { close(descriptor) }
      let source = try ArrowStreamSource(
        nil, stdin: InputFile(descriptor: descriptor, name: "stdin"), schema: Schema(fields),
        place: "source 'orders' (stdin)")
      if expected >= 0 {
        #expect(literals(try batches(of: source)) == literals([rows(0..<50)]))
      } else {
        #expect(
          message { _ = try batches(of: source) } == "stdin: the Arrow stream ends within a message; it was cut off")
        source.close()
      }
    }
  }

  @Test("a file of another schema, or that is none, is refused by its name")
  func refusals() throws {
    let folder = TemporaryFolder()
    let path = folder.file("x")
    try run(try makeSink("arrow", [.init("path", .string(path))], fields).make(alone), [rows(0..<10)])
    func text(_ schema: [Field]) -> String {
      message { _ = try batches(of: try source("arrow", path, schema).make(alone)) }
    }
    #expect(
      text([Field("m", .int64)]) == "\(path): has no column 'm', it has 'n', 's', 'l', 'k'; perhaps 'n' is meant"
        || text([Field("m", .int64)]) == "\(path): has no column 'm', it has 'n', 's', 'l', 'k'")
    #expect(
      text([Field("n", .int32)]) == "\(path): the column 'n' is int64, and the schema says int32; correct the schema")
    #expect(
      text([Field("s", .utf8, nullable: false)]).contains("has nulls, and the schema says that it is not nullable"))
    let other = folder.write("y", "no arrow at all")
    #expect(
      message { _ = try source("arrow", other).make(alone) }.hasPrefix(
        "\(other): the file does not begin with 'ARROW1'"))
  }

  @Test(
    "a codec that Arrow has no number for, and a path of files that are compressed as a whole, are refused when the plan is made"
  )
  func compressionRefusals() {
    func refusal(_ path: String, _ options: [JSONValue.Member], _ codecs: CodecSet) -> String {
      message {
        _ = try makeSink("arrow", [.init("path", .string(path))] + options, fields, codecs: codecs)
      }
    }
    #expect(
      refusal("out.arrow", [.init("compression", .string("toy"))], ToyCodec.set)
        == "sink 'out' (arrow): option 'compression' is 'toy', which Arrow has no number for; expected 'lz4_frame' or 'zstd'"
    )
    #expect(
      refusal("out.arrow", [.init("compression", .string("zstd"))], .none).hasPrefix(
        "sink 'out' (arrow): needs the codec 'zstd', which no plugin brings"))
    for (path, codec) in [("out.arrow.gz", "gzip"), ("out.arrow.toy", "toy")] {
      #expect(
        refusal(path, [], ToyCodec.set).hasPrefix(
          "sink 'out' (arrow): option 'path' is '\(path)', which names a file that is compressed as a whole (\(codec));"
        ))
    }
  }

  @Test("a file that is read as a stream is told to be one")
  func fileAsStream() throws {
    let folder = TemporaryFolder()
    let path = folder.file("x")
    try run(try makeSink("arrow", [.init("path", .string(path))], fields).make(alone), [rows(0..<10)])
    let sentence = "\(path): is in the Arrow file format, not in the stream format; read it with the connector 'arrow'"
    #expect(message { _ = try batches(of: try source("arrowstream", path).make(alone)) } == sentence)
    let connector = Plan.Connector(name: "arrowstream", options: .object([.init("path", .string(path))]))
    #expect(message { _ = try BuiltinConnectors.inferSchema(connector, uid: "orders") } == sentence)
  }
}
