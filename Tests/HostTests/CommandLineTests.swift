import Base
import Testing

@testable import Host

@Suite struct CommandLineTests {
  private func options(_ arguments: String..., environment: [String: String] = [:]) throws -> RunOptions {
    try RunOptions(["--plugin", "p.so"] + arguments, environment: environment)
  }

  @Test("flags that nobody gives have their defaults")
  func defaults() throws {
    let options = try options()
    #expect(options.pipeline.plugin == "p.so")
    #expect(options.pipeline.pipeline == nil)
    #expect(options.pipeline.connectors == [])
    #expect(options.pipeline.parameters == [])
    #expect(options.threads == nil)
    #expect(options.parallelism == nil)
    #expect(options.batchRows == 65536)
    #expect(options.batchDelay == .milliseconds(10))
    #expect(options.memoryLimit == .percent(80))
    #expect(options.report == .text)
    #expect(options.logFormat == .auto)
    #expect(options.health == HealthOptions(port: 8080, isGiven: false))
  }

  @Test("a port for health that the user named is one that has to be had")
  func healthPort() throws {
    #expect(try options("--health-port", "9000").health == HealthOptions(port: 9000, isGiven: true))
    #expect(try options("--health-port=0").health == HealthOptions(port: 0, isGiven: true))
    let named = ["VOLLEY_HEALTH_PORT": "8080"]
    #expect(try options(environment: named).health == HealthOptions(port: 8080, isGiven: true))
    #expect(try options("--health-port", "7", environment: named).health.port == 7)
  }

  @Test("a flag wins over its variable, and the variable over the default")
  func precedence() throws {
    let environment = ["VOLLEY_BATCH_ROWS": "7", "VOLLEY_THREADS": "3", "VOLLEY_PLUGIN": "other.so"]
    let options = try options("--batch-rows", "9", environment: environment)
    #expect(options.batchRows == 9)
    #expect(options.threads == 3)
    #expect(options.pipeline.plugin == "p.so")
    #expect(try RunOptions([], environment: environment).pipeline.plugin == "other.so")
    #expect(try self.options(environment: ["VOLLEY_BATCH_ROWS": ""]).batchRows == 65536, "an empty variable is none")
  }

  @Test("values stand behind the flag or behind an equals sign")
  func spellings() throws {
    let options = try options(
      "--batch-delay=1.5s", "--set", "a=b=c", "--set=d=", "--connector=x.so", "--connector", "y.so")
    #expect(options.batchDelay == .milliseconds(1500))
    #expect(options.pipeline.parameters == [Assignment(name: "a", value: "b=c"), Assignment(name: "d", value: "")])
    #expect(options.pipeline.connectors == ["x.so", "y.so"])
  }

  @Test("a parameter comes from --set, else from VOLLEY_SET_name")
  func parameters() throws {
    let environment = ["VOLLEY_SET_a": "1", "VOLLEY_SET_b": "2", "VOLLEY_SET_": "3"]
    let options = try options("--set", "b=9", environment: environment)
    #expect(options.pipeline.parameters == [Assignment(name: "b", value: "9"), Assignment(name: "a", value: "1")])
  }

  @Test("a variable of a repeatable flag holds several values")
  func listVariable() throws {
    #expect(try options(environment: ["VOLLEY_CONNECTOR": "a.so:b.so"]).pipeline.connectors == ["a.so", "b.so"])
  }

  @Test("the report is JSON when the log is, unless told otherwise")
  func reportFormat() throws {
    #expect(try options("--log-format", "json").report == .json)
    #expect(try options("--log-format", "json", "--report", "none").report == .none)
  }

