import Arrow
import Base
import Glibc
import Observability
import Synchronization
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

private let numbers = [Field("n", .int64), Field("k", .utf8)]

private func source(
  _ paths: String..., uid: String = "in", format: String = "csv", watch: Bool = false, dead: String? = nil
) throws -> FileUse {
  let options: [JSONValue.Member] = [
    .init("path", .array(paths.map { .string($0) })), .init("watch", .bool(watch)),
  ]
  let connector = Plan.Connector(name: format, options: .object(options))
  let factory = try BuiltinConnectors.source(
    connector, schema: numbers, badRecords: dead.map { .deadLetter(path: $0) } ?? .stop, uid: uid)
  return try #require(factory).files
}

private func sink(
  _ path: String, uid: String = "out", format: String = "csv", _ options: JSONValue.Member...
) throws -> FileUse {
  try makeSink(format, [.init("path", .string(path))] + options, numbers, uid: uid).files
}

private func refusal(_ uses: FileUse...) -> String {
  let found = failure { try JobFiles(uses).prepare() }
  if let found, found.kind != .usage { return "not usage: \(found.message)" }
  return found?.message ?? "none"
}

/// A test's folder under another name: through a link to it.
private func linked(_ folder: TemporaryFolder, _ name: String) -> String {
  symlink(folder.path, folder.file("self"))
  return folder.file("self/\(name)")
}

@Suite("Files of a job") struct JobFilesTests {
  private static let rolled = JSONValue.Member("rollBytes", .int(100))
  private static let byKey = JSONValue.Member("partitionBy", .string("k"))

