import Base
import CVolley
import PluginLoading
import TestSupport
import Testing

/// What is refused before the plugin runs, or when its tables are read. Each message is part of the contract with the user.
struct LoadingTests {
  private func refusal(_ path: String) -> Failure? {
    do throws(Failure) {
      _ = try Plugin.load(path: path)
      return nil
    } catch {
      return error
    }
  }

  private func expectRefusal(
    _ path: String, _ message: String, _ kind: Failure.Kind = .plugin, location: SourceLocation = #_sourceLocation
  ) {
    let failure = refusal(path)
    #expect(failure?.message == message, sourceLocation: location)
    #expect(failure?.kind == kind, sourceLocation: location)
  }

  private let remedy = "build a plugin with 'swift build' or ./build.sh in a package made by 'volley-host new'"

  // MARK: Files

  @Test("a sound plugin loads, and says what it offers")
  func sound() throws {
    let plugin = try Plugin.load(path: PluginSource.museum.compiled())
    #expect(plugin.name == "museum-0.1")
    #expect(plugin.version == "1.0.0")
    #expect(plugin.note.builtWith == "SDK 0.1.0, a C compiler")
    #expect(plugin.pipelines.map(\.name) == ["museum"])
    #expect(plugin.pipelines[0].parameters.map(\.name) == ["rows", "rate", "out"])
    #expect(plugin.pipelines[0].parameters.map(\.kind) == [.int, .double, .string])
    #expect(plugin.connectors.map(\.name) == ["counter", "ticks"])
    #expect(plugin.connectors.map(\.isSource) == [false, true])
    // Its root has no slot for codecs.
    #expect(plugin.codecs.isEmpty)
  }

  @Test("the same path, and a link to it, give one plugin")
  func samePath() throws {
    let path = try PluginSource.museum.compiled()
    let folder = TemporaryFolder()
    #expect(TestProcess.run(["ln", "-s", path, folder.file("link.so")]).status == 0)
    let plugin = try Plugin.load(path: path)
    #expect(try Plugin.load(path: path) === plugin)
    #expect(try Plugin.load(path: folder.file("link.so")) === plugin)
  }

  @Test("a file that is not there is a missing input")
  func missing() {
    expectRefusal("/nowhere/x.so", "there is no plugin '/nowhere/x.so'; check the path", .noInput)
  }

  @Test("what is no shared object is called by its name")
  func strangers() throws {
    let folder = TemporaryFolder()
    let cases: [(String, [UInt8], String)] = [
      ("empty.so", [], "an empty file"),
      ("notes.txt", Array("Buy milk.\nAnd søap.\n".utf8), "a text file"),
      ("run.sh", Array("#!/bin/sh\n".utf8), "a script"),
      ("lib.a", Array("!<arch>\nfoo".utf8), "a static library"),
      ("lib.dylib", [0xcf, 0xfa, 0xed, 0xfe, 7, 0, 0, 1], "a macOS library"),
      ("lib.dll", Array("MZ\u{90}\0".utf8), "a Windows library"),
      ("x.wasm", [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], "a WebAssembly module"),
      ("noise", [1, 2, 3, 0xff, 0xfe], "a binary file of an unknown kind"),
      ("cut.so", [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], "an ELF file that ends in its header"),
    ]
    for (name, bytes, kind) in cases {
      let path = folder.write(name, bytes)
      expectRefusal(path, "'\(path)' is not a plugin: it is \(kind), not an ELF shared object; \(remedy)")
    }
    expectRefusal(folder.path, "'\(folder.path)' is not a plugin: it is a folder; name the plugin's .so file")
  }

  @Test("object files and executables are not plugins")
  func otherTypes() throws {
    let folder = TemporaryFolder()
    let source = folder.write("x.c", "int main(void) { return 0; }\n")
    #expect(TestProcess.run(["cc", "-c", source, "-o", folder.file("x.o")]).status == 0)
    #expect(TestProcess.run(["cc", "-no-pie", source, "-o", folder.file("x")]).status == 0)
    expectRefusal(
      folder.file("x.o"),
      "'\(folder.file("x.o"))' is not a plugin: it is an object file, not an ELF shared object; \(remedy)")
    expectRefusal(
      folder.file("x"),
      "'\(folder.file("x"))' is not a plugin: it is an executable, not an ELF shared object; \(remedy)")
  }

