"""Another version of a plugin goes on from the checkpoints of the one before: what fits, what is refused, and what gives way."""

import copy
import glob
import json
import os
import signal
import subprocess
import sys

import harness
import plans

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import waiting

FAST = {"checkpoint_interval": "100ms", "restart_delay": "10ms", "restart_delay_limit": "50ms", "parallelism": 2, "threads": 2}
COLUMNS = [plans.field("k", "int32"), plans.field("n", "int64"), plans.field("t", {"timestamp": {"unit": "us"}})]
ACT = {"batchFunction": {"function": "act", "label": "act", "outputs": [COLUMNS]}}


def source(**options):
    columns = {"k": {"kind": "uniform", "min": 0, "max": 20}, "n": {"kind": "sequence"}, "t": {"kind": "timestamp", "step": 1000}}
    return {
        "source": {
            "implementation": {"connector": {"name": "generator", "options": {"rate": 20000, "columns": columns, **options}}},
            "schema": COLUMNS, "badRecords": {"stop": {}}}}


def pipeline(folder, name, *nodes):
    """A chain; writes it and gives its path."""
    document = [
        {"id": index, "inputs": [{"node": index - 1, "output": 0}] if index else [], "operator": operator,
         **({"uid": uid} if uid else {})} for index, (uid, operator) in enumerate(nodes)]
    path = os.path.join(folder, f"{name}.json")
    with open(path, "w") as file:
        json.dump({"version": {"major": 0, "minor": 2}, "name": "plan-file", "nodes": document}, file)
    return path


def sums(folder, name="plan", key="k", calls=None, uid="sums", source_node=None, sink_uid="out", more=(), source_uid="in"):
    calls = calls or {"total": ("sum", plans.column("n"))}
    return pipeline(
        folder, name, (source_uid, source_node or source()), *more, (None, plans.key_by(key)), (uid, plans.aggregate(**calls)),
        (sink_uid, plans.sink("jsonlines", os.path.join(folder, "out/"))))


class Job:
    """A running host, read line by line."""

    def __init__(self, folder, plugin, plan, environment=None, words=None, **flags):
        flags = {"checkpoint_dir": os.path.join(folder, "checkpoints"), **FAST, **flags}
        self.checkpoints = flags["checkpoint_dir"]
        words = words or harness.command(harness.plugin(plugin), parameters={"plan": plan}, **flags)
        self.process = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            env={**os.environ, **(environment or {})})
        os.set_blocking(self.process.stderr.fileno(), False)
        self.text = b""

    def result(self):
        return harness.Run(self.process.poll(), "", self.text.decode())

    def wait_for(self, condition, what):
        def goes_on():
            ended = self.process.poll() is not None
            self.text += self.process.stderr.read() or b""
            return not ended

        assert waiting.comes(condition, harness.PATIENCE, goes_on), f"{what} did not come: {self.result()}"

    def digest_epochs(self, plugin=None):
        """Complete epochs, of one plugin if it is named."""
        digest = subprocess.check_output(["sha256sum", harness.plugin(plugin)], text=True).split()[0] if plugin else ""
        found = set()
        for path in glob.glob(f"{self.checkpoints}/epoch-*/manifest.json"):
            try:
                with open(path) as file:
                    manifest = json.load(file)
            except OSError:
                continue
            if "plugin" in manifest and digest in manifest["plugin"]["sha256"]:
                found.add(manifest["epoch"] if isinstance(manifest["epoch"], int) else manifest["epoch"]["number"])
        return found

    def wait_for_epoch(self, plugin=None):
        before = self.digest_epochs(plugin)
        self.wait_for(lambda: self.digest_epochs(plugin) - before, "an epoch")

    def stop(self):
        """Ends it with a last epoch."""
        self.process.send_signal(signal.SIGTERM)
        return self.end()

    def end(self):
        self.wait_for(lambda: self.process.poll() is not None, "the end")
        self.text += self.process.stderr.read() or b""
        return self.result()

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def first_version(folder, plan, plugin="plan-lives"):
    """Runs until there are epochs, and stops."""
    job = Job(folder, plugin, plan)
    try:
        job.wait_for_epoch()
        result = job.stop()
        assert result.code == 0, result
    finally:
        job.kill()
    return job.checkpoints


