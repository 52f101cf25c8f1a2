import CVolley
import TestSupport
import Testing

/// Tests/abi/volley.abi lists all that the header promises. What a released version promised stays.
struct SlotListTests {
  private let folder = TemporaryFolder()
  private let minor = Int(VOLLEY_ABI_MINOR)
  private static let header = "\(PluginSource.root)/sdk/Sources/CVolley/include/volley.h"

  /// Checks a changed header against the committed list.
  private func check(_ change: (inout String) -> Void = { _ in }) throws -> TestProcess.Outcome {
    var text = String(decoding: try #require(TestProcess.contents(of: Self.header)), as: UTF8.self)
    let before = text
    change(&text)
    // The header's own assertions would speak first.
    if text != before {
      text = text.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("VOLLEY_ASSERT(") }
        .joined(separator: "\n")
    }
    let path = folder.write("volley.h", text)
    let outcome = TestProcess.run(
      ["python3", "\(PluginSource.root)/Tests/abi/generate.py", "--check", "--header", path])
    #expect(text == before || outcome.status == 1)
    return outcome
  }

  @Test("the list is what the header says")
  func upToDate() throws {
    let outcome = try check()
    #expect(outcome.output == "")
    #expect(outcome.errors == "")
    #expect(outcome.status == 0)
  }

  @Test("the museum's header of the newest released minor is today's, but for what came since")
  func museum() throws {
    let outcome = TestProcess.run(
      [
        "python3", "\(PluginSource.root)/Tests/abi/generate.py", "--check", "--header",
        "\(PluginSource.root)/Tests/Museum/abi-\(PluginSource.museumVersions.last ?? "")/volley.h",
      ])
    #expect(outcome.output == "")
    #expect(outcome.status == 0)
  }

  @Test("what the museum's older headers promise is listed under their versions, and today's header holds it")
  func olderMuseum() throws {
    let list = String(
      decoding: try #require(TestProcess.contents(of: "\(PluginSource.root)/Tests/abi/volley.abi")), as: UTF8.self)
    let older = folder.path + "/older.abi"
    let outcome = TestProcess.run(
      [
        "python3", "\(PluginSource.root)/Tests/abi/generate.py", "--list", older, "--header",
        "\(PluginSource.root)/Tests/Museum/abi-0.1/volley.h",
      ])
    #expect(outcome.status == 0, "\(outcome.output)")
    let promised = String(decoding: try #require(TestProcess.contents(of: older)), as: UTF8.self)
      .split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(promised.count > 100)
    let today = Set(list.split(separator: "\n"))
    for line in promised where !line.contains(" VOLLEY_ABI_") && !line.contains(" struct ") {
      #expect(today.contains(line))
    }
  }

  @Test("a slot that is retyped, moved, removed or renamed is found, with its line")
  func changedSlots() throws {
    let emit = "offset 8 size 8 int32_t (*)(const volley_host *, uint32_t, struct ArrowArray *, volley_error *)"
    #expect(
      try check {
        $0.replace(
          "(*emit)(const volley_host *host, uint32_t output", with: "(*emit)(const volley_host *host, uint64_t output")
      }
      .output
        == "version 0.1 promised 'slot volley_emit.emit \(emit)', found 'slot volley_emit.emit "
        + "\(emit.replacing("uint32_t", with: "uint64_t"))'; change it back and add what is new at the end\n")
    #expect(
      try check {
        $0.replace(
          "  const char *name;\n  const char *version;\n", with: "  const char *version;\n  const char *name;\n")
      }
      .output.contains(
        "version 0.1 promised 'slot volley_plugin.name offset 8 size 8 const char *', found 'slot volley_plugin.name offset 16 "
      ))
    #expect(
      try check { $0.replace("void (*stop)(void *self);", with: "void (*halt)(void *self);") }
        .output.contains(
          "version 0.1 promised 'slot volley_source.stop offset 40 size 8 void (*)(void *)', which is gone; put it back"
        ))
  }

  @Test("the header's own assertions refuse a slot that moved, before anybody runs the list")
  func assertions() throws {
    let text = String(decoding: try #require(TestProcess.contents(of: Self.header)), as: UTF8.self)
    let moved = text.replacing("  uint32_t kinds;\n", with: "  uint64_t weight;\n  uint32_t kinds;\n")
    try #require(moved != text)
    folder.write("volley.h", moved)
    let outcome = TestProcess.run(
      ["cc", "-fsyntax-only", "-x", "c", "-I", folder.path, "-"], input: "#include \"volley.h\"\n")
    #expect(outcome.status != 0)
    #expect(outcome.errors.contains("slots keep their place"))
  }

  @Test("a constant that changes is found")
  func changedConstant() throws {
    #expect(
      try check { $0.replace("#define VOLLEY_READ_IDLE 2u", with: "#define VOLLEY_READ_IDLE 4u") }.output
        == "version 0.1 promised 'constant VOLLEY_READ_IDLE 2', found 'constant VOLLEY_READ_IDLE 4'; change it back and add what is "
        + "new at the end\n")
  }

  @Test("what is added to a released version needs a new minor, and its place is the end")
  func additions() throws {
    let end = "uint64_t all_length,\n                     volley_error *error);\n"
    let more = "\(end)  int32_t (*abort)(void *self, volley_error *error);\n"
    let line = "'slot volley_sink.abort offset 80 size 8 int32_t (*)(void *, volley_error *)'"
    #expect(
      try check { $0.replace(end, with: more) }.output
        == (PluginSource.museumVersions.contains("\(VOLLEY_ABI_MAJOR).\(minor)")
          ? "\(line) is new in version \(VOLLEY_ABI_MAJOR).\(minor), which is released; raise VOLLEY_ABI_MINOR\n"
          : "the list is not up to date; run Tests/abi/generate.py and commit it\n"))
    // With a new minor only the list is behind.
    #expect(
      try check {
        $0.replace(end, with: more)
        $0.replace("#define VOLLEY_ABI_MINOR \(minor)", with: "#define VOLLEY_ABI_MINOR \(minor + 1)")
      }.output == "the list is not up to date; run Tests/abi/generate.py and commit it\n")
    // In the middle it moves others, and is named itself.
    #expect(
      try check {
        $0.replace(
          "  const volley_parameter *(*option)", with: "  uint64_t weight;\n  const volley_parameter *(*option)")
        $0.replace("#define VOLLEY_ABI_MINOR \(minor)", with: "#define VOLLEY_ABI_MINOR \(minor + 1)")
      }.output.contains(
        "'slot volley_connector.weight offset 40 size 8 uint64_t' is new and not at the end of volley_connector; append it"
      ))
  }

  @Test("an incompatible change is found under a higher minor and under another major too")
  func incompatibleChange() throws {
    for (version, other) in [
      ("VOLLEY_ABI_MINOR \(minor)", "VOLLEY_ABI_MINOR \(minor + 1)"), ("VOLLEY_ABI_MAJOR 1", "VOLLEY_ABI_MAJOR 2"),
    ] {
      #expect(
        try check {
          $0.replace("#define VOLLEY_READ_IDLE 2u", with: "#define VOLLEY_READ_IDLE 4u")
          $0.replace("#define \(version)\n", with: "#define \(other)\n")
        }.output.contains("version 0.1 promised 'constant VOLLEY_READ_IDLE 2', found 'constant VOLLEY_READ_IDLE 4'"))
    }
  }
}

extension String {
  /// Replaces `text` wherever it stands; it stands somewhere.
  fileprivate mutating func replace(_ text: String, with other: String) {
    precondition(contains(text), "the header holds '\(text)'")
    self = replacing(text, with: other)
  }
}