  @Test("a sink does not write what a source reads, whatever the names, and says both", arguments: [false, true])
  func sinkIsInput(watch: Bool) throws {
    let folder = TemporaryFolder()
    let input = folder.write("in.csv", "n,k\n1,a\n")
    symlink("in.csv", folder.file("soft.csv"))
    link(input, folder.file("hard.csv"))
    mkdir(folder.file("sub"), 0o777)
    #expect(
      refusal(try source(input, watch: watch), try sink(input))
        == "sink 'out' (csv) writes '\(input)', which source 'in' (csv) reads; give one of them another path")
    for other in [
      folder.file("./in.csv"), folder.file("sub//../in.csv"), folder.file("soft.csv"), folder.file("hard.csv"),
      linked(folder, "in.csv"),
    ] {
      let expected =
        "sink 'out' (csv) writes '\(other)', which source 'in' (csv) reads as '\(input)'; give one of them another path"
      #expect(refusal(try source(input, watch: watch), try sink(other)) == expected)
      #expect(
        refusal(try source(other, watch: watch), try sink(input)).hasPrefix("sink 'out' (csv) writes '\(input)', which")
      )
      #expect(refusal(try source(folder.file("none"), folder.file("in*v"), watch: watch), try sink(other)) == expected)
    }
    #expect(folder.read("in.csv") == Array("n,k\n1,a\n".utf8))
    #expect(refusal(try source(input, watch: watch), try sink(folder.file("out.csv"))) == "none")
    #expect(refusal(try source(input, watch: watch), try sink(folder.file("sub/in.csv"))) == "none")
  }

  @Test("bad records do not go where a source reads or a sink writes; sources may share their file")
  func deadLetters() throws {
    let folder = TemporaryFolder()
    let (input, dead) = (folder.write("in.csv", "n,k\n"), folder.file("dead.jsonl"))
    #expect(
      refusal(try source(input, dead: linked(folder, "in.csv")))
        == "source 'in' (csv) writes its bad records to '\(folder.path)/self/in.csv', which source 'in' (csv) reads as '\(input)'; "
        + "give one of them another path")
    // Before it is there, and after.
    for _ in 0..<2 {
      #expect(
        refusal(try source(input, dead: dead), try sink(folder.file("./dead.jsonl")))
          == "source 'in' (csv) writes its bad records to '\(dead)', which sink 'out' (csv) writes too as "
          + "'\(folder.path)/./dead.jsonl'; give one of them another path")
      #expect(refusal(try source(input, dead: dead), try source(input, uid: "b", dead: dead)) == "none")
      folder.write("dead.jsonl", "")
    }
    #expect(
      refusal(try source(input, dead: folder.file("out/part-3.csv")), try sink(folder.file("out/"))).hasSuffix(
        "which sink 'out' (csv) writes too as '\(folder.path)/out/'; give one of them another path"))
    mkdir(folder.file("out"), 0o777)
    #expect(refusal(try source(input, dead: folder.file("out/bad.csv")), try sink(folder.file("out/"))) == "none")
  }

  @Test("a dead-letter file that cannot be written is told before the job runs, and none is made")
  func unwritableDeadLetters() throws {
    let folder = TemporaryFolder()
    let input = folder.write("in.csv", "n,k\n")
    for (path, reason) in [
      ("none/dead", "No such file or directory; create the folder '\(folder.path)/none'"),
      ("in.csv/dead", "Not a directory; a part of the path is a file: correct the option 'path'"),
      ("", "Is a directory; check the disk or give another path"),
    ] {
      let found = failure { try JobFiles([try source(input, dead: folder.file(path))]).prepare() }
      #expect(found?.kind == .io)
      #expect(
        found?.message == "source 'in' (csv): the dead-letter file \(folder.file(path)) cannot be written: \(reason)")
    }
    #expect(refusal(try source(input, dead: folder.file("dead"))) == "none")
    #expect(folder.read("dead") == nil)
    #expect(
      refusal(try source(input, dead: "/dev/null"), try sink("/dev/null"), try sink("/dev/null", uid: "b")) == "none")
  }

  @Test("no file is written by two sinks, whatever the names, and both are named", arguments: [false, true])
  func writtenTwice(isThere: Bool) throws {
    let folder = TemporaryFolder()
    let path = folder.file("out.csv")
    if isThere { folder.write("out.csv", "") }
    #expect(
      refusal(try sink(path, uid: "a"), try sink(path, uid: "b", format: "jsonlines"))
        == "sink 'a' (csv) writes '\(path)', which sink 'b' (jsonlines) writes too; give one of them another path")
    for other in [folder.file("./out.csv"), linked(folder, "out.csv"), folder.file("self/self/../out.csv")] {
      #expect(
        refusal(try sink(path, uid: "a"), try sink(folder.file("x"), uid: "c"), try sink(other, uid: "b"))
          .hasSuffix("(csv) writes too as '\(other)'; give one of them another path") == !other.contains(".."))
    }
    #expect(refusal(try sink(path, uid: "a"), try sink(folder.file("out.csv2"), uid: "b")) == "none")
  }

  @Test("two sinks share a folder only when their files have other names")
  func folders() throws {
    let folder = TemporaryFolder()
    let out = folder.file("out/")
    func meet(_ a: FileUse, _ b: FileUse) -> Bool {
      let both = [refusal(a, b), refusal(b, a)]
      #expect((both[0] == "none") == (both[1] == "none"))
      return both[0] != "none"
    }
    for _ in 0..<2 {
      let (plain, rolled, parted) = (
        try sink(out), try sink(out, Self.rolled), try sink(out, Self.byKey)
      )
      #expect(meet(plain, try sink(linked(folder, "out//"), uid: "b")))
      #expect(meet(rolled, try sink(folder.file("./out/"), uid: "b", Self.rolled)))
      #expect(meet(parted, try sink(out, uid: "b", Self.byKey, Self.rolled)))
      #expect(meet(parted, try sink(folder.file("out/k=a/"), uid: "b", Self.rolled)))
      #expect(!meet(parted, try sink(folder.file("out/k=a/"), uid: "b")))
      #expect(!meet(parted, try sink(folder.file("out/q=a/"), uid: "b", Self.rolled)))
      #expect(!meet(plain, rolled) && !meet(plain, parted) && !meet(rolled, parted))
      #expect(!meet(plain, try sink(out, uid: "b", format: "jsonlines")))
      #expect(meet(plain, try sink(folder.file("out/part-7.csv"), uid: "b")))
      #expect(!meet(plain, try sink(folder.file("out/part-7.txt"), uid: "b")))
      #expect(!meet(plain, try sink(folder.file("out/part-07.csv"), uid: "b")))
      #expect(meet(rolled, try sink(folder.file("out/part-7-0.csv"), uid: "b")))
      #expect(meet(parted, try sink(folder.file("out/k=x/part-7-0.csv"), uid: "b")))
      #expect(!meet(parted, try sink(folder.file("out/part-7-0.csv"), uid: "b")))
      mkdir(folder.file("out"), 0o777)
    }
  }

  @Test("a source reads no folder that a sink fills, now or in the next run", arguments: [false, true])
  func foldersThatAreRead(watch: Bool) throws {
    let folder = TemporaryFolder()
    folder.write("given.csv", "n,k\n1,a\n")
    let time = watch ? "as soon as it is there" : "in the next run"
    let out = folder.file("out/")
    for isThere in [false, true] {
      if isThere { mkdir(folder.file("out"), 0o777) }
      #expect(
        refusal(try source(folder.file("out/*.csv"), watch: watch), try sink(out))
          == "sink 'out' (csv) writes '\(out)', which source 'in' (csv) would read \(time) as '\(folder.path)/out/*.csv'; give "
          + "one of them another path")
      for (pattern, options) in [
        ("o*/part-*.{jsonl,csv}", []), ("./out/part-25?.csv", []), ("{x,out}/*", [Self.rolled]),
        ("out/part-*-*.csv", [Self.rolled]), ("out/*/*", [Self.byKey]), ("out/k=*/part*", [Self.byKey]),
        ("out/k=DE/*.csv", [Self.byKey, Self.rolled]),
      ] as [(String, [JSONValue.Member])] {
        let use = try makeSink("csv", [.init("path", .string(out))] + options, numbers, uid: "out").files
        #expect(
          refusal(try source(folder.file(pattern), watch: watch), use).contains("would read \(time)"), "\(pattern)")
      }
      for (pattern, options) in [
        ("*.csv", []), ("out/*.jsonl", []), ("out/x*", [Self.rolled]), ("out/*", [Self.byKey]),
        ("out/q=*/*", [Self.byKey]), ("out/*/*/*", [Self.byKey]), ("out/part-*-*.csv", []), ("other/*", []),
      ] as [(String, [JSONValue.Member])] {
        let use = try makeSink("csv", [.init("path", .string(out))] + options, numbers, uid: "out").files
        #expect(refusal(try source(folder.file(pattern), watch: watch), use) == "none", "\(pattern)")
      }
    }
    // A folder that is watched by its name, and may not be there yet.
    for name in ["out", "out/", "new"] {
      let use = try sink(folder.file(name.hasSuffix("/") ? name : "\(name)/"))
      #expect((refusal(try source(folder.file(name), watch: watch), use) != "none") == watch)
    }
    // What a watching source does not see.
    let hidden = refusal(try source(folder.file("out/*"), watch: watch), try sink(folder.file("out/_x.csv")))
    #expect((hidden == "none") == watch)
    folder.write("out/part-3.csv", "n,k\n")
    #expect(
      refusal(try source(folder.file("out/part-3.csv"), watch: watch), try sink(out))
        == "sink 'out' (csv) writes '\(out)', which source 'in' (csv) reads as '\(folder.path)/out/part-3.csv'; give one of them "
        + "another path")
  }

  @Test("whether a pattern will find what is not there yet is what glob says when it is")
  func patterns() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    let root = try #require(resolved(folder.path))
    let names = ["a", "b", "ab", "a.b", ".a", "ba", "a-b"]
    let pieces = [
      "a", "b", "*", "?", "[ab]", "[!a]", "{a,b}", "{a,}", "{ab,a{b,.b}}", ".", "-", "{a}", "{}", "{a", "a}", ",",
    ]
    var found = 0
    for round in 0..<100 {
      let start = "\(root)/\(round)"
      mkdir(start, 0o777)
      let depth = Int.random(in: 1...3, using: &generator)
      let path = (0..<depth).map { _ in names.randomElement(using: &generator)! }
      // Some of its folders are there.
      for count in 0..<Int.random(in: 0..<depth, using: &generator) {
        mkdir("\(start)/" + path[...count].joined(separator: "/"), 0o777)
      }
      let wanted = "\(start)/" + path.joined(separator: "/")
      var tried: [(String, Bool)] = []
      for _ in 0..<20 {
        let parts = path.map { name in
          Bool.random(using: &generator)
            ? name
            : (0..<Int.random(in: 1...3, using: &generator)).map { _ in pieces.randomElement(using: &generator)! }
              .joined()
        }
        let pattern = "\(start)/" + parts.joined(separator: "/")
        tried.append((pattern, leads(pattern, to: wanted)))
      }
      _ = TestProcess.run(["mkdir", "-p", parent(of: wanted)])
      folder.write(String(wanted.dropFirst(root.utf8.count + 1)), "")
      for (pattern, leads) in tried {
        // A choice that leads into a folder that is not there makes `glob` fail as a whole, and the source with it.
        guard let matches = FileSet.matches(pattern) else { continue }
        let isFound = matches.contains { resolved($0) == wanted }
        #expect(leads == isFound, "\(pattern) \(wanted) \(generator)")
        if isFound { found += 1 }
      }
    }
    #expect(found > 100, "\(found) \(generator)")
  }

  @Test("what killed jobs left is removed and told, what another job writes stays, and files that stay are counted")
  func leftovers() throws {
    let folder = TemporaryFolder()
    let events = Mutex<[String]>([])
    let log = EventLog { event in events.withLock { $0.append("\(event.level) \(event.name): \(event.message)") } }
    func told() -> [String] {
      events.withLock { events in
        defer { events = [] }
        return events.sorted()
      }
    }
    folder.write("file.csv", "former")
    folder.write(".file.csv.volley-tmp", "abc")
    try JobFiles([try sink(folder.file("file.csv"))]).prepare(log: log)
    #expect(folder.read(".file.csv.volley-tmp") == nil && folder.read("file.csv") != nil)
    #expect(
      told() == [
        "warning sink.leftover-removed: sink 'out' (csv) removed 3 bytes that a job which was killed had written for "
          + "'\(canonicalPath(folder.path))/file.csv'"
      ])
    for path in ["out/k=a", "out/x"] { _ = TestProcess.run(["mkdir", "-p", folder.file(path)]) }
    for name in [
      "out/k=a/part-0-0.csv", "out/k=a/part-3-11.csv", "out/k=a/.part-5-2.csv.volley-tmp", "out/part-0-0.csv",
      "out/part-1.csv", "out/.part-9.csv.volley-tmp", "out/x/.part-0-0.csv.volley-tmp", "out/k=a/other.csv",
    ] { folder.write(name, "x") }
    let running = try OutputFile(path: folder.file("out/k=a/part-6-1.csv"), place: "another job")
    try JobFiles([try sink(folder.file("out/"), Self.byKey)]).prepare(log: log)
    #expect(
      told() == [
        "info sink.files-kept: sink 'out' (csv) finds 2 files of earlier runs in '\(folder.path)/out/'; they stay, and the rows of "
          + "this run are added in others",
        "warning sink.leftover-removed: sink 'out' (csv) removed 1 byte that a job which was killed had written for "
          + "'\(folder.path)/out/k=a/part-5-2.csv'",
      ])
    try running.commit()
    #expect(folder.read("out/k=a/part-6-1.csv") != nil)
    try JobFiles([try sink(folder.file("out/"))]).prepare(log: log)
    #expect(told().count == 1)
    #expect(
      TestProcess.run(["sh", "-c", "find . -type f -name '.*' | sort"], folder: folder.file("out")).output
        == "./x/.part-0-0.csv.volley-tmp\n")
  }
}

private func parent(of path: String) -> String { Connectors.folder(of: path) }