  @Test(
    "a wrong command line is refused with one sentence",
    arguments: [
      (["--batchrows", "5"], "'run' has no flag '--batchrows'; did you mean '--batch-rows'?"),
      (["--pluginn=x"], "'run' has no flag '--pluginn'; did you mean '--plugin'?"),
      (["--quux"], "'run' has no flag '--quux': 'volley-host help run' lists those that it has"),
      (["-x"], "'run' has no flag '-x': 'volley-host help run' lists those that it has"),
      (["--batch-rows"], "--batch-rows has no value: write --batch-rows N, with a whole number from 1 to 1048576"),
      (["--batch-rows", "0"], "--batch-rows is '0', expected a whole number from 1 to 1048576"),
      (["--batch-rows", "1048577"], "--batch-rows is '1048577', expected a whole number from 1 to 1048576"),
      (["--batch-rows", "1e3"], "--batch-rows is '1e3', expected a whole number from 1 to 1048576"),
      (["--threads", "-1"], "--threads is '-1', expected a whole number from 1 to 1024"),
      (
        ["--parallelism", "257"],
        "--parallelism is '257', expected a whole number from 1 to 256, which is the number of key groups"
      ),
      (["--threads", ""], "--threads is '', expected a whole number from 1 to 1024"),
      (
        ["--batch-delay", "10"],
        "--batch-delay is '10', expected a duration with its unit, at most 1m, such as '10ms' or '1.5s'"
      ),
      (
        ["--batch-delay", "61s"],
        "--batch-delay is '61s', expected a duration with its unit, at most 1m, such as '10ms' or '1.5s'"
      ),
      (
        ["--memory-limit", "2G"],
        "--memory-limit is '2G', expected a size of at least 64MiB with its unit such as '2GiB', or a share from '1%' to '100%'"
      ),
      (["--set", "name"], "--set is 'name', expected a parameter and its value, as 'name=value'"),
      (["--set", "=x"], "--set is '=x', expected a parameter and its value, as 'name=value'"),
      (["--set", "a=1", "--set", "a=2"], "--set gives 'a' twice: '1' and '2'; leave one out"),
      (["--threads", "1", "--threads", "2"], "--threads is given twice: '1' and '2'; leave one out"),
      (["--report", "xml"], "--report is 'xml', expected 'text', 'json' or 'none'"),
      (["--health-port", "65536"], "--health-port is '65536', expected a whole number from 1 to 65535, or 0 for none"),
      (["--health-port", "+1"], "--health-port is '+1', expected a whole number from 1 to 65535, or 0 for none"),
      (["--log-format", "text"], "--log-format is 'text', expected 'auto' or 'json'"),
      (["--test-source", "x"], "--test-source is 'x', expected a source's uid and a JSON-lines file, as 'uid=path'"),
      (["--test-sink", "u=a", "--test-sink", "u=b"], "--test-sink gives 'u' twice: 'a' and 'b'; leave one out"),
      (
        ["--test-clock", "0s"], "--test-clock is '0s', expected a duration with its unit, at least 1us, such as '1s'"
      ),
      (["extra"], "unexpected 'extra' after 'run': 'run' takes flags only"),
      (["other.so"], "unexpected 'other.so' after 'run': write --plugin other.so"),
    ])
  func refusals(arguments: [String], expected: String) {
    let refused = failure(of: { () throws(Failure) in
      _ = try RunOptions(["--plugin", "p.so"] + arguments, environment: [:])
    })
    #expect(refused?.message == expected)
    #expect(refused?.kind == .usage)
  }