  @Test("a plugin for another machine is refused, with both machines' names")
  func otherMachine() throws {
    let folder = TemporaryFolder()
    let bytes = try #require(TestProcess.contents(of: try PluginSource.museum.compiled()))
    #if arch(x86_64)
      let (this, other, number) = ("x86_64", "aarch64", UInt8(183))
    #else
      let (this, other, number) = ("aarch64", "x86_64", UInt8(62))
    #endif
    var foreign = bytes
    foreign[18] = number
    let path = folder.write("foreign.so", foreign)
    expectRefusal(path, "plugin '\(path)' is built for \(other), this machine is \(this); build it on \(this)")
    var narrow = bytes
    narrow[4] = 1
    let narrowPath = folder.write("narrow.so", narrow)
    expectRefusal(
      narrowPath, "plugin '\(narrowPath)' is built for a 32-bit machine, this one is \(this); build it on \(this)")
    var turned = bytes
    turned[5] = 2
    let turnedPath = folder.write("turned.so", turned)
    expectRefusal(
      turnedPath, "plugin '\(turnedPath)' is built for a big-endian machine, this one is \(this); build it on \(this)")
  }

  @Test("a cut file is damaged, and the message says what lies outside")
  func cut() throws {
    let bytes = try #require(TestProcess.contents(of: try PluginSource.museum.compiled()))
    let folder = TemporaryFolder()
    let path = folder.write("half.so", bytes.prefix(bytes.count / 2))
    expectRefusal(
      path,
      "'\(path)' is not a plugin: it is a damaged ELF file, its section header table lies outside the file; build or copy it again"
    )
  }

  // MARK: Notes

  @Test("a shared object without the note is no plugin")
  func noNote() throws {
    let path = try PluginSource.broken(flags: ["-DBREAK_NO_NOTE"]).compiled()
    expectRefusal(
      path,
      "'\(path)' is not a plugin: it is a shared object without the note '.note.volley'; link the Volley SDK, or write "
        + "VOLLEY_DEFINE_NOTE once in a plugin in C")
  }

  @Test("a note is found without section headers")
  func stripped() throws {
    let folder = TemporaryFolder()
    let path = folder.file("stripped.so")
    let outcome = TestProcess.run(
      ["objcopy", "--strip-section-headers", try PluginSource.museum.compiled(), path])
    if outcome.status != 0 {
      // Older binutils cannot; the header's fields say the same.
      var bytes = try #require(TestProcess.contents(of: try PluginSource.museum.compiled()))
      for index in Array(40..<48) + Array(60..<64) { bytes[index] = 0 }
      folder.write("stripped.so", bytes)
    }
    #expect(try Plugin.load(path: path).name == "museum-0.1")
  }

  @Test("a note with another magic is refused")
  func wrongMagic() throws {
    let path = try PluginSource.broken(flags: ["-DNOTE_MAGIC=0x1badu"]).compiled()
    expectRefusal(
      path,
      "plugin '\(path)' has a note '.note.volley' with the magic 0x1bad, expected 0x594c4c56; build it again with the Volley SDK"
    )
  }

  @Test("notes that differ are refused")
  func twoNotes() throws {
    let path = try PluginSource.broken(flags: ["-DBREAK_TWO_NOTES"]).compiled()
    expectRefusal(path, "plugin '\(path)' has 2 notes '.note.volley' that differ; link one SDK, once")
  }

