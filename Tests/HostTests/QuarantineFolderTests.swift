import Base
import Glibc
import TestSupport
import Testing
import VolleyPlan

@testable import Host

/// What the verb 'quarantine' reads and asks for.
@Suite struct QuarantineFolderTests {
  private func line(_ record: String, epoch: String = "7") -> String {
    #"{"record":\#(record),"error":"e","uid":"map-1","function":"f","plugin":"p","version":"1","sha256":null,"#
      + #""epoch":\#(epoch),"input":0}"# + "\n"
  }

  private func write(_ text: String, _ path: String) {
    let file = fopen(path, "w")
    fputs(text, file)
    fclose(file)
  }

  private func folder(_ files: [(String, String)]) -> (TemporaryFolder, QuarantineFolder) {
    let folder = TemporaryFolder()
    mkdir(folder.file("map-1"), 0o777)
    for (name, text) in files { write(text, folder.file("map-1/\(name)")) }
    return (folder, QuarantineFolder(path: folder.path))
  }

  @Test("records keep their bytes, and are in the order of their files' numbers; hidden files are none")
  func records() throws {
    let odd = #"{"a":12345678901234567890123,"t":"}\"{\\","l":[{"x":[]}]}"#
    let (folder, quarantine) = folder([
      ("part-0.10.jsonl", line("{}")), ("part-0.9.jsonl", line(odd) + line(#"{"a":null}"#, epoch: "null")),
      (".part-0.11.jsonl.volley-epoch", "no line"), ("other.txt", "no line"),
    ])
    #expect(try quarantine.uids() == ["map-1"])
    let records = try quarantine.records(of: "map-1")
    #expect(records.map(\.id) == ["map-1/part-0.9.jsonl:1", "map-1/part-0.9.jsonl:2", "map-1/part-0.10.jsonl:1"])
    #expect(records.map { String(decoding: $0.record, as: UTF8.self) } == [odd, #"{"a":null}"#, "{}"])
    #expect(records.map(\.epoch) == [7, nil, 7])
    write(#"{"a":1}"#, folder.file("map-1/part-0.12.jsonl"))
    let failure = #expect(throws: Failure.self) { try quarantine.records(of: "map-1") }
    #expect(
      failure?.message
        == "quarantine \(folder.path): map-1/part-0.12.jsonl:1 is no record that a host has set aside; remove the file, or put it "
        + "back as it was")
  }

  @Test("a request has the records as they stand, and is there when it is whole")
  func requests() throws {
    let (folder, quarantine) = folder([
      ("part-0.0.jsonl", line(#"{"a":1.50}"#) + line(#"{"a":2}"#, epoch: "9") + line(#"{"a":3}"#))
    ])
    let records = try quarantine.records(of: "map-1")
    #expect(try quarantine.requests.all().isEmpty)
    do {
      let lock = try quarantine.requests.lock()
      defer { withExtendedLifetime(lock) {} }
      try quarantine.requests.ask(for: [records[0], records[1]])
    }
    // One that was cut off before it was whole.
    write(#"{"id":"map-1/part-0.0.jsonl:3","epoch":9}"# + "\n", folder.file("_feed/map-1/2.ids"))
    let first = try quarantine.requests.all()
    #expect(first.map(\.ids) == [["map-1/part-0.0.jsonl:1", "map-1/part-0.0.jsonl:2"]])
    #expect(first.map(\.epoch) == [9] && first[0].done == nil)
    #expect(
      TestProcess.run(["cat", first[0].path], folder: folder.path).output == #"{"a":1.50}"# + "\n" + #"{"a":2}"# + "\n")
    try quarantine.requests.ask(for: [records[2]])
    #expect(try quarantine.requests.all().map(\.number) == [1, 3])
    #expect(try quarantine.uids() == ["map-1"])
  }
}