  @Test("a wrong variable is named")
  func wrongVariable() {
    #expect(
      message { _ = try options(environment: ["VOLLEY_THREADS": "many"]) }
        == "the variable VOLLEY_THREADS is 'many', expected a whole number from 1 to 1024")
  }

  @Test("a missing plugin is told with the way to name one")
  func missingPlugin() {
    #expect(
      message { _ = try RunOptions([], environment: [:]) }
        == "--plugin is missing: name the plugin to run, as in 'volley-host run --plugin libmypipe.so', or set VOLLEY_PLUGIN; "
        + "'volley-host help' lists everything")
  }

  @Test(
    "the first word is the verb, and flags alone mean run",
    arguments: [
      ([], Verb.run, []), (["--plugin", "x"], .run, ["--plugin", "x"]), (["run", "--plugin"], .run, ["--plugin"]),
      (["inspect"], .inspect, []), (["new", "x"], .new, ["x"]), (["--version"], .version, []), (["--help"], .help, []),
      (["-h"], .help, []), (["run", "--help"], .help, ["run"]), (["--plugin", "x", "--help"], .help, ["run"]),
      (["new", "-h"], .help, ["new"]), (["help", "run"], .help, ["run"]),
    ] as [([String], Verb, [String])])
  func verbs(arguments: [String], verb: Verb, rest: [String]) throws {
    let (found, remaining) = try Verb.split(arguments[...])
    #expect(found == verb)
    #expect(Array(remaining) == rest)
  }

  @Test(
    "an unknown verb names the nearest one",
    arguments: [
      ("inspct", "'inspct' is no verb; did you mean 'inspect'?"), ("nwe", "'nwe' is no verb; did you mean 'new'?"),
      ("x.so", "'x.so' is no verb: to run a plugin write 'volley-host --plugin x.so'"),
      (
        "frobnicate",
        "'frobnicate' is no verb: the verbs are run, inspect, check, checkpoints, state, savepoint, quarantine, replay, "
          + "new, sdk, version, bench, help"
      ),
    ])
  func unknownVerbs(word: String, expected: String) { #expect(message { _ = try Verb.split([word]) } == expected) }

  @Test(
    "bench refuses words and flags that mean nothing to what is measured",
    arguments: [
      (
        ["nexmark", "--case", "q5"],
        "--case means nothing to 'bench nexmark', which takes --query, --events, --threads, --repeat, --plugin, --latency, "
          + "--json; it is a flag of 'bench', 'bench columns', 'bench state', 'bench windows', 'bench process', "
          + "'bench flight'"
      ),
      (
        ["flight", "--threads", "2"],
        "--threads means nothing to 'bench flight', which takes --case, --batch-rows, --bytes, --repeat, --python, --json; it "
          + "is a flag of 'bench', 'bench state', 'bench nexmark'"
      ),
      (
        ["--query", "q5"],
        "--query means nothing to 'bench', which takes --case, --threads, --rows, --repeat, --minutes, --plugin, --json; it is "
          + "a flag of 'bench nexmark'"
      ),
      (["nexmark", "extra"], "'bench nexmark' takes no further word, found 'extra'"),
      (["nexmrak"], "'bench' has no subject 'nexmrak'; did you mean 'nexmark'?"),
      (["udf"], "'bench' has no subject 'udf'; a case is named with --case udf"),
    ])
  func benchSubjects(arguments: [String], expected: String) {
    #expect(
      message {
        _ = try BenchCommand.Subject(
          ParsedFlags(arguments, flags: BenchCommand.flags, verb: "bench", environment: [:]))
      } == expected)
  }

  @Test("the help of a verb names each of its flags, variables and defaults")
  func help() {
    for verb in Verb.allCases {
      let text = HelpText.text(for: verb)
      #expect(HelpText.overview().contains("  \(verb.rawValue)"))
      for flag in verb.flags {
        #expect(text.contains("--\(flag.name)"))
        if let variable = flag.variable { #expect(text.contains(variable)) }
        if let fallback = flag.fallbackWords ?? flag.fallback {
          #expect(text.split(whereSeparator: \.isWhitespace).joined(separator: " ").contains("default: \(fallback)"))
        }
      }
      for line in text.split(separator: "\n") { #expect(line.count <= 120) }
    }
  }

  @Test("no two flags of a verb share a name, and each default is a right value")
  func tables() throws {
    for verb in Verb.allCases {
      #expect(Set(verb.flags.map(\.name)).count == verb.flags.count)
      let variables = verb.flags.compactMap(\.variable)
      #expect(Set(variables).count == variables.count)
    }
    _ = try options()
    _ = try InspectOptions(["--plugin", "x"], environment: [:])
  }
}