  @Test("a newer major is refused, with both versions and what the plugin was built with")
  func newerMajor() throws {
    let path = try PluginSource.broken(flags: ["-DNOTE_MAJOR=2", "-DNOTE_MINOR=4"]).compiled()
    expectRefusal(
      path,
      "plugin '\(path)' was built for plugin ABI 2.4 (SDK 0.9.0, a C compiler), this host runs 1.\(VOLLEY_ABI_MINOR); use a newer volley-host, or "
        + "build it again with this host's SDK ('volley-host sdk update')")
  }

  @Test("a minor of major 0 that this host runs no more is refused, and one that never was")
  func otherMinors() throws {
    let oldest = try PluginSource.broken(flags: ["-DNOTE_MAJOR=0", "-DNOTE_MINOR=0", "-DNOTE_HOST_MINOR=0"]).compiled()
    expectRefusal(
      oldest,
      "plugin '\(oldest)' was built for plugin ABI 0.0 (SDK 0.9.0, a C compiler), this host runs 0.1 to 1.\(VOLLEY_ABI_MINOR); use an older "
        + "volley-host, or build it again with this host's SDK ('volley-host sdk update')")
    let unknown = try PluginSource.broken(flags: ["-DNOTE_MAJOR=0", "-DNOTE_MINOR=6", "-DNOTE_HOST_MINOR=6"]).compiled()
    expectRefusal(
      unknown,
      "plugin '\(unknown)' was built for plugin ABI 0.6 (SDK 0.9.0, a C compiler) and needs a host of 0.6 or newer, this host "
        + "runs 1.\(VOLLEY_ABI_MINOR); use a newer volley-host, or build it again with this host's SDK ('volley-host sdk update')"
    )
  }

  @Test("a plugin that needs a newer minor is refused, one that only knows it runs")
  func newerMinor() throws {
    let next = VOLLEY_ABI_MINOR + 1
    let needs = try PluginSource.broken(flags: ["-DNOTE_MINOR=17", "-DNOTE_HOST_MINOR=\(next)"]).compiled()
    expectRefusal(
      needs,
      "plugin '\(needs)' was built for plugin ABI 1.17 (SDK 0.9.0, a C compiler) and needs a host of 1.\(next) or newer, this host "
        + "runs 1.\(VOLLEY_ABI_MINOR); use a newer volley-host, or build it again with this host's SDK ('volley-host sdk update')"
    )
    let knows = try PluginSource.broken(flags: ["-DNOTE_MINOR=17", "-DNOTE_HOST_MINOR=0"]).compiled()
    #expect(try Plugin.load(path: knows).note.abiMinor == 17)
  }

  @Test("a plugin without the symbol is refused")
  func noSymbol() throws {
    let path = try PluginSource.broken(flags: ["-DBREAK_NO_SYMBOL"]).compiled()
    expectRefusal(
      path,
      "plugin '\(path)' exports no function 'volley_plugin_root', where a host begins; export it with "
        + "@c(volley_plugin_root) in Swift, or as a function with default visibility in C")
  }

  @Test("the symbol is found through either kind of hash table", arguments: ["sysv", "gnu", "both"])
  func hashTables(style: String) throws {
    let path = try PluginSource.broken(flags: ["-Wl,--hash-style=\(style)"]).compiled()
    #expect(try Plugin.load(path: path).name == "broken")
  }

  // MARK: Tables

