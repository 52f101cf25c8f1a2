import Base
import PluginLoading
import TestSupport
import Testing
import VolleyPlan

/// Plugins that break a rule while their pipeline runs. The job ends with one sentence; the process goes on.
///
/// The address sanitizer must find nothing in these and the other tests of this room:
/// `LSAN_OPTIONS=suppressions=Tests/leaks.txt swift test --sanitize=address --filter PluginLoadingTests`, which is the stage
/// `address` of Tests/run.sh.
struct BrokenCallTests {
  @Test("the plugin that the broken ones are made of is sound")
  func sound() throws {
    let rig = try Rig(PluginSource.broken("none").compiled())
    try rig.run()
    #expect(rig.written == [0, 1, 2, 3, 0, 1, 2, 3])
    #expect(rig.events.all.isEmpty)
    rig.set.registry.warnOfKeptBatches()
    #expect(rig.events.all.isEmpty)
    #expect(rig.set.registry.report().isEmpty)
  }

  @Test(
    "an error from each call reaches the user with domain, code and place",
    arguments: [
      ("plan", Failure.Kind.usage, "plugin 'broken': pipeline 'broken' failed in 'plan': the moon is full (code 42)"),
      ("create", .usage, "plugin 'broken': sink 'drop' failed in 'create': the moon is full (code 42)"),
      // With a length beyond the capacity.
      ("open", .data, "plugin 'broken': sink 'drop' failed in 'open': the moon is full (code 42)"),
      ("call", .data, "plugin 'broken': function 'twice' failed in 'call': the moon is full (code 42)"),
      ("process", .data, "plugin 'broken': function 'pass' failed in 'process': the \u{FFFD}oon is full (code 42)"),
      ("flush", .software, "plugin 'broken': function 'pass' failed in 'flush': the moon is full"),
      ("read", .data, "plugin 'broken': source 'numbers' failed in 'read': it gives no reason (code 42)"),
      ("write", .io, "plugin 'broken': sink 'drop' failed in 'write': the moon is full (code 42)"),
      ("finish", .data, "plugin 'broken': sink 'drop' failed in 'finish': the moon is full (code 42)"),
      ("close", .software, "plugin 'broken': source 'numbers' failed in 'close': the moon is full (code 42)"),
      ("create coder", .usage, "plugin 'broken': codec 'chunk' failed in 'create': the moon is full (code 42)"),
      ("open coder", .data, "plugin 'broken': codec 'chunk' failed in 'open': the moon is full (code 42)"),
      ("bound", .data, "plugin 'broken': codec 'chunk' failed in 'bound': the moon is full (code 42)"),
      ("compress", .data, "plugin 'broken': codec 'chunk' failed in 'compress': the moon is full (code 42)"),
      ("decompress", .data, "plugin 'broken': codec 'chunk' failed in 'decompress': the moon is full (code 42)"),
      ("begin", .data, "plugin 'broken': codec 'chunk' failed in 'begin': the moon is full (code 42)"),
      ("step", .data, "plugin 'broken': codec 'chunk' failed in 'step': the moon is full (code 42)"),
    ])
  func errors(slot: String, kind: Failure.Kind, message: String) throws {
    let failure = Rig.failure(of: try PluginSource.broken("fail \(slot)").compiled())
    #expect(failure?.message == message)
    #expect(failure?.kind == kind)
    #expect(failure?.retryable == (slot == "write"))
  }

