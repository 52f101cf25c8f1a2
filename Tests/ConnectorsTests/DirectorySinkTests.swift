import Arrow
import Base
import Dataflow
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Connectors

private let numbers = [Field("n", .int64)]
private let sales = [Field("country", .utf8), Field("n", .int64), Field("day", .timestamp)]

private func rows(_ range: Range<Int64>) -> RecordBatch { batch(numbers, range.map { [.int64($0)] }) }

private func sale(_ country: String?, _ n: Int64, _ day: Int64? = 0) -> [Literal?] {
  [country.map { .utf8($0) }, .int64(n), day.map { .timestamp($0, .microsecond, timezone: nil) }]
}

/// Every file below a folder, hidden ones too, with its content, by path.
private func tree(_ folder: TemporaryFolder, _ path: String = "out") -> [String: String] {
  let list = TestProcess.run(["find", ".", "-type", "f"], folder: folder.file(path)).output
  var files: [String: String] = [:]
  for name in list.split(separator: "\n").map({ $0.dropFirst(2) }) {
    files[String(name)] = String(decoding: folder.read("\(path)/\(name)") ?? [], as: UTF8.self)
  }
  return files
}

private func sink(
  _ folder: TemporaryFolder, _ schema: [Field], _ options: String, format: String = "csv", subtask number: Int = 0
) throws -> any Sink {
  guard case .object(var members) = try JSONValue.parse(Array("{\(options)}".utf8)) else { preconditionFailure() }
  members.append(.init("path", .string(folder.file("out/"))))
  return try makeSink(format, members, schema).make(subtask(number, of: 4))
}