  @Test(
    "tables that are not what they should be are refused when they are read",
    arguments: [
      ("null root", "PATH returned NULL from 'volley_plugin_root'; return its root table"),
      (
        "short table",
        "PATH: table volley_plugin is 12 bytes, the slot 'name' needs 16; initialise its header with VOLLEY_HEADER(volley_plugin)"
      ),
      (
        "shorter table",
        "PATH: table volley_plugin is 36 bytes, the slot 'pipeline' needs 40; initialise its header with VOLLEY_HEADER(volley_plugin)"
      ),
      (
        "no header",
        "PATH: table volley_plugin is 4 bytes, its header alone needs 8; initialise its header with VOLLEY_HEADER(volley_plugin)"
      ),
      ("null slot", "PATH: table volley_plugin has NULL in the slot 'pipeline', which must be there; fill it in"),
      (
        "table major",
        "PATH: table volley_plugin says ABI 2.0, expected major 1; initialise its header with VOLLEY_HEADER(volley_plugin)"
      ),
      ("name not utf8", "PATH: 'name' of table volley_plugin is not UTF-8; encode it so"),
      ("no name", "PATH: 'name' of table volley_plugin is empty or holds control characters; give it a plain name"),
      ("long name", "PATH: 'name' of table volley_plugin is longer than 127 bytes; shorten it"),
      ("nothing offered", "plugin 'broken' offers no pipeline, no connector and no codec; export at least one"),
      (
        "endless pipelines",
        "plugin 'broken' gives more than 1024 entries from 'pipeline'; return NULL past the last one"
      ),
      (
        "endless parameters",
        "plugin 'broken' gives more than 1024 entries from 'parameter'; return NULL past the last one"
      ),
      ("same pipelines", "plugin 'broken' offers two pipelines named 'broken'; rename one"),
      ("same parameters", "plugin 'broken': pipeline 'broken' declares 'size' twice; rename one"),
      (
        "parameter type",
        "plugin 'broken': pipeline 'broken': parameter 'size' has the unknown type 'matrix'; this host knows string, int, double, bool, duration"
      ),
      (
        "parameter default type",
        "plugin 'broken': pipeline 'broken': the default of parameter 'size' is \"three\", expected an integer"
      ),
      (
        "null plan slot",
        "plugin 'broken': pipeline 'broken': table volley_pipeline has NULL in the slot 'plan', which must be there; fill it in"
      ),
      (
        "connector kinds",
        "plugin 'broken': connector 'kindless' is neither a source nor a sink; set 'kinds' of its table"
      ),
      ("same codecs", "plugin 'broken' offers two codecs named 'chunk'; rename one"),
      ("endless codecs", "plugin 'broken' gives more than 1024 entries from 'codec'; return NULL past the last one"),
      (
        "codec magic",
        "plugin 'broken': codec 'chunk' has a magic of 17 bytes, expected at most 16 bytes; set 'magic' and 'magic_length' of its table"
      ),
      (
        "codec null magic",
        "plugin 'broken': codec 'chunk' has a magic of 4 bytes at NULL, expected at most 16 bytes; set 'magic' and 'magic_length' of its table"
      ),
      (
        "codec suffix",
        "plugin 'broken': codec 'chunk' has the suffix 'chunk', expected the end of a file's name such as '.gz'; correct it"
      ),
      (
        "short codec",
        "plugin 'broken': codec 'chunk': table volley_codec is 56 bytes, the slot 'option' needs 64; initialise its header with VOLLEY_HEADER(volley_codec)"
      ),
      (
        "null codec create",
        "plugin 'broken': codec 'chunk': table volley_codec has NULL in the slot 'create', which must be there; fill it in"
      ),
      (
        "codec major",
        "plugin 'broken': table volley_codec says ABI 9.3, expected major 1; initialise its header with VOLLEY_HEADER(volley_codec)"
      ),
    ])
  func tables(fault: String, message: String) throws {
    let path = try PluginSource.broken(fault).compiled()
    expectRefusal(path, message.replacing("PATH", with: "plugin '\(path)'"))
  }

  @Test("a default that is no JSON is refused, with the place")
  func parameterDefault() throws {
    let failure = refusal(try PluginSource.broken("parameter default").compiled())
    let lead = "plugin 'broken': pipeline 'broken': the default of parameter 'size' is not JSON: "
    #expect(failure?.message.hasPrefix(lead) == true, "\(failure?.message ?? "nothing")")
  }

  @Test("a missing symbol is named when the plugin is loaded")
  func undefined() throws {
    let path = try PluginSource.broken(flags: ["-DBREAK_UNDEFINED"]).compiled()
    expectRefusal(
      path,
      "plugin '\(path)' could not be loaded: \(path): undefined symbol: nowhere_to_be_found; link it with '-z defs' to find what "
        + "is missing")
  }
}