def windows(folder):
    window = {
        "window": {
            "assigner": {"tumbling": {"size": 1_000_000, "offset": 0}}, "scope": "key", "time": "event", "allowedLateness": 0,
            "late": "drop", "emission": "final", "aggregates": [{"function": "count", "name": "rows"}]}}
    fields = [
        plans.field("k", "int32"), *({**plans.field(name, {"timestamp": {"unit": "us"}}), "nullable": False}
                                     for name in ("window_start", "window_end")), plans.field("rows", "int64")]
    fields[-1]["nullable"] = False
    return pipeline(
        folder, "windows", ("in", source()), ("times", {"eventTime": {"column": "t", "outOfOrderness": 0, "undated": "stop"}}),
        (None, plans.key_by("k")), ("windows", window),
        (None, {"batchFunction": {"function": "act", "label": "act", "outputs": [fields]}}),
        ("out", plans.sink("jsonlines", os.path.join(folder, "out/"))))


def gives_way(folder, plugin, make, reason):
    """A new plugin that dies before its first complete epoch is followed by the former one, after three deaths."""
    plan = make(folder)
    first_version(folder, plan)
    # No epoch comes before the first window.
    job = Job(folder, plugin, plan, checkpoint_interval="3s")
    try:
        job.wait_for(lambda: b"plugin.returned" in job.text, "the return")
        job.wait_for_epoch("plan-lives")
        result = job.stop()
    finally:
        job.kill()
    assert result.code == 0, result
    (returned,) = result.event("plugin.returned")
    assert returned["deaths"] == 3 and reason in returned["reason"], returned
    assert "/plugins/" in returned["former"], returned
    assert len(result.event("worker.restarting")) == 2, result
    loaded = [event["path"] for event in result.event("plugin.loaded")]
    assert [os.path.basename(path) for path in loaded[:3]] == [f"lib{plugin}.so"] * 3, loaded
    assert loaded[3] == os.path.realpath(returned["former"]), loaded
    assert not job.digest_epochs(plugin), "the new plugin completed an epoch"


def at_once(folder):
    return sums(folder, more=((None, ACT),))


def does_not_give_way(folder):
    """A new plugin that dies after its first epoch is started again, with waits that grow, and in the end given up."""
    plan, wish = at_once(folder), os.path.join(folder, "trap")
    first_version(folder, plan)
    job = Job(folder, "plan-traps-when-asked", plan, {"VOLLEY_TEST_TRAP": wish}, restart_limit=4, checkpoint_interval="50ms")
    try:
        job.wait_for(lambda: job.digest_epochs("plan-traps-when-asked"), "an epoch of the new plugin")
        open(wish, "w").close()
        result = job.end()
    finally:
        job.kill()
    assert result.code == 70, result
    assert not result.event("plugin.returned"), result
    assert [event["restart"] for event in result.event("worker.restarting")] == [1, 2, 3, 4], result
    assert [event["delay_seconds"] for event in result.event("worker.restarting")] == [0.01, 0.02, 0.04, 0.05], result
    assert "died again after 4 restarts in a row" in result.stderr.splitlines()[-1], result
    # Mended, it goes on.
    os.remove(wish)
    job = Job(folder, "plan-traps-when-asked", plan, {"VOLLEY_TEST_TRAP": wish})
    try:
        job.wait_for_epoch()
        assert job.stop().code == 0
    finally:
        job.kill()


