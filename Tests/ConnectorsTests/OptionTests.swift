import Arrow
import Base
import Testing
import VolleyPlan

@testable import Connectors

private let fields = [Field("a", .int64), Field("s", .utf8)]

private func sourceMessage(_ name: String, _ options: JSONValue, _ schema: [Field] = fields) -> String {
  message {
    _ = try BuiltinConnectors.source(
      Plan.Connector(name: name, options: options), schema: schema, badRecords: .stop, uid: "orders")
  }
}

private func sinkMessage(_ name: String, _ options: JSONValue, _ schema: [Field] = fields) -> String {
  message {
    _ = try BuiltinConnectors.sink(Plan.Connector(name: name, options: options), schema: Schema(schema), uid: "out")
  }
}

private func object(_ text: String) throws -> JSONValue { try JSONValue.parse(Array(text.utf8)) }

@Suite("Connector options") struct OptionTests {
  @Test(
    "a wrong option of a source is refused with one sentence when the plan is made",
    arguments: [
      (
        "csv", "{}",
        "source 'orders' (csv): the option 'path' is missing; give the path or pattern of the files to read"
      ),
      ("csv", #"{"path":7}"#, "source 'orders' (csv): option 'path' is the number 7, expected a string"),
      (
        "csv", #"{"path":""}"#,
        "source 'orders' (csv): option 'path' is empty; give the path or pattern of the files to read"
      ),
      (
        "csv", #"{"path":[]}"#,
        "source 'orders' (csv): option 'path' is an empty array; give the path or pattern of the files to read"
      ),
      (
        "csv", #"{"path":["x",1]}"#,
        "source 'orders' (csv): option 'path' holds the number 1, expected the path or pattern of the files to read"
      ),
      (
        "csv", #"{"path":"x","headr":true}"#,
        "source 'orders' (csv): unknown option 'headr', it knows path, header, delimiter, quote, escape, comment, nulls, "
          + "quotedNulls, trim, lineEnd, blankLines, missing, extra, skipRows, maxRecordBytes, inferRows, inferBytes, compression, interleave, watch; did you mean 'header'?"
      ),
      (
        "csv", #"{"path":"x","colour":"red"}"#,
        "source 'orders' (csv): unknown option 'colour', it knows path, header, delimiter, quote, escape, comment, nulls, "
          + "quotedNulls, trim, lineEnd, blankLines, missing, extra, skipRows, maxRecordBytes, inferRows, inferBytes, compression, interleave, watch"
      ),
      (
        "csv", #"{"path":"x","header":"yes"}"#,
        "source 'orders' (csv): option 'header' is the string 'yes', expected true or false"
      ),
      (
        "csv", #"{"path":"x","delimiter":";;"}"#,
        "source 'orders' (csv): option 'delimiter' is ';;', expected one ASCII character other than a line end"
      ),
      (
        "csv", #"{"path":"x","delimiter":"ä"}"#,
        "source 'orders' (csv): option 'delimiter' is 'ä', expected one ASCII character other than a line end"
      ),
      (
        "csv", #"{"path":"x","delimiter":""}"#,
        "source 'orders' (csv): option 'delimiter' is '', expected one ASCII character other than a line end"
      ),
      (
        "csv", #"{"path":"x","delimiter":"\n"}"#,
        "source 'orders' (csv): option 'delimiter' is '\n', expected one ASCII character other than a line end"
      ),
      (
        "csv", #"{"path":"x","quote":";;"}"#,
        "source 'orders' (csv): option 'quote' is ';;', expected one ASCII character other than a line end"
      ),
      (
        "csv", #"{"path":"x","quote":","}"#,
        "source 'orders' (csv): the options 'delimiter' and 'quote' are the same character; change one of them"
      ),
      (
        "csv", #"{"path":"x","delimiter":"|","escape":"|"}"#,
        "source 'orders' (csv): the options 'delimiter' and 'escape' are the same character; change one of them"
      ),
      (
        "csv", #"{"path":"x","comment":""}"#,
        "source 'orders' (csv): option 'comment' is empty, expected what a line begins with that is skipped, such as '#'"
      ),
      (
        "csv", #"{"path":"x","nulls":["NA",1]}"#,
        "source 'orders' (csv): option 'nulls' is the number 1, expected the texts that stand for null"
      ),
      (
        "csv", #"{"path":"x","lineEnd":"cr"}"#,
        "source 'orders' (csv): option 'lineEnd' is 'cr', expected one of lf, any"
      ),
      (
        "csv", #"{"path":"x","blankLines":"keep"}"#,
        "source 'orders' (csv): option 'blankLines' is 'keep', expected one of skip, row"
      ),
      (
        "csv", #"{"path":"x","missing":"nul"}"#,
        "source 'orders' (csv): option 'missing' is 'nul', expected one of error, null; did you mean 'null'?"
      ),
      (
        "csv", #"{"path":"x","extra":1}"#,
        "source 'orders' (csv): option 'extra' is the number 1, expected a string"
      ),
      (
        "csv", #"{"path":"x","skipRows":-1}"#,
        "source 'orders' (csv): option 'skipRows' is -1, expected an integer from 0 to 1000000000"
      ),
      (
        "csv", #"{"path":"x","maxRecordBytes":0}"#,
        "source 'orders' (csv): option 'maxRecordBytes' is 0, expected an integer from 1 to 1073741824"
      ),
      ("csv", #"["x"]"#, "source 'orders' (csv): the options are an array, expected an object of options by name"),
      (
        "jsonlines", #"{"path":"x","header":true}"#,
        "source 'orders' (jsonlines): unknown option 'header', it knows path, maxRecordBytes, inferRows, inferBytes, compression, interleave, watch"
      ),
      (
        "lines", #"{"path":"x"}"#,
        "source 'orders' (lines): the schema is a: int64, s: utf8, expected a single utf8 column, which takes each line"
      ),
      (
        "stdin", "{}",
        "source 'orders' (stdin): the option 'format' is missing; give one of csv, jsonlines, lines, arrowstream"
      ),
      (
        "stdin", #"{"format":"jsonline"}"#,
        "source 'orders' (stdin): option 'format' is 'jsonline', expected one of csv, jsonlines, lines, arrowstream; "
          + "did you mean 'jsonlines'?"
      ),
      (
        "generator", #"{"rows":-1}"#,
        "source 'orders' (generator): option 'rows' is -1, expected an integer from 0 to 9223372036854775807"
      ),
      (
        "generator", #"{"rate":0}"#,
        "source 'orders' (generator): option 'rate' is 0.0, expected a number of rows a second above 0"
      ),
      (
        "generator", #"{"columns":{"b":{}}}"#,
        "source 'orders' (generator): option 'columns' names 'b', but the columns are a, s; did you mean 'a'?"
      ),
      (
        "generator", #"{"columns":{"a":{"kind":"random"}}}"#,
        "source 'orders' (generator): column 'a': option 'kind' is 'random', expected one of sequence, uniform, choice"
      ),
      (
        "generator", #"{"columns":{"a":{"kind":"uniform","min":5,"max":4}}}"#,
        "source 'orders' (generator): column 'a': 'min' is 5 and 'max' is 4, expected 'min' up to 'max'"
      ),
      (
        "generator", #"{"columns":{"a":{"min":5}}}"#,
        "source 'orders' (generator): column 'a': unknown option 'min', it knows kind, start, step"
      ),
      (
        "generator", #"{"columns":{"a":{"kind":"choice"}}}"#,
        "source 'orders' (generator): column 'a': 'choice' needs the option 'values', an array of at least one value"
      ),
      (
        "generator", #"{"columns":{"a":{"kind":"choice","values":[1,"2"]}}}"#,
        "source 'orders' (generator): column 'a': option 'values' holds the string '2', expected an int64"
      ),
    ])
  func sources(_ name: String, _ options: String, _ sentence: String) throws {
    #expect(sourceMessage(name, try object(options)) == sentence)
  }

  @Test(
    "a wrong option of a sink is refused with one sentence when the plan is made",
    arguments: [
      ("csv", "{}", "sink 'out' (csv): the option 'path' is missing; give a file, or a directory that ends with '/'"),
      (
        "jsonlines", #"{"path":"x","header":true}"#,
        "sink 'out' (jsonlines): unknown option 'header', it knows path, compression, compressionLevel, rollBytes, rollInterval, partitionBy, maxOpenFiles"
      ),
      (
        "csv", #"{"path":"x","quotes":"some"}"#,
        "sink 'out' (csv): option 'quotes' is 'some', expected one of needed, text, all, none"
      ),
      (
        "csv", #"{"path":"x","quotes":"none"}"#,
        "sink 'out' (csv): without quotes the option 'escape' is missing, which text with a delimiter or a line end needs; "
          + #"give one such as '\'"#
      ),
      (
        "csv", #"{"path":"x","lineEnd":"cr"}"#, "sink 'out' (csv): option 'lineEnd' is 'cr', expected one of lf, crlf"
      ),
      ("stdout", "{}", "sink 'out' (stdout): the option 'format' is missing; give one of csv, jsonlines, arrowstream"),
      (
        "stdout", #"{"format":"jsonline"}"#,
        "sink 'out' (stdout): option 'format' is 'jsonline', expected one of csv, jsonlines, arrowstream; did you mean 'jsonlines'?"
      ),
      ("console", #"{"width":80}"#, "sink 'out' (console): unknown option 'width', it has none"),
      ("blackhole", #"{"path":"x"}"#, "sink 'out' (blackhole): unknown option 'path', it has none"),
    ])
  func sinks(_ name: String, _ options: String, _ sentence: String) throws {
    #expect(sinkMessage(name, try object(options)) == sentence)
  }

  @Test("an option that is given twice is refused")
  func twice() {
    let options = JSONValue.object([.init("path", .string("x")), .init("path", .string("y"))])
    #expect(sourceMessage("csv", options) == "source 'orders' (csv): option 'path' is given twice; give it once")
  }

  @Test("a schema without columns, or with a name twice, is refused")
  func schemas() {
    #expect(
      sourceMessage("generator", .object([]), [])
        == "source 'orders' (generator): the schema has no columns, expected at "
        + "least one")
    #expect(
      sinkMessage("console", .object([]), [fields[0], fields[0]])
        == "sink 'out' (console): the schema has column 'a' twice; "
        + "rename one")
  }

  @Test("names that are not built in make no factory")
  func otherNames() throws {
    let connector = Plan.Connector(name: "kafka")
    #expect(
      try BuiltinConnectors.source(connector, schema: fields, badRecords: .stop, uid: "x")?.label == nil)
    #expect(try BuiltinConnectors.sink(connector, schema: Schema(fields), uid: "x")?.label == nil)
    #expect(
      Set(BuiltinConnectors.names) == Set(BuiltinConnectors.sourceNames).union(BuiltinConnectors.sinkNames))
    #expect(
      try BuiltinConnectors.sink(Plan.Connector(name: "lines"), schema: Schema(fields), uid: "x")?.label == nil
    )
  }

  @Test("the parallelism that a connector allows")
  func parallelism() throws {
    let path = [JSONValue.Member("path", .string("x"))]
    #expect(try makeSource("csv", path, fields).maximumParallelism == nil)
    #expect(try makeSource("stdin", [.init("format", .string("csv"))], fields).maximumParallelism == 1)
    #expect(try makeSource("generator", [], fields).maximumParallelism == nil)
    #expect(try makeSink("csv", path, fields).maximumParallelism == 1)
    #expect(try makeSink("csv", [.init("path", .string("x/"))], fields).maximumParallelism == nil)
    #expect(try makeSink("console", [], fields).maximumParallelism == 1)
    #expect(try makeSink("stdout", [.init("format", .string("csv"))], fields).maximumParallelism == 1)
    #expect(try makeSink("blackhole", [], fields).maximumParallelism == nil)
    #expect(try makeSink("csv", path, fields).label == "csv out")
  }
}
