import Base
import Glibc
import TestSupport
import Testing

@testable import Host

@Suite struct NewPackageTests {
  @Test(
    "a package's type and library follow from its name",
    arguments: [
      ("revenue", "Revenue"), ("word-count", "WordCount"), ("word_count", "WordCount"), ("wordCount", "WordCount"),
      ("x", "X"),
      ("a-b_c9", "ABC9"), ("Tax", "Tax"), ("a--b", "AB"), ("t-", "T"),
    ])
  func names(name: String, type: String) throws { #expect(try PackageName(name).type == type) }

  @Test(
    "what cannot name a package is refused",
    arguments: ["", "9lives", "-x", "_x", "a b", "a/b", "../x", ".", "ä", "a.b", String(repeating: "a", count: 65)])
  func wrongNames(name: String) {
    #expect(
      message { _ = try PackageName(name) }
        == "'\(name)' cannot name a package: use a letter, then letters, digits, '-' or '_', "
        + "at most 64 in all, such as 'word-count'")
  }

  @Test(
    "a name whose type would hide another is refused", arguments: ["pipeline", "volley", "string", "duration", "Swift"])
  func takenNames(name: String) {
    #expect(message { _ = try PackageName(name) }.hasPrefix("'\(name)' cannot name a package, because its type '"))
  }

  @Test("the template's words are replaced in contents and paths, and nothing else")
  func template() throws {
    let file = SDKArchive.File(
      path: "Sources/__LIBRARY__/__TYPE__.swift", isExecutable: true,
      bytes: Array("__TYPE__ __NAME__ _NAME_ __NAME__NAME__ __SDK__ \u{FF}".utf8) + [0xFF, 0])
    let filled = PackageTemplate.fill(file, for: try PackageName("word-count"), sdk: "/s")
    #expect(filled.path == "Sources/\(try PackageName("word-count").library)/WordCount.swift")
    #expect(filled.bytes == Array("WordCount word-count _NAME_ word-countNAME__ /s \u{FF}".utf8) + [0xFF, 0])
    #expect(filled.isExecutable)
  }

  @Test("the host carries every file of sdk/; run deploy/embed-sdk.sh after adding or removing one")
  func archiveIsComplete() throws {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    let check = TestProcess.run(["\(root)/deploy/embed-sdk.sh", "--check"])
    #expect(check.status == 0, "\(check.output)\(check.errors)")
    let listing = TestProcess.run(
      [
        "find", ".", "-type", "f", "-not", "-path", "*/.build/*", "-not", "-name", "Package.resolved", "-not", "-path",
        "./.*",
      ], folder: "\(root)/sdk")
    let onDisk = Set(
      listing.output.split(separator: "\n").map { String($0.dropFirst(2)) }.filter {
        !$0.hasPrefix("Tests/") && !$0.hasSuffix("~")
      })
    let archive = SDKArchive.embedded
    let carried = archive.sources.map(\.path) + archive.template.map { "Template/\($0.path)" }
    #expect(Set(carried) == onDisk)
    #expect(carried.count == onDisk.count)
    for file in archive.sources {
      #expect(TestProcess.contents(of: "\(root)/sdk/\(file.path)") == file.bytes, "\(file.path)")
    }
  }

  @Test("the stamp names the SDK's version and digest")
  func stamp() throws {
    let archive = SDKArchive.embedded
    let stamp = try #require(archive.folder.first { $0.path == "VERSION" })
    #expect(String(decoding: stamp.bytes, as: UTF8.self) == "version \(archive.version)\ndigest \(archive.digest)\n")
    var changed = archive.sources
    changed[0].bytes.append(0)
    #expect(SDKArchive(changed + archive.sources.dropFirst(changed.count)).digest != archive.digest)
  }