def refused_is_not_repeated(folder):
    """What no restart mends ends the run at once, and nothing is touched."""
    checkpoints = first_version(folder, sums(folder))
    before = sorted(glob.glob(f"{checkpoints}/epoch-*/*"))
    result = Job(folder, "plan-file", sums(folder, "renamed", uid="others")).end()
    assert result.code == 69 and not result.event("worker.restarting"), result
    assert "aggregate 'sums' is in the checkpoint and no more in the pipeline" in result.stderr, result
    assert sorted(glob.glob(f"{checkpoints}/epoch-*/*")) == before, "a refused pipeline wrote epochs"


def verdict(folder, change, wanted, flags, allowed):
    """`check` and `run` say the same of a second plugin with another pipeline; with the flags it goes on."""
    checkpoints = first_version(folder, sums(folder))
    plan = sums(folder, "second", **change)

    def check(*flags):
        done = subprocess.run(
            [harness.HOST, "check", "--plugin", harness.plugin("plan-file"), "--set", f"plan={plan}", "--checkpoints", checkpoints,
             "--json", *flags], capture_output=True, text=True, timeout=harness.PATIENCE)
        try:
            found = json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"{done}") from None
        return done.returncode, {(row["uid"], row["verdict"]) for row in found["stages"]}, found

    code, rows, found = check()
    assert wanted <= rows, f"expected {wanted}, found {found}"
    assert code == (69 if flags else 0) and found["refused"] == bool(flags), (code, found)
    if flags:
        result = Job(folder, "plan-file", plan).end()
        assert result.code == 69, result
        code, rows, found = check(*flags)
        assert code == 0 and allowed <= rows, found
    keywords = {}
    for flag, value in zip(flags[::2], flags[1::2]):
        keywords[flag[2:].replace("-", "_")] = value
    job = Job(folder, "plan-file", plan, **keywords)
    try:
        job.wait_for_epoch("plan-file")
        result = job.stop()
    finally:
        job.kill()
    assert result.code == 0, result
    (restored,) = result.event("checkpoint.restored")


def savepoint(folder):
    """The verb and the signal take one each; retention spares them, and a run goes on from the newest."""
    plan = sums(folder)
    job = Job(folder, "plan-file", plan, retain=1)
    try:
        job.wait_for_epoch()
        done = subprocess.run(
            [harness.HOST, "savepoint", "--checkpoint-dir", job.checkpoints], capture_output=True, text=True, timeout=harness.PATIENCE)
        assert done.returncode == 0 and done.stdout.startswith("epoch-"), done
        first = int(done.stdout.strip()[6:])
        job.process.send_signal(signal.SIGUSR1)
        job.wait_for(lambda: len([event for event in harness.Run(0, "", job.text.decode()).event("epoch.complete")
                                  if event["kind"] == "savepoint"]) == 2, "the second savepoint")
        job.wait_for_epoch()
        assert job.stop().code == 0
    finally:
        job.kill()
    kept = job.digest_epochs()
    assert first in kept and len(kept) >= 3, kept
    job = Job(folder, "plan-file", plan, **{"from": "savepoint"})
    try:
        job.wait_for_epoch()
        result = job.stop()
    finally:
        job.kill()
    (restored,) = result.event("checkpoint.restored")
    assert restored["kind"] == "savepoint" and restored["epoch"] > first, restored