  @Test(
    "an unknown status from each call is an internal error",
    arguments: [
      ("plan", "pipeline 'broken'"), ("create", "sink 'drop'"), ("open", "sink 'drop'"), ("call", "function 'twice'"),
      ("process", "function 'pass'"), ("flush", "function 'pass'"), ("read", "source 'numbers'"),
      ("write", "sink 'drop'"), ("finish", "sink 'drop'"), ("close", "source 'numbers'"),
      ("create coder", "codec 'chunk'"), ("open coder", "codec 'chunk'"), ("bound", "codec 'chunk'"),
      ("compress", "codec 'chunk'"), ("decompress", "codec 'chunk'"), ("begin", "codec 'chunk'"),
      ("step", "codec 'chunk'"),
    ])
  func unknownStatus(slot: String, what: String) throws {
    let failure = Rig.failure(of: try PluginSource.broken("status \(slot)").compiled())
    #expect(
      failure?.message
        == "plugin 'broken': \(what) returned the unknown status 7 from '\(slot.split(separator: " ")[0])', expected 0 or 1; correct the plugin"
    )
    #expect(failure?.kind == .software)
    #expect(failure?.domain == .internal)
  }

  @Test(
    "results that break a rule are refused, each in one sentence",
    arguments: [
      ("no result", "function 'twice' returned OK from 'call' without a result; move an array to 'result'"),
      ("short result", "function 'twice' returned 3 rows from 'call' for 4 rows of arguments; return one a row"),
      (
        "result child count",
        "function 'twice' returned from 'call': column 'result' received through the Arrow C data interface has 1 children, where its type has 0"
      ),
      (
        "output index", "function 'pass' emitted on output 3, its outputs are 0 to 0; declare it in the plan"
      ),
      (
        "dropped status", "function 'pass' emitted on output 3, its outputs are 0 to 0; declare it in the plan"
      ),
      (
        "released batch",
        "function 'pass' emitted a batch on output 0 that was released or moved before; emit each batch once"
      ),
      (
        "emitted twice",
        "function 'pass' emitted a batch on output 0 that was released or moved before; emit each batch once"
      ),
      ("emit outside", "sink 'drop' called 'emit' outside 'process' and 'flush'; emit only inside them"),
      (
        "read outcome",
        "source 'numbers' gave the unknown outcome 9 from 'read', expected 1, 2 or 3; correct the plugin"
      ),
      (
        "read nothing",
        "source 'numbers' gave a batch from 'read' that was released or moved before; give each batch once"
      ),
      (
        "read with end", "source 'numbers' gave a batch from 'read' with the outcome 3, expected 1; give it before"
      ),
      ("read too much", "source 'numbers' gave 101 rows from 'read', at most 100 were asked for; give fewer"),
      (
        "short column",
        "source 'numbers' gave a batch from 'read': column 'value' received through the Arrow C data interface has 3 rows, where its batch has 4 from row 0 on"
      ),
      (
        "child count",
        "source 'numbers' gave a batch from 'read': a batch received through the Arrow C data interface has 2 children, where its type has 1"
      ),
      (
        "released column",
        "source 'numbers' gave a batch from 'read': column 'value' received through the Arrow C data interface was used after its release"
      ),
      (
        "buffer count",
        "source 'numbers' gave a batch from 'read': column 'value' received through the Arrow C data interface has 1 buffers, where its type has 2"
      ),
      (
        "null buffer",
        "source 'numbers' gave a batch from 'read': column 'value' received through the Arrow C data interface has NULL as buffer 1, where 32 bytes are expected"
      ),
      (
        "null count",
        "source 'numbers' gave a batch from 'read': column 'value' received through the Arrow C data interface has 4 rows and 5 nulls; expected are 0 to 4, or -1"
      ),
      (
        "negative length",
        "source 'numbers' gave a batch from 'read': a batch received through the Arrow C data interface has -5 rows from row 0 on; both must be 0 to 2^32 - 1"
      ),
      (
        "negative offset",
        "source 'numbers' gave a batch from 'read': column 'value' received through the Arrow C data interface has 4 rows from row -1 on; both must be 0 to 2^32 - 1"
      ),
    ])
  func results(fault: String, message: String) throws {
    let failure = Rig.failure(of: try PluginSource.broken(fault).compiled())
    #expect(failure?.message == "plugin 'broken': \(message)")
  }

  @Test(
    "coders that break a rule are refused, each in one sentence",
    arguments: [
      (
        "bound too large",
        "says from 'bound' that 100 bytes compress to 18446744073709551615, which no memory holds; correct the plugin"
      ),
      (
        "compress too long",
        "says that it wrote 103 bytes in 'compress', which had 102 bytes of room; correct the plugin"
      ),
      (
        "decompress too long",
        "says that it wrote 18446744073709551615 bytes in 'decompress', which had 100 bytes of room; correct the plugin"
      ),
      (
        "step takes too much", "says that it took 8 bytes in 'step', which had 7 bytes of input; correct the plugin"
      ),
      (
        "step gives too much", "says that it wrote 12 bytes in 'step', which had 11 bytes of room; correct the plugin"
      ),
      (
        "step stalls",
        "does not move on in 'step', which was given 7 bytes and room for 11; take input, give output, end, or fail"
      ),
    ])
  func coders(fault: String, message: String) throws {
    let failure = Rig.failure(of: try PluginSource.broken(fault).compiled())
    #expect(failure?.message == "plugin 'broken': codec 'chunk' \(message)")
    #expect(failure?.kind == .plugin)
  }

  @Test(
    "instances without a whole table are refused when they are made",
    arguments: [
      (
        "short function table",
        "function 'twice': table volley_scalar_function is 24 bytes, the slot 'destroy' needs 32; initialise its header with VOLLEY_HEADER(volley_scalar_function)"
      ),
      (
        "function table major",
        "function 'twice': table volley_scalar_function says ABI 9.3, expected major 1; initialise its header with VOLLEY_HEADER(volley_scalar_function)"
      ),
      (
        "null process",
        "function 'pass': table volley_batch_function has NULL in the slot 'process', which must be there; fill it in"
      ),
      (
        "null stop",
        "source 'numbers': table volley_source has NULL in the slot 'stop', which must be there; fill it in"
      ),
      (
        "short sink table",
        "sink 'drop': table volley_sink is 48 bytes, the slot 'finish' needs 56; initialise its header with VOLLEY_HEADER(volley_sink)"
      ),
      (
        "no instance table",
        "sink 'drop' was made without a table: 'create' returned OK and NULL; fill 'table' in"
      ),
      (
        "short coder",
        "codec 'chunk': table volley_coder is 64 bytes, the slot 'step' needs 72; initialise its header with VOLLEY_HEADER(volley_coder)"
      ),
      (
        "null decompress",
        "codec 'chunk': table volley_coder has NULL in the slot 'decompress', which must be there; fill it in"
      ),
      (
        "coder table major",
        "codec 'chunk': table volley_coder says ABI 9.3, expected major 1; initialise its header with VOLLEY_HEADER(volley_coder)"
      ),
      (
        "no coder table",
        "codec 'chunk' was made without a table: 'create' returned OK and NULL; fill 'table' in"
      ),
    ])
  func instanceTables(fault: String, message: String) throws {
    let failure = Rig.failure(of: try PluginSource.broken(fault).compiled())
    #expect(failure?.message == "plugin 'broken': \(message)")
    #expect(failure?.kind == .plugin)
  }

  @Test(
    "plans that cannot be read are refused, with the place",
    arguments: [
      ("plan not json", "gave a plan that this host cannot read: "),
      ("plan not utf8", "gave a plan that this host cannot read: "),
      (
        "newer plan",
        "gave a plan that this host cannot read: version: the plan has version 0.9 and this host reads 0.0 to 0.\(Plan.Version.current.minor): use a newer host, or rebuild the plugin with this host's SDK"
      ),
      ("other plan", "gave a plan that this host cannot read: "),
      ("huge plan", "gave a plan of 1099511627776 bytes, at most 67108864 are read; build a smaller plan"),
      ("no plan", ": table volley_plan has NULL in the slot 'json', which must be there; fill it in"),
      ("null create", ": table volley_plan has NULL in the slot 'create', which must be there; fill it in"),
    ])
  func plans(fault: String, message: String) throws {
    let failure = Rig.failure(of: try PluginSource.broken(fault).compiled())
    let space = message.hasPrefix(":") ? "" : " "
    let expected = "plugin 'broken': pipeline 'broken'\(space)\(message)"
    if message.hasSuffix(": ") {
      #expect(failure?.message.hasPrefix(expected) == true, "\(failure?.message ?? "nothing")")
      #expect((failure?.message.count ?? 0) > expected.count)
    } else {
      #expect(failure?.message == expected)
    }
    #expect(failure?.kind == .plugin)
  }

  @Test("a batch that a plugin keeps for good is a warning and stands in the report")
  func leaked() throws {
    let rig = try Rig(PluginSource.broken("leaked array").compiled())
    try rig.run()
    rig.set.registry.warnOfKeptBatches()
    #expect(
      rig.events.all.map(\.text) == [
        "plugin 'broken': function 'pass' kept 2 batches that it took; release each before 'destroy' returns"
      ])
    #expect(rig.events.all.map(\.level) == [.warning])
    let report = rig.set.registry.report()
    #expect(report.map(\.function) == ["pass"])
    #expect(report.map(\.uid) == ["pass"])
    #expect(report.map(\.batchesHeld) == [2])
  }

  @Test("an instance that does not open is closed and destroyed at once; one that was never opened is only destroyed")
  func failedOpen() throws {
    let rig = try Rig(PluginSource.broken("aloud").compiled())
    #expect(throws: Failure.self) { try rig.run() }
    func calls(_ function: String) -> [String] { rig.events.all.filter { $0.function == function }.map(\.text) }
    #expect(calls("drop") == ["open", "close", "destroy"])
    #expect(calls("pass") == ["destroy"])
    #expect(calls("numbers") == ["destroy"])
  }

  @Test("after a failure each instance is closed and destroyed once, and errors of close do not hide the first one")
  func closedAfterFailure() throws {
    let rig = try Rig(PluginSource.broken("fail process").compiled())
    #expect(throws: Failure.self) { try rig.run() }
    #expect(rig.failuresOfClose.isEmpty)
    let other = try Rig(PluginSource.broken("fail close").compiled())
    #expect(throws: Failure.self) { try other.run() }
    #expect(other.failuresOfClose.count == 3)
  }
}