  @Test("new writes the package and the SDK, and refuses a folder that is not empty")
  func writes() throws {
    let folder = TemporaryFolder()
    let first = HostProgram.run("new", "word-count", in: folder.path)
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.output.hasPrefix("word-count/ holds the pipeline 'WordCount' on SDK "))
    for file in SDKArchive.embedded.sources {
      #expect(folder.read("word-count/.volley-sdk/\(file.path)") == file.bytes, "\(file.path)")
    }
    #expect(TestProcess.run(["ls", "-A", folder.path]).output == "word-count\n", "nothing else is left behind")
    let second = HostProgram.run("new", "word-count", in: folder.path)
    #expect(second.status == 64)
    #expect(
      second.errors
        == "volley-host: 'word-count' is already here and not an empty folder: choose another name, or move it away\n")
  }

  @Test("new fills an empty folder, and leaves nothing where it cannot write")
  func places() {
    let folder = TemporaryFolder()
    _ = TestProcess.run(["mkdir", folder.file("empty")])
    #expect(HostProgram.run("new", "empty", in: folder.path).status == 0)
    folder.write("file", "x")
    #expect(HostProgram.run("new", "file", in: folder.path).status == 64)
    let nowhere = HostProgram.run("new", "x", in: "/proc/self")
    #expect(nowhere.status == 74)
    #expect(nowhere.errors.hasPrefix("volley-host: cannot make a folder beside x: "))
  }

  @Test("new takes one name, and an SDK that is there")
  func wrongUse() {
    #expect(
      HostProgram.run("new").errors
        == "volley-host: 'new' takes one name, found none: write 'volley-host new word-count'\n")
    #expect(
      HostProgram.run("new", "a", "b").errors
        == "volley-host: 'new' takes one name, found 'a' and 'b': write 'volley-host new word-count'\n")
    let missing = HostProgram.run("new", "a", "--sdk", "/nowhere")
    #expect(missing.status == 64)
    #expect(
      missing.errors == "volley-host: --sdk is '/nowhere', expected the folder of an SDK, which has a Package.swift\n")
  }

  @Test("sdk update puts this host's SDK in place of the old one")
  func update() throws {
    let folder = TemporaryFolder()
    #expect(HostProgram.run("new", "p", in: folder.path).status == 0)
    folder.write("p/Package.swift", "// mine\n")
    folder.write("p/.volley-sdk/VERSION", "version 0.0.1\ndigest abc\n")
    folder.write("p/.volley-sdk/Package.swift", "old\n")
    folder.write("p/.volley-sdk/gone.txt", "old\n")
    let archive = SDKArchive.embedded
    let outcome = HostProgram.run("sdk", "update", "p", in: folder.path)
    #expect(
      outcome.output
        == "p/.volley-sdk now holds SDK \(archive.version) (\(archive.digest)); before, it was 0.0.1 (abc)\n",
      "\(outcome.errors)")
    #expect(folder.read("p/.volley-sdk/gone.txt") == nil)
    #expect(folder.read("p/.volley-sdk/Package.swift") == archive.sources.first { $0.path == "Package.swift" }?.bytes)
    #expect(folder.read("p/Package.swift") == Array("// mine\n".utf8))
    let again = HostProgram.run("sdk", "update", in: folder.file("p"))
    #expect(
      again.output
        == "./.volley-sdk held SDK \(archive.version) (\(archive.digest)) already; its files are written afresh\n")
    #expect(TestProcess.run(["sh", "-c", "ls -A \(folder.path)"]).output == "p\n")
  }

  @Test("sdk update refuses what is no package, or has no SDK of its own")
  func updateRefusals() {
    let folder = TemporaryFolder()
    let none = HostProgram.run("sdk", "update", in: folder.path)
    #expect(none.status == 66)
    #expect(
      none.errors
        == "volley-host: there is no package in '.', whose Package.swift is missing: name the package's folder\n")
    folder.write("Package.swift", "")
    let other = HostProgram.run("sdk", "update", in: folder.path)
    #expect(other.status == 66)
    #expect(
      other.errors
        == "volley-host: '.' has no .volley-sdk to update: it depends on an SDK elsewhere, named in its Package.swift\n"
    )
    for words in [[], ["upgrade"], ["update", "a", "b"]] {
      let outcome = TestProcess.run([HostProgram.path, "sdk"] + words)
      #expect(outcome.status == 64)
      #expect(outcome.errors.contains("expected 'update' and the package's folder if it is not this one"))
    }
  }
}