def look(folder):
    """State is printed and compared without the plugin; the sums are those of the rows that the sink got."""
    checkpoints = first_version(folder, sums(folder))

    def ask(*words):
        done = subprocess.run(
            [harness.HOST, *words, "--checkpoint-dir", checkpoints], capture_output=True, text=True, timeout=harness.PATIENCE)
        assert done.returncode == 0, done
        return done.stdout.splitlines()

    last = {}
    lines = []
    for path in sorted(glob.glob(os.path.join(folder, "out", "*")), key=lambda path: int(path.split(".")[-2])):
        with open(path) as file:
            lines += [json.loads(line) for line in file]
    for row in lines:
        last[row["k"]] = row["total"]
    found = {entry["key"]["k"]: entry["value"] for entry in map(json.loads, ask("state", "scan", "--uid", "sums"))}
    assert {key: value["total.0"] for key, value in found.items()} == last, (found, last)
    (line,) = ask("state", "get", "--uid", "sums", "--key", "7")
    assert json.loads(line)["value"] == found[7], line
    changes = [json.loads(line) for line in ask("state", "diff", "--uid", "sums")]
    assert changes and all(found[change["key"]["k"]] == change["value"] != change.get("before") for change in changes), changes
    listed = [json.loads(line) for line in ask("checkpoints", "list", "--json")]
    assert all(line.endswith(" good") for line in ask("checkpoints", "verify"))
    newest = [entry["epoch"] for entry in listed if entry["status"] == "complete"][-1]
    assert ask("checkpoints", "show")[0].startswith(f"epoch-{newest} "), newest
    assert ask("checkpoints", "prune", "--retain", "1")[-1].startswith("removed ")
    assert [json.loads(line)["epoch"] for line in ask("checkpoints", "list", "--json")][-1] >= newest
    # One flipped bit of a file of state is found.
    with open(f"{checkpoints}/epoch-{newest}/manifest.json") as file:
        stage = next(stage for stage in json.load(file)["stages"] if stage["role"] == "operator")
    name = next(file["content"] for subtask in stage["subtasks"] for file in subtask["files"])
    with open(f"{checkpoints}/files/{name}", "r+b") as file:
        byte = file.read(1)
        file.seek(0)
        file.write(bytes([byte[0] ^ 1]))
    done = subprocess.run(
        [harness.HOST, "checkpoints", "verify", "--checkpoint-dir", checkpoints], capture_output=True, text=True,
        timeout=harness.PATIENCE)
    assert done.returncode == 65 and name in done.stdout, done


def checks(suite):
    for name, plugin, make, reason in [
        ("traps at once", "plan-traps-at-once", at_once, "trapped in 'open'"),
        ("traps at its first window", "plan-traps-at-first-batch", windows, "trapped in 'process'"),
        ("throws at its first batch", "plan-throws", at_once, "the price is negative"),
    ]:
        suite.check(f"a new plugin that {name} gives way to the former one", gives_way, plugin, make, reason)
    suite.check("a new plugin that dies after its first epoch is started again and given up in the end", does_not_give_way)
    suite.check("a refused pipeline is not tried again", refused_is_not_repeated)
    added = {"calls": {"total": ("sum", plans.column("n")), "most": ("max", plans.column("n"))}}
    text = {"more": ((None, plans.select(k=plans.cast(plans.column("k"), "utf8"), n=plans.column("n"))),)}
    other = copy.deepcopy(source(seed=7))
    for name, change, wanted, flags, allowed in [
        ("the same uids and schemas: restored", {}, {("in", "restored"), ("sums", "restored"), ("out", "restored")}, [], set()),
        ("a new aggregate at the end: migrated", added, {("sums", "migrated")}, [], set()),
        ("a uid that is gone: refused, dropped", {"uid": "others"}, {("others", "starts empty"), ("sums", "gone")},
         ["--drop-state", "sums"], {("sums", "dropped")}),
        ("a uid that is gone: refused, renamed", {"uid": "others"}, {("others", "starts empty"), ("sums", "gone")},
         ["--rename-uid", "sums=others"], {("others", "restored")}),
        ("a key of another type: refused, dropped", text, {("sums", "conflicts")}, ["--drop-state", "sums"], {("sums", "dropped")}),
        ("a source that changed: refused, reset", {"source_node": other}, {("in", "source changed")}, ["--reset-source", "in"],
         {("in", "reset")}),
    ]:
        suite.check(f"replacement: {name}", verdict, change, wanted, flags, allowed)
    suite.check("savepoints are taken by verb and by signal, kept, and gone on from", savepoint)
    suite.check("an epoch is looked into without the plugin", look)
