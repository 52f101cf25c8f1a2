"""Epochs that are run again, from their state and over their rows: the rows are those that the sinks committed in them."""

import glob
import hashlib
import json
import os
import subprocess

import harness
import plans
import recovery

ROWS = 60_000
# Rows of files a second, of each subtask.
PACE = 100_000
# Of all that: a machine that is too busy for several epochs in that time gets more of it.
slower = 1
FIELDS = [plans.field("id", "int64"), plans.field("k", "int64"), plans.field("v", "int64"), plans.field("t", {"timestamp": {"unit": "us"}})]
TIME = {"eventTime": {"column": "t", "outOfOrderness": 0, "undated": "stop"}}
CALLS = [{"function": "count", "name": "rows"}, {"function": "sum", "name": "total", "argument": plans.column("v")}]


def generated(rate=40_000, **options):
    """Rows that come for a while, of rising times."""
    columns = {"k": {"kind": "uniform", "min": 0, "max": 50}, "v": {"kind": "uniform", "min": -100, "max": 100}}
    return plans.source("generator", None, FIELDS, rows=ROWS, rate=rate // slower, columns=columns, **options)


def window(size=500_000, **members):
    return {
        "window": {
            "assigner": {"tumbling": {"size": size, "offset": 0}}, "scope": "key", "time": "event", "allowedLateness": 0, "late": "drop",
            "emission": "final", "aggregates": CALLS, **members}}


def write(folder, *nodes):
    """A plan of (uid, operator, inputs, parallelism) in topological order."""
    path = os.path.join(folder, "plan.json")
    with open(path, "w") as file:
        json.dump(
            {"version": {"major": 0, "minor": 2}, "name": "plan-file", "nodes": [
                {"id": index, "uid": uid, "inputs": [{"node": node, "output": 0} for node in inputs], "operator": operator,
                 **({"parallelism": parallelism} if parallelism else {})}
                for index, (uid, operator, inputs, parallelism) in enumerate(nodes)]}, file)
    return {"plan": path}


def sink(folder, name="out"):
    return plans.sink("jsonlines", os.path.join(folder, name) + "/")


def windows(folder):
    return write(
        folder, ("in", generated(), [], None), ("time", TIME, [0], None), ("key", plans.key_by("k"), [1], None),
        ("windows", window(), [2], None), ("out", sink(folder), [3], None))


def files(folder):
    """Several files at once, each with the whole range of times, and records that are bad."""
    for index in range(5):
        with open(os.path.join(folder, f"rows-{index}.csv"), "w") as file:
            file.write("id,k,v,t\n")
            for row in range(ROWS):
                number = row * 5 + index
                value = "bad" if number % 5_003 == 0 else number % 211
                file.write(f"{number},{number % 50},{value},{1_700_000_000_000_000 + number * 100}\n")
    source = plans.source("csv", os.path.join(folder, "rows-*.csv"), FIELDS, interleave=2)
    source["source"]["badRecords"] = {"deadLetter": {"path": os.path.join(folder, "bad.jsonl")}}
    return write(
        folder, ("in", source, [], 2), ("pace", plans.pace(PACE // slower, FIELDS), [0], 2),
        ("time", {"eventTime": {**TIME["eventTime"], "outOfOrderness": 60_000_000}}, [1], None),
        ("key", plans.key_by("k"), [2], None), ("windows", window(), [3], None), ("out", sink(folder), [4], None),
        ("copies", sink(folder, "copies"), [1], None))


def side_by_side(folder):
    """Files that are read together, whose rows come in order: event time is that of the slowest one."""
    for index in range(4):
        with open(os.path.join(folder, f"rows-{index}.jsonl"), "w") as file:
            for row in range(ROWS // (index + 1)):
                moment = 1_700_000_000_000_000 + row * 1_000 * (index + 1)
                file.write(f'{{"id":{row},"k":{row % 50},"v":{row % 211},"t":{moment}}}\n')
    fields = [*FIELDS[:3], plans.field("t", "int64")]
    cast = {"extend": {"columns": [{"name": "time", "expression": plans.cast(plans.column("t"), {"timestamp": {"unit": "us"}})}]}}
    return write(
        folder, ("in", plans.source("jsonlines", os.path.join(folder, "rows-*.jsonl"), fields, interleave=8), [], 1),
        ("pace", plans.pace(PACE // slower, fields), [0], 1), ("cast", cast, [1], None),
        ("time", {"eventTime": {**TIME["eventTime"], "column": "time"}}, [2], None),
        ("key", plans.key_by("k"), [3], None), ("windows", window(), [4], None), ("out", sink(folder), [5], None))


def join(folder):
    return write(
        folder, ("left", generated(), [], None), ("left-time", TIME, [0], None), ("left-key", plans.key_by("k"), [1], None),
        ("right", generated(rate=30_000, seed=5), [], None), ("right-time", TIME, [3], None), ("right-key", plans.key_by("k"), [4], None),
        ("pairs", {"join": {
            "kind": "left", "bounds": {"interval": {"lower": -10_000, "upper": 20_000}}, "sharedNames": {"suffix": ["", "_2"]}}}, [2, 5], None),
        ("out", sink(folder), [6], None))


def lookup(folder):
    """With an input that is read to its end before the other is read at all."""
    with open(os.path.join(folder, "names.csv"), "w") as file:
        file.write("k,name\n" + "".join(f"{k},name {k}\n" for k in range(0, 50, 2)))
    names = plans.source("csv", os.path.join(folder, "names.csv"), [plans.field("k", "int64"), plans.field("name", "utf8")])
    return write(
        folder, ("in", generated(), [], None), ("key", plans.key_by("k"), [0], None), ("names", names, [], 1),
        ("names-key", plans.key_by("k"), [2], None),
        ("named", {"join": {
            "kind": "left", "bounds": {"side": {"spread": "key", "awaited": True, "keep": "all"}},
            "sharedNames": {"suffix": ["", "_2"]}}}, [1, 3], None),
        ("out", sink(folder), [4], None))


def aggregate(folder):
    """Each record's result; of one source, so that records come in their order."""
    return write(
        folder, ("in", generated(), [], 1), ("key", plans.key_by("k"), [0], None),
        ("sums", {"aggregate": {"aggregates": CALLS, "emission": "per-record"}}, [1], None), ("out", sink(folder), [2], None))


def refusing(folder):
    """A function that throws on some records, which were set aside."""
    refuse = {"batchFunction": {"function": "refuse", "label": "refuse", "outputs": [FIELDS]}}
    source = generated()
    source["source"]["implementation"]["connector"]["options"]["columns"]["k"]["max"] = 2_000
    return write(
        folder, ("in", source, [], None), ("refuse", refuse, [0], None), ("time", TIME, [1], None), ("key", plans.key_by("k"), [2], None),
        ("windows", window(), [3], None), ("out", sink(folder), [4], None), ("copies", sink(folder, "copies"), [1], None))


def committed(checkpoints, epoch, uid):
    """The files that an epoch shows at a sink."""
    manifest = recovery.manifests(checkpoints)[epoch]
    (stage,) = [stage for stage in manifest["stages"] if stage["id"] == uid]
    contents = [json.loads(content) for subtask in stage["subtasks"] for content in subtask["transactions"]]
    return {os.path.join(content["folder"], name) for content in contents for name in content["files"]}


def lines(paths):
    found = []
    for path in paths:
        with open(path) as file:
            found += file.read().splitlines()
    return sorted(found)


def replay(checkpoints, first, *words, last=None):
    command = [harness.HOST, "replay", "--checkpoint-dir", checkpoints, "--epoch", f"epoch-{first}" if first else "none"]
    command += ["--to", f"epoch-{last}"] if last else []
    done = subprocess.run([*command, "--log-format", "json", *words], capture_output=True, timeout=harness.PATIENCE)
    return harness.Run(done.returncode, done.stdout.decode(), done.stderr.decode())


def fingerprint(folder):
    """Every file below it, with its content."""
    found = {}
    for path in glob.glob(f"{folder}/**", recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                found[path] = (os.stat(path).st_mtime_ns, hashlib.sha256(file.read()).hexdigest())
        else:
            found[path] = os.stat(path).st_mtime_ns
    return found


def run(folder, pipeline, stops=False):
    """A run with many epochs that are kept; stopped once on the way if wanted. The folder of its checkpoints, and whether it was stopped
    if wanted."""
    checkpoints = os.path.join(folder, "checkpoints")
    command = harness.command(
        harness.plugin("plan-file"), parameters=pipeline(folder), checkpoint_dir=checkpoints, parallelism=2, threads=2, retain=1000,
        **({"quarantine": os.path.join(folder, "aside"), "quarantine_limit": 100_000} if pipeline is refusing else {}),
        **({"batch_rows": 2_000} if pipeline in (files, side_by_side) else {}), checkpoint_interval="150ms")
    host = recovery.Host(command)
    if stops and host.wait_for(lambda: len(recovery.complete_epochs(checkpoints)) >= 4, "four epochs"):
        host.process.terminate()
        assert host.finish().code == 0
        host = recovery.Host(command)
        stops = False
    result = host.finish()
    assert result.code == 0, result
    return checkpoints, not stops


def same_rows(parent, pipeline, uids, stops=False):
    global slower
    for slower in [1, 6]:
        folder = os.path.join(parent, f"{slower}-times-slower")
        os.mkdir(folder)
        checkpoints, is_as_wanted = run(folder, pipeline, stops)
        epochs = [0] + sorted(recovery.complete_epochs(checkpoints))
        if len(epochs) >= 4 and is_as_wanted:
            break
    slower = 1
    assert len(epochs) >= 4 and is_as_wanted, f"too few epochs for a test: {epochs}"
    before = fingerprint(folder)
    compared, pairs = 0, 0
    # Epochs one by one, the last among them, and several in one.
    single = list(zip(epochs, epochs[1:]))
    for first, last in dict.fromkeys([*single[:6], single[-1], (0, epochs[-1]), (epochs[1], epochs[-1])]):
        output = os.path.join(folder, "again", f"{first}-{last}")
        os.makedirs(output)
        done = replay(checkpoints, first, "--output", output, "--state-dir", output, last=last)
        assert done.code == 0, done
        for uid in uids:
            earlier = set().union(*(committed(checkpoints, epoch, uid) for epoch in epochs[1:] if epoch <= first))
            later = set().union(*(committed(checkpoints, epoch, uid) for epoch in epochs[1:] if epoch <= last))
            expected, found = lines(later - earlier), lines([os.path.join(output, f"{uid}.jsonl")])
            assert found == expected, (
                f"sink '{uid}', epoch {first} to {last}: {len(found)} rows, expected {len(expected)}; too many: "
                f"{sorted(set(found) - set(expected))[:3]}, missing: {sorted(set(expected) - set(found))[:3]}")
            compared += len(found)
        pairs += 1
        assert glob.glob(f"{output}/volley-replay-*") == [], "the state is left behind"
    assert compared > 0
    after = {path: print for path, print in fingerprint(folder).items() if not path.startswith(os.path.join(folder, "again"))}
    after.pop(f"{folder}/", None), before.pop(f"{folder}/", None)
    assert after == before, f"touched: {[path for path in after if after[path] != before.get(path)]}"
    return f"{pairs} replays in {len(epochs) - 1} epochs, {compared} rows"


def hashes(folder):
    """Workers and replays hash in the same way in every process."""
    checkpoints, _ = run(folder, windows)
    with open(os.path.join(folder, "plan.json")) as file:
        plan = file.read()
    fifo = os.path.join(folder, "fifo")
    os.mkfifo(fifo)
    environment = {name: value for name, value in os.environ.items() if name != "SWIFT_DETERMINISTIC_HASHING"}
    replays = [
        harness.HOST, "replay", "--checkpoint-dir", checkpoints, "--epoch", "none", "--set", f"plan={fifo}", "--output", f"{folder}/rows"]
    for words in [replays, harness.command(harness.plugin("plan-file"), parameters={"plan": fifo})]:
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
        # Opened when the plugin, which is in the process that runs the pipeline, reads it.
        with open(fifo, "w") as file:
            reader = process.pid
            if "run" in words:
                with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
                    (reader,) = children.read().split()
            with open(f"/proc/{reader}/environ") as variables:
                found = variables.read().split("\0")
            file.write(plan)
        process.communicate(timeout=harness.PATIENCE)
        assert "SWIFT_DETERMINISTIC_HASHING=1" in found, found


def twice(folder):
    """Two runs of an epoch give the same rows."""
    checkpoints, _ = run(folder, windows)
    first = sorted(recovery.complete_epochs(checkpoints))[1]
    output = os.path.join(folder, "again.jsonl")
    done = replay(checkpoints, first, "--output", output, "--twice")
    assert done.code == 0 and done.stdout.endswith("ran it twice: the rows are the same\n"), (done, done.stdout)
    assert os.path.exists(output) and not os.path.exists(output + ".again")


def refusals(folder):
    checkpoints, _ = run(folder, windows)
    last = max(recovery.complete_epochs(checkpoints))
    for words, code, sentence in [
            ((last,), 66, f"there is no complete epoch behind epoch-{last} to run up to"),
            ((last + 7,), 66, f"epoch {last + 7} is not complete"),
            ((1, "--plugin", "/nowhere/lib.so"), 66, "there is no plugin '/nowhere/lib.so'"),
            ((1, "--connector", "x.so"), 64, "--connector goes with --plugin")]:
        done = replay(checkpoints, *words)
        assert done.code == code and sentence in done.stderr, f"{words}: {done}"
    with open(f"{checkpoints}/plugins/{os.listdir(f'{checkpoints}/plugins')[0]}", "ab") as file:
        file.write(b"x")
    done = replay(checkpoints, 1)
    assert done.code == 69 and "is missing or is not what it was; give one with --plugin" in done.stderr, done


def checks(suite):
    suite.check("epochs of windows give their rows again", same_rows, windows, ["out"])
    suite.check("epochs of a job that was stopped on the way give their rows again", same_rows, windows, ["out"], True)
    suite.check("epochs of files give their rows again", same_rows, files, ["out", "copies"])
    suite.check("epochs of files that are read together give their rows again", same_rows, side_by_side, ["out"])
    suite.check("epochs of a join give their rows again", same_rows, join, ["out"])
    suite.check("epochs of rows that are looked up give their rows again", same_rows, lookup, ["out"])
    suite.check("epochs of an aggregate give their rows again", same_rows, aggregate, ["out"])
    suite.check("epochs of a job that set records aside give their rows again", same_rows, refusing, ["out", "copies"])
    suite.check("workers and replays hash in the same way in every process", hashes)
    suite.check("an epoch that is run twice gives the same rows", twice)
    suite.check("what cannot be run again is refused", refusals)