@Suite("Directory sinks") struct DirectorySinkTests {
  @Test("files are rolled when they have so many bytes, each with its header and whole rows")
  func rollBySize() throws {
    let folder = TemporaryFolder()
    try run(try sink(folder, numbers, #""rollBytes":12"#), [rows(0..<4), rows(4..<11)])
    #expect(
      tree(folder) == [
        "part-0-0.csv": "n\n0\n1\n2\n3\n4\n", "part-0-1.csv": "n\n5\n6\n7\n8\n9\n", "part-0-2.csv": "n\n10\n",
      ])
  }

  @Test("the rows of all files in order are the rows written, whatever the size, and no file is much larger")
  func randomSizes() throws {
    var generator = SeededGenerator()
    for _ in 0..<40 {
      let folder = TemporaryFolder()
      let limit = Int.random(in: 1...40_000, using: &generator)
      var written: [RecordBatch] = []
      var next: Int64 = 0
      for _ in 0..<Int.random(in: 0...5, using: &generator) {
        let count = Int64.random(in: 1...3000, using: &generator)
        written.append(rows(next..<(next + count)))
        next += count
      }
      try run(try sink(folder, numbers, #""rollBytes":\#(limit),"header":false"#), written)
      let files = tree(folder)
      let text = (0..<files.count).map { files["part-0-\($0).csv"] ?? "missing" }
      #expect(text.joined() == (0..<next).map { "\($0)\n" }.joined(), "\(generator) \(limit)")
      for file in text.dropLast() {
        #expect(file.utf8.count >= limit && file.utf8.count < limit + limit / 8 + 64, "\(generator) \(limit)")
      }
    }
  }

  @Test("a file that is old enough is completed at the next write or when it is due, and no empty file is made")
  func rollByTime() throws {
    let folder = TemporaryFolder()
    let sink = try sink(folder, numbers, #""rollInterval":1e-9"#, format: "jsonlines", subtask: 3)
    try sink.open()
    #expect(sink.dueTime == nil)
    try sink.write(rows(0..<2))
    #expect(tree(folder) == ["part-3-0.jsonl": "{\"n\":0}\n{\"n\":1}\n"])
    try sink.flush()
    try sink.write(rows(2..<3))
    try sink.close(complete: true)
    #expect(tree(folder) == ["part-3-0.jsonl": "{\"n\":0}\n{\"n\":1}\n", "part-3-1.jsonl": "{\"n\":2}\n"])
  }

  @Test("a file is due so long after its first row, and hidden until then")
  func dueTime() throws {
    let folder = TemporaryFolder()
    let sink = try sink(folder, numbers, #""rollInterval":3600"#)
    try sink.open()
    let before = MonotonicTime.now
    try sink.write(rows(0..<1))
    let due = try #require(sink.dueTime)
    #expect(due - before >= 3_600_000_000_000 && due - before < 3_700_000_000_000)
    try sink.flush()
    #expect(tree(folder) == [".part-0-0.csv.volley-tmp": "n\n0\n"])
    try sink.close(complete: false)
    #expect(tree(folder) == [:])
  }

  @Test("rows go to folders by value: encoded names, a name for null, the columns left out, their order kept")
  func partitions() throws {
    let folder = TemporaryFolder()
    let batch = batch(
      sales,
      [sale("DE", 1), sale("a/b=c %ü", 2), sale(nil, 3), sale("DE", 4), sale("", 5), sale("..", 6), sale("DE", 7, nil)])
    try run(try sink(folder, sales, #""partitionBy":"country""#), [batch, batch])
    let day = "1970-01-01T00:00:00.000000"
    #expect(
      tree(folder) == [
        "country=DE/part-0-0.csv": "n,day\n1,\(day)\n4,\(day)\n7,\n1,\(day)\n4,\(day)\n7,\n",
        "country=a%2Fb%3Dc%20%25%C3%BC/part-0-1.csv": "n,day\n2,\(day)\n2,\(day)\n",
        "country=__HIVE_DEFAULT_PARTITION__/part-0-2.csv": "n,day\n3,\(day)\n3,\(day)\n",
        "country=/part-0-3.csv": "n,day\n5,\(day)\n5,\(day)\n",
        "country=../part-0-4.csv": "n,day\n6,\(day)\n6,\(day)\n",
      ])
  }

  @Test("several partition columns are folders below each other, in the order of the option")
  func nestedPartitions() throws {
    let folder = TemporaryFolder()
    try run(
      try sink(folder, sales, #""partitionBy":["day","country"]"#, format: "jsonlines"),
      [batch(sales, [sale("DE", 1), sale("FR", 2, nil)])])
    #expect(
      tree(folder) == [
        "day=1970-01-01T00%3A00%3A00.000000/country=DE/part-0-0.jsonl": "{\"n\":1}\n",
        "day=__HIVE_DEFAULT_PARTITION__/country=FR/part-0-1.jsonl": "{\"n\":2}\n",
      ])
  }

  @Test("no more than the allowed files are open at a time: the one used longest ago is completed")
  func openFiles() throws {
    let folder = TemporaryFolder()
    let sink = try sink(folder, sales, #""partitionBy":"country","maxOpenFiles":2,"header":false"#)
    try sink.open()
    for (n, country) in ["A", "B", "A", "C", "B"].enumerated() {
      try sink.write(batch(sales, [sale(country, Int64(n), nil)]))
      #expect(tree(folder).keys.filter { $0.contains("volley-tmp") }.count <= 2)
    }
    try sink.flush()
    #expect(
      tree(folder) == [
        "country=A/part-0-0.csv": "0,\n2,\n", "country=B/part-0-1.csv": "1,\n",
        "country=C/.part-0-2.csv.volley-tmp": "3,\n", "country=B/.part-0-3.csv.volley-tmp": "4,\n",
      ])
    try sink.close(complete: true)
    #expect(tree(folder).count == 4)
  }

  @Test("files of former jobs stay, what was never completed goes, and what somebody writes stays")
  func formerFiles() throws {
    let folder = TemporaryFolder()
    try run(try sink(folder, sales, #""partitionBy":"country""#), [batch(sales, [sale("DE", 1, nil)])])
    let writer = try sink(folder, sales, #""partitionBy":"country""#, subtask: 1)
    try writer.open()
    try writer.write(batch(sales, [sale("DE", 2, nil)]))
    try writer.flush()
    folder.write("out/country=DE/.part-0-7.csv.volley-tmp", "abandoned")
    folder.write("out/country=DE/.part-00-9.csv.volley-tmp", "not ours")
    folder.write("out/country=DE/part-0-x.csv", "not ours")
    let files = try makeSink(
      "csv", [.init("path", .string(folder.file("out/"))), .init("partitionBy", .string("country"))], sales
    ).files
    try JobFiles([files]).prepare()
    // Another writer of subtask 0 is not disturbed either.
    let twin = try sink(folder, sales, #""partitionBy":"country""#)
    try twin.open()
    try twin.write(batch(sales, [sale("DE", 3, nil)]))
    try twin.flush()
    try run(try sink(folder, sales, #""partitionBy":"country""#), [batch(sales, [sale("DE", 4, nil)])])
    try writer.close(complete: true)
    try twin.close(complete: true)
    #expect(
      tree(folder) == [
        "country=DE/part-0-0.csv": "n,day\n1,\n", "country=DE/part-1-0.csv": "n,day\n2,\n",
        "country=DE/part-0-1.csv": "n,day\n3,\n", "country=DE/part-0-2.csv": "n,day\n4,\n",
        "country=DE/.part-00-9.csv.volley-tmp": "not ours", "country=DE/part-0-x.csv": "not ours",
      ])
  }

  @Test("a file that another writer completed meanwhile is not replaced")
  func sharedFolder() throws {
    let folder = TemporaryFolder()
    let (first, second) = (try sink(folder, numbers, #""rollBytes":6"#), try sink(folder, numbers, #""rollBytes":6"#))
    try first.open()
    try second.open()
    try first.write(rows(0..<4))
    try first.close(complete: true)
    try second.write(rows(4..<8))
    try second.close(complete: true)
    #expect(
      tree(folder) == [
        "part-0-0.csv": "n\n0\n1\n", "part-0-1.csv": "n\n2\n3\n", "part-0-2.csv": "n\n4\n5\n",
        "part-0-3.csv": "n\n6\n7\n",
      ])
  }

  @Test("after a failure the completed files stay and the open ones go")
  func failure() throws {
    let folder = TemporaryFolder()
    try run(try sink(folder, numbers, #""rollBytes":6,"header":false"#), [rows(0..<5)], complete: false)
    #expect(tree(folder) == ["part-0-0.csv": "0\n1\n2\n"])
  }

  @Test("a value that is no folder's name is refused")
  func longName() throws {
    let folder = TemporaryFolder()
    let fits = String(repeating: "x", count: 255 - "country=".count)
    try run(try sink(folder, sales, #""partitionBy":"country""#), [batch(sales, [sale(fits, 1)])])
    #expect(tree(folder).count == 1)
    let text = message {
      try run(try sink(folder, sales, #""partitionBy":"country""#), [batch(sales, [sale(fits + "y", 1)])])
    }
    #expect(text.hasPrefix("sink 'out' (csv): the folder 'country=xxx"))
    #expect(text.contains("would have a name of 256 bytes, more than the 255 that file systems allow"))
  }

  @Test(
    "wrong options are refused with one sentence",
    arguments: [
      (
        #""path":"x","rollBytes":1"#,
        "option 'path' is the file 'x', but rollBytes, rollInterval, partitionBy and maxOpenFiles need a directory; end "
          + "the path with '/'"
      ),
      (#""path":"x/","rollBytes":0"#, "option 'rollBytes' is 0, expected an integer from 1 to 9223372036854775807"),
      (
        #""path":"x/","rollInterval":0"#,
        "option 'rollInterval' is 0.0, expected a number of seconds above 0, at most a year"
      ),
      (#""path":"x/","partitionBy":1"#, "option 'partitionBy' is the number 1, expected a string"),
      (
        #""path":"x/","partitionBy":["count"]"#,
        "option 'partitionBy' names 'count', but the columns are country, n, day; did you mean 'country'?"
      ),
      (#""path":"x/","partitionBy":["n","n"]"#, "option 'partitionBy' names 'n' twice; name it once"),
      (
        #""path":"x/","partitionBy":["n","day","country"]"#,
        "option 'partitionBy' names every column, and none is left for the files; leave one out"
      ),
      (
        #""path":"x/","maxOpenFiles":3"#,
        "option 'maxOpenFiles' is given without 'partitionBy'; one file is open then"
      ),
    ])
  func options(_ options: String, _ sentence: String) throws {
    let value = try JSONValue.parse(Array("{\(options)}".utf8))
    let text = message {
      _ = try BuiltinConnectors.sink(Plan.Connector(name: "csv", options: value), schema: Schema(sales), uid: "out")
    }
    #expect(text == "sink 'out' (csv): \(sentence)")
  }

  @Test("pyarrow reads partitions by columns of every type that is a key and has a form as text")
  func wideTypes() throws {
    let folder = TemporaryFolder()
    let decimal = DataType.decimal128(precision: 9, scale: 2)
    let fields = [
      Field("id", .int64), Field("i8", .int8), Field("u64", .uint64), Field("f", .float32), Field("d", .date32),
      Field("x", decimal),
      Field("l", .largeUtf8),
    ]
    let document = [
      #"{"id":0,"i8":-128,"u64":18446744073709551615,"f":0.5,"d":"2024-02-29","x":"-1234567.89","l":"a/b"}"#,
      #"{"id":1,"i8":127,"u64":0,"f":-1048576.5,"d":"1969-12-31","x":"0.00","l":"ü"}"#,
      #"{"id":2}"#, #"{"id":3,"i8":127,"u64":0,"f":-1048576.5,"d":"1969-12-31","x":"0.00","l":"ü"}"#,
    ]
    let path = folder.write("in", document.map { $0 + "\n" }.joined())
    let source = try makeSource("jsonlines", [.init("path", .string(path))], fields).make(alone)
    try run(
      try sink(folder, fields, #""partitionBy":["i8","u64","f","d","x","l"]"#, format: "jsonlines"),
      try batches(of: source))
    #expect(tree(folder).count == 3)
    let peer = TestProcess.python(
      """
      import sys, pyarrow as pa, pyarrow.dataset as ds
      scheme = pa.schema([('i8', pa.int8()), ('u64', pa.uint64()), ('f', pa.float32()), ('d', pa.date32()), ('x', pa.string()), ('l', pa.string())])
      table = ds.dataset(sys.argv[1], format='json', partitioning=ds.partitioning(scheme, flavor='hive')).to_table().sort_by('id')
      for row in table.to_pylist(): print('|'.join(str(row[name]) for name in ('id', 'i8', 'u64', 'f', 'd', 'x', 'l')))
      """, arguments: [folder.file("out")])
    #expect(peer.status == 0, "\(peer.errors)")
    #expect(
      peer.output == """
        0|-128|18446744073709551615|0.5|2024-02-29|-1234567.89|a/b
        1|127|0|-1048576.5|1969-12-31|0.00|ü
        2|None|None|None|None|None|None
        3|127|0|-1048576.5|1969-12-31|0.00|ü

        """)
  }

  @Test("a column that cannot be a key, or has no form as text, is not partitioned by")
  func noKey() throws {
    let folder = TemporaryFolder()
    let fields = [Field("n", .int64), Field("list", .list(of: .int64)), Field("span", .interval(.monthDayNano))]
    #expect(
      message { _ = try sink(folder, fields, #""partitionBy":"list""#, format: "arrow") }
        == "sink 'out' (arrow): option 'partitionBy' names 'list': list<item: int64> is nested; key by a part of it, or by its text"
    )
    #expect(
      message { _ = try sink(folder, fields, #""partitionBy":"span""#, format: "arrow") }.hasPrefix(
        "sink 'out' (arrow): option 'partitionBy' names 'span': interval"))
  }

  @Test("pyarrow reads random partitioned trees back as they were written")
  func pyarrow() throws {
    var generator = SeededGenerator()
    let folder = TemporaryFolder()
    let texts: [String?] = [nil, "", "a", "b/c", "=", "%41", "ü", "🚀", " ", "..", "x\ny", "+", "&?#"]
    var expected: [String] = []
    for test in 0..<20 {
      var rows: [[Literal?]] = []
      for _ in 0..<Int.random(in: 1...60, using: &generator) {
        let text = texts.randomElement(using: &generator) ?? nil
        let flag: Literal? = [nil, .bool(true), .bool(false)].randomElement(using: &generator) ?? nil
        let number: Literal? = [nil, .int64(-7), .int64(.max), .int64(0)].randomElement(using: &generator) ?? nil
        rows.append([.int64(Int64(rows.count)), text.map { .utf8($0) }, flag, number])
      }
      let fields = [Field("id", .int64), Field("s", .utf8), Field("b", .bool), Field("k", .int64)]
      let options = #""partitionBy":["s","k","b"],"maxOpenFiles":9,"rollBytes":400"#
      guard case .object(var members) = try JSONValue.parse(Array("{\(options)}".utf8)) else { return }
      members.append(.init("path", .string(folder.file("\(test)/"))))
      let cut = Int.random(in: 0...rows.count, using: &generator)
      try run(
        try makeSink("jsonlines", members, fields).make(alone),
        [batch(fields, Array(rows[..<cut])), batch(fields, Array(rows[cut...]))].filter { $0.length > 0 })
      for row in rows {
        expected.append("\(test)\t" + row.map { canonical($0 ?? .null(.int64)) }.joined(separator: "\t"))
      }
    }
    let peer = TestProcess.python(
      canonicalPython + """
        import pyarrow as pa, pyarrow.dataset as ds
        scheme = pa.schema([('s', pa.string()), ('k', pa.int64()), ('b', pa.bool_())])
        for test in range(20):
            table = ds.dataset(sys.argv[1] + '/%d' % test, format='json',
                partitioning=ds.partitioning(scheme, flavor='hive')).to_table().sort_by('id')
            show([[str(test).encode().decode()] + list(r) for r in zip(*[table[c].to_pylist() for c in ('id', 's', 'b', 'k')])], 'ilsbl')
        """, arguments: [folder.path])
    #expect(peer.status == 0, "\(peer.errors)")
    #expect(peer.output.split(separator: "\n").map(String.init) == expected, "\(generator)")
  }
}
