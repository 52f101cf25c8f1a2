import Arrow
import Base
import Dataflow
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

private let fields = [Field("id", .int64), Field("text", .utf8)]

@Suite("Sources that go on") struct ResumeTests {
  static let kinds = ["csv", "jsonlines", "lines", "arrow", "arrowstream", "compressed", "compressed csv"]

  /// Some files of a kind with distinct rows, a few of them without any; the pattern that finds them.
  func write(_ kind: String, _ folder: TemporaryFolder, _ generator: inout SeededGenerator) throws -> String {
    var id = 0
    for file in 0..<Int.random(in: 1...5, using: &generator) {
      var rows: [[Literal?]] = []
      for _ in 0..<Int.random(in: 0...60, using: &generator) {
        let pieces = ["a", "ä", "\"", ",", "\n", "\r\n", "# x", "long text that goes on and on"]
        let text = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
          pieces.randomElement(using: &generator) ?? ""
        }.joined()
        rows.append([.int64(Int64(id)), .utf8(kind == "lines" ? "\(id)" : text)])
        id += 1
      }
      let path = folder.file("\(file).\(kind.split(separator: " ")[0])")
      switch kind {
      case "arrow", "arrowstream":
        var parts: [RecordBatch] = []
        while !rows.isEmpty {
          let count = Int.random(in: 0...min(20, rows.count), using: &generator)
          parts.append(batch(fields, Array(rows.prefix(count))))
          rows.removeFirst(count)
        }
        try run(try makeSink(kind, [.init("path", .string(path))], fields).make(alone), parts)
      case "lines": folder.write("\(file).lines", rows.map { "\(canonical($0[0] ?? .int64(0)))\n" }.joined())
      default:
        let format = kind == "csv" || kind == "compressed csv" ? "csv" : "jsonlines"
        let plain = folder.file("plain")
        try run(try makeSink(format, [.init("path", .string(plain))], fields).make(alone), [batch(fields, rows)])
        let bytes = folder.read("plain") ?? []
        // Several wholes, of chunks of any size.
        var packed: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 500) {
          packed += ToyCodec.compress(
            bytes[start..<min(bytes.count, start + 500)], chunk: .random(in: 1...255, using: &generator))
        }
        folder.write("\(file).\(kind.split(separator: " ")[0])", kind.hasPrefix("compressed") ? packed : bytes)
        if kind.hasPrefix("compressed") { folder.write("\(file).peer", bytes) }
      }
    }
    return folder.file("*.\(kind.split(separator: " ")[0])")
  }

  /// What Python reads of them.
  private func expected(_ kind: String, _ folder: TemporaryFolder) -> [String] {
    let pattern = folder.file("*.\(kind.hasPrefix("compressed") ? "peer" : kind)")
    let program =
      switch kind {
      case "csv", "compressed csv":
        "rows = [(int(r['id']), r['text']) for p in glob.glob(sys.argv[1]) for r in csv.DictReader(open(p, newline='', encoding='utf-8'))]\n"
      case "lines": "rows = [(None, l.rstrip('\\n')) for p in glob.glob(sys.argv[1]) for l in open(p)]\n"
      case "arrow":
        "import pyarrow as pa\nrows = [(r['id'], r['text']) for p in glob.glob(sys.argv[1]) for r in pa.ipc.open_file(p).read_all().to_pylist()]\n"
      case "arrowstream":
        "import pyarrow as pa\nrows = [(r['id'], r['text']) for p in glob.glob(sys.argv[1]) for r in pa.ipc.open_stream(p).read_all().to_pylist()]\n"
      default:
        "rows = [(r['id'], r['text']) for p in glob.glob(sys.argv[1]) for r in map(json.loads, open(p, encoding='utf-8'))]\n"
      }
    let types = kind == "lines" ? "show([(r[1],) for r in rows], 's')" : "show(rows, 'ls')"
    return pythonRows("import glob\n" + program + types, [pattern])
  }

  func factory(_ kind: String, _ pattern: String, interleave: Int) throws -> SourceFactory {
    let format = kind == "compressed" ? "jsonlines" : kind == "compressed csv" ? "csv" : kind
    var options: [JSONValue.Member] = [.init("path", .string(pattern))]
    if interleave > 1 { options.append(.init("interleave", .int(Int64(interleave)))) }
    return try makeSource(
      format, options, kind == "lines" ? [fields[1]] : fields,
      codecs: kind.hasPrefix("compressed") ? ToyCodec.set : .none)
  }

  @Test("every row counts once, however often the source is killed and however many subtasks it has", arguments: kinds)
  func random(kind: String) throws {
    var generator = SeededGenerator()
    for round in 0..<8 {
      let folder = TemporaryFolder()
      let pattern = try write(kind, folder, &generator)
      let peer = expected(kind, folder)
      let interleave = Int.random(in: 1...3, using: &generator)
      var job = KilledSource { try factory(kind, pattern, interleave: interleave) }
      for _ in 0..<Int.random(in: 0...5, using: &generator) {
        try job.run(
          &generator, parallelism: .random(in: 1...4, using: &generator), reads: .random(in: 1...30, using: &generator),
          maxRows: 1...9)
      }
      try job.run(&generator, parallelism: .random(in: 1...4, using: &generator), reads: nil, maxRows: 1...99)
      #expect(job.rows == peer, "\(generator), round \(round), \(interleave) at once")
      // And once more there is nothing.
      let rows = job.kept.count
      try job.run(&generator, parallelism: 2, reads: nil, maxRows: 1...99)
      #expect(job.kept.count == rows, "\(generator), round \(round)")
    }
  }

  @Test(
    "files that were read and are not there as they were are told; a watched one may have another name",
    arguments: [0, 3])
  func missing(interleave: Int) throws {
    for isWatched in interleave == 0 ? [false, true] : [false] {
      let folder = TemporaryFolder()
      for name in ["gone", "changed", "renamed", "kept"] { folder.write("\(name).txt", "1\n2\n") }
      var options: [JSONValue.Member] = [.init("path", .string(folder.file("*.txt")))]
      if isWatched { options.append(.init("watch", .bool(true))) }
      if interleave > 0 { options.append(.init("interleave", .int(Int64(interleave)))) }
      func make() throws -> any ReplayableSource {
        try #require(try makeSource("lines", options, [fields[1]]).make(alone) as? any ReplayableSource)
      }
      let source = try make()
      try source.open()
      var rows = 0
      while rows < 8 {
        if case .batch(let batch) = try source.read(maxRows: 100, timeout: .zero) { rows += batch.length }
      }
      _ = try source.read(maxRows: 100, timeout: .zero)
      let positions = try source.positions()
      source.stop()
      #expect(try make().missing(of: positions) == [])
      unlink(folder.file("gone.txt"))
      folder.write("changed.txt", "3\n")
      rename(folder.file("renamed.txt"), folder.file("other.txt"))
      let expected = (isWatched ? ["changed", "gone"] : ["changed", "gone", "renamed"]).map { folder.file("\($0).txt") }
      #expect(try make().missing(of: positions) == expected, "watched: \(isWatched)")
    }
  }

  @Test("a file that is cut into splits is read once by subtasks of any number")
  func splits() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    // Splits are of 32 MiB.
    let padding = String(repeating: "x", count: 20_000)
    let lines = (0..<3600).map { "\($0) \(padding.prefix(.random(in: 0...20_000, using: &generator)))\n" }
    let path = folder.write("in", lines.joined())
    folder.write("other", "3600\n")
    let count = try #require(FoundFile(path: path)).byteCount
    #expect(count > FileSplit.size)
    var job = KilledSource {
      try makeSource("lines", [.init("path", .array([.string(path), .string(folder.file("other"))]))], [fields[1]])
    }
    for parallelism in [2, 1, 3] {
      try job.run(&generator, parallelism: parallelism, reads: 12, maxRows: 1...200)
    }
    try job.run(&generator, parallelism: 2, reads: nil, maxRows: 500...2000)
    let ids = job.kept.flatMap { cells($0) }.compactMap { $0[0]?.split(separator: " ").first.flatMap { Int($0) } }
    #expect(ids.sorted() == Array(0...3600), "\(generator)")
  }

  @Test("bad records are set aside once, and none is missing", arguments: ["jsonlines", "csv", "compressed"])
  func deadLetters(kind: String) throws {
    var generator = SeededGenerator()
    for round in 0..<8 {
      let folder = TemporaryFolder()
      var bad: [String] = []
      var good: [String] = []
      for file in 0..<3 {
        var text = kind == "csv" ? "id,text\n" : ""
        for row in 0..<Int.random(in: 0...40, using: &generator) {
          let isBad = Int.random(in: 0..<3, using: &generator) == 0
          let id = "\(file * 1000 + row)"
          let long = Int.random(in: 0..<5, using: &generator) == 0 ? String(repeating: "z", count: 300) : ""
          let line =
            kind == "csv"
            ? "\(isBad ? "x" : "")\(id),\(long)" : "{\"id\":\(isBad ? "x" : "")\(id),\"text\":\"\(long)\"}"
          text += line + "\n"
          // Of those that are too long a part is kept as of the others.
          if isBad || line.utf8.count > 200 { bad.append("\(file).in \(id)") } else { good.append("\(id)") }
        }
        folder.write("\(file).in", kind == "compressed" ? ToyCodec.compress(text.utf8) : Array(text.utf8))
      }
      let dead = folder.file("dead")
      // Of an earlier run: not of this one, whatever is in it.
      folder.write("dead", "{\"file\":\"\(folder.file("0.in"))\",\"offset\":0}\n")
      let interleave: Int64 = .random(in: 1...2, using: &generator)
      var job = KilledSource(beginsWithEpoch: true) {
        try makeSource(
          kind == "compressed" ? "jsonlines" : kind,
          [
            .init("path", .string(folder.file("*.in"))), .init("interleave", .int(interleave)),
            .init("maxRecordBytes", .int(200)),
          ], fields, .deadLetter(path: dead), codecs: ToyCodec.set)
      }
      for _ in 0..<4 {
        try job.run(
          &generator, parallelism: .random(in: 1...3, using: &generator), reads: .random(in: 1...20, using: &generator),
          maxRows: 1...5)
        // A crash may leave a part of a line.
        if Bool.random(using: &generator), job.positions != nil {
          folder.write("dead", (folder.read("dead") ?? []) + Array("{\"file\":\"".utf8))
        }
      }
      try job.run(&generator, parallelism: 2, reads: nil, maxRows: 1...5)
      let ids = job.kept.flatMap { cells($0) }.compactMap { $0[0] }
      #expect(ids.sorted() == good.sorted(), "\(generator), round \(round)")
      let found = String(decoding: folder.read("dead") ?? [], as: UTF8.self).split(separator: "\n").dropFirst()
      let names = found.compactMap { line -> String? in
        guard let json = try? JSONValue.parse(String(line)), case .string(let file)? = json["file"],
          case .string(let record)? = json["record"]
        else { return "no record: \(line)" }
        let digits = record.drop { !$0.isNumber }.prefix { $0.isNumber }
        return "\(file.split(separator: "/").last ?? "") \(digits)"
      }
      #expect(names.sorted() == bad.sorted(), "\(generator), round \(round)")
    }
  }

  @Test("the line of a bad record is that of the file, also after a restart")
  func lines() throws {
    let folder = TemporaryFolder()
    for (name, codecs) in [("plain", CodecSet.none), ("packed", ToyCodec.set)] {
      let text = "1\n2\n3\nbad\n5\n"
      let path = folder.write(name, name == "packed" ? ToyCodec.compress(text.utf8) : Array(text.utf8))
      func make() throws -> any ReplayableSource {
        let options: [JSONValue.Member] = [.init("path", .string(path)), .init("header", .bool(false))]
        return try #require(
          try makeSource("csv", options, [fields[0]], codecs: codecs).make(alone) as? any ReplayableSource)
      }
      let first = try make()
      try first.open()
      _ = try first.read(maxRows: 2, timeout: .zero)
      let second = try make()
      try second.resume(at: first.positions())
      try second.open()
      #expect(message { while case .batch = try second.read(maxRows: 1, timeout: .zero) {} }.hasPrefix("\(path):4: "))
    }
  }

  @Test("a generator's rows come once, whatever the parallelism was")
  func generator() throws {
    var generator = SeededGenerator()
    for round in 0..<20 {
      let count = Int.random(in: 0...100_000, using: &generator)
      var job = KilledSource {
        try makeSource("generator", [.init("rows", .int(Int64(count))), .init("seed", .int(7))], [fields[0]])
      }
      for _ in 0..<5 {
        try job.run(
          &generator, parallelism: .random(in: 1...4, using: &generator), reads: .random(in: 1...30, using: &generator),
          maxRows: 1...3000)
      }
      try job.run(&generator, parallelism: .random(in: 1...4, using: &generator), reads: nil, maxRows: 1...65_536)
      let ids = job.kept.flatMap { cells($0) }.compactMap { $0[0].flatMap { Int($0) } }
      #expect(ids.sorted() == Array(0..<count), "\(generator), round \(round), \(count) rows")
    }
  }

  @Test("a generator of another seed does not go on")
  func generatorSeed() throws {
    func make(_ seed: Int64) throws -> any ReplayableSource {
      try #require(
        try makeSource("generator", [.init("seed", .int(seed))], [fields[0]]).make(alone) as? any ReplayableSource)
    }
    let positions = try make(1).positions()
    #expect(
      message { try make(2).resume(at: positions) }
        == "the generator's rows are of seed 2, and the checkpoint's of seed 1; give it that seed, or begin the source anew "
        + "(--reset-source)")
  }

  @Test("a split has the number that it had, and no other split gets it")
  func numbers() throws {
    var generator = SeededGenerator()
    for _ in 0..<20 {
      let folder = TemporaryFolder()
      for file in 0..<8 { folder.write("\(file)", (0..<20).map { "\(file) \($0)\n" }.joined()) }
      var numbers: [String: Int] = [:]
      var positions: [SplitPosition]?
      for _ in 0..<4 {
        let source = try #require(
          try makeSource(
            "lines", [.init("path", .string(folder.file("*"))), .init("interleave", .int(3))], [fields[1]]
          ).make(alone) as? any ReplayableSource)
        if let positions { try source.resume(at: positions) }
        try source.open()
        var current = numbers
        for _ in 0..<Int.random(in: 1...8, using: &generator) {
          guard case .batch(let batch) = try source.read(maxRows: 9, timeout: .zero) else { break }
          for case .gives(let split) in source.takeSplitChanges() {
            let file = String(cells(batch)[0][0]?.prefix(1) ?? "")
            #expect(current[file] ?? split.number == split.number, "\(generator)")
            current[file] = split.number
          }
        }
        #expect(Set(current.values).count == current.count, "\(generator)")
        // What came behind the epoch is forgotten.
        if Bool.random(using: &generator) { (positions, numbers) = (try source.positions(), current) }
      }
    }
  }

  @Test("a file that has changed is refused, one that has grown goes on")
  func changed() throws {
    let folder = TemporaryFolder()
    let place = "source 'orders' (lines)"
    let remedy = "bring it back as it was, or begin the source anew (--reset-source)"
    func make() throws -> any ReplayableSource {
      try #require(
        try makeSource("lines", [.init("path", .string(folder.file("in*")))], [fields[1]]).make(alone)
          as? any ReplayableSource)
    }
    let path = folder.write("in", "one\ntwo\nthree\n")
    let first = try make()
    try first.open()
    _ = try first.read(maxRows: 2, timeout: .zero)
    let positions = try first.positions()
    func refusal() -> String {
      message {
        let source = try make()
        try source.resume(at: positions)
      }
    }
    #expect(refusal() == "no failure")
    folder.write("in", "one\ntwo\nthree\nfour\n")
    let grown = try make()
    try grown.resume(at: positions)
    #expect(try rows(of: grown) == [["three"], ["four"]])
    folder.write("in", "one\ntWo\nthree\nfour\n")
    #expect(
      refusal()
        == "\(place): \(path): has changed since the checkpoint was taken: it had 14 bytes and has 19; \(remedy)")
    folder.write("in", "one\ntwo\n")
    #expect(
      refusal() == "\(place): \(path): has changed since the checkpoint was taken: it had 14 bytes and has 8; \(remedy)"
    )
    folder.write("in", "one\ntwo\nTHREE\n")
    var times = [timespec(tv_sec: 1000, tv_nsec: 0), timespec(tv_sec: 1000, tv_nsec: 0)]
    utimensat(AT_FDCWD, path, &times, 0)
    #expect(
      refusal()
        == "\(place): \(path): has changed since the checkpoint was taken: it was written at another time; \(remedy)")
    folder.write("in2", "x\n")
    unlink(path)
    #expect(refusal() == "\(place): \(path): is not there, and the checkpoint goes on within it; \(remedy)")
  }

  @Test("a file that was read whole may be gone")
  func gone() throws {
    let folder = TemporaryFolder()
    for file in 0..<3 { folder.write("\(file).txt", "\(file)\n") }
    func make(_ index: Int, of count: Int) throws -> any ReplayableSource {
      try #require(
        try makeSource("lines", [.init("path", .string(folder.file("*.txt")))], [fields[1]]).make(
          subtask(index, of: count))
          as? any ReplayableSource)
    }
    let first = try make(0, of: 1)
    _ = try rows(of: first)
    let positions = try first.positions()
    unlink(folder.file("1.txt"))
    folder.write("3.txt", "3\n")
    let sources = [try make(0, of: 2), try make(1, of: 2)]
    for source in sources { try source.resume(at: positions) }
    #expect(try sources.flatMap { try rows(of: $0) } == [["3"]])
    #expect(Set(try sources.flatMap { try $0.positions() }.map(\.split)).count == 4)
  }

  @Test("standard input has no positions")
  func standardInput() throws {
    let factory = try makeSource("stdin", [.init("format", .string("lines"))], [fields[1]])
    #expect(!(try factory.make(alone) is any ReplayableSource))
    #expect(factory.guarantee == .atMostOnce(reason: "what was read from standard input cannot be read again"))
    #expect(try makeSource("generator", [], [fields[0]]).guarantee == .exactlyOnce)
  }
}
