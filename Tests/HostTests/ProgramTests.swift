import TestSupport
import Testing

@testable import Host

@Suite struct ProgramTests {
  @Test("version names host, ABI, plan, SDK and compiler")
  func version() {
    let outcome = HostProgram.run("version")
    #expect(outcome.status == 0)
    let names = outcome.output.split(separator: "\n").map { $0.split(separator: " ").first.map(String.init) ?? "" }
    #expect(names == ["volley-host", "plugin", "plan", "SDK", "compiler"])
    #expect(outcome.output == VersionCommand.text)
    #expect(HostProgram.run("--version").output == outcome.output)
    #expect(HostProgram.run("version", "x").status == 64)
  }

  @Test(
    "what cannot be written to standard output is a failure",
    arguments: ["version", "help", "help run", "bench --case filter-project --rows 1000 --repeat 1 --json"])
  func fullDisk(words: String) {
    let outcome = TestProcess.run(["sh", "-c", "exec \"$0\" \(words) >/dev/full", HostProgram.path])
    #expect(outcome.status == 74)
    #expect(
      outcome.errors
        == "volley-host: standard output cannot be written: No space left on device; free space there or send it somewhere "
        + "else\n")
  }

  @Test("a plugin without what its flag asks for is refused", arguments: ["codec", "connector"])
  func emptyPlugins(flag: String) {
    let plugin = PeerPipeline.plugin
    for verb in ["run", "inspect"] {
      let outcome = HostProgram.run(verb, "--plugin", plugin, "--\(flag)", plugin)
      #expect(outcome.status == 64)
      #expect(
        outcome.errors.contains(
          "plugin 'peer' (\(plugin)) brings no \(flag), only pipelines; give --\(flag) a plugin that does"))
    }
  }

  @Test("the tests' own programs leave no file behind, however they end")
  func namelessFiles() {
    for number in 0...2 {
      #expect(TestProcess.run(["readlink", "/proc/self/fd/\(number)"]).output.hasSuffix(" (deleted)\n"))
    }
  }

  @Test("help goes to standard output and exits with 0")
  func help() {
    for arguments in [["help"], ["--help"], ["-h"]] {
      let outcome = TestProcess.run([HostProgram.path] + arguments)
      #expect(outcome.status == 0)
      #expect(outcome.output == HelpText.overview())
      #expect(outcome.errors == "")
    }
    for verb in Verb.allCases {
      #expect(HostProgram.run("help", verb.rawValue).output == HelpText.text(for: verb))
      #expect(HostProgram.run(verb.rawValue, "--help").output == HelpText.text(for: verb))
    }
    #expect(HostProgram.run("help", "rum").status == 64)
  }

  @Test("a wrong command line ends with 64 and one sentence")
  func usage() {
    for (arguments, sentence) in [
      (
        [],
        "--plugin is missing: name the plugin to run, as in 'volley-host run --plugin libmypipe.so', or set VOLLEY_PLUGIN; 'volley-host help' lists everything"
      ),
      (["rum"], "'rum' is no verb; did you mean 'run'?"),
      (["--plugin"], "--plugin has no value: write --plugin PATH, with the path of a plugin, lib….so"),
      (["inspect", "--plugin", "x", "--formt", "dot"], "'inspect' has no flag '--formt'; did you mean '--format'?"),
    ] {
      let outcome = TestProcess.run([HostProgram.path] + arguments)
      #expect(outcome.status == 64)
      #expect(outcome.output == "")
      #expect(outcome.errors == "volley-host: \(sentence)\n")
    }
  }

  @Test("a worker without its supervisor does nothing")
  func orphan() {
    let outcome = HostProgram.run("worker-of", "1", "9", "-1", "0", "run", "--plugin", "x")
    #expect(outcome.status == 70)
    #expect(outcome.output == "")
  }
}
