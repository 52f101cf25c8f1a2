"""Runs that are killed and go on from their checkpoints: the output is that of a run without faults, byte for byte after sorting."""

import datetime
import glob
import json
import os
import random
import signal
import subprocess
import sys
import time

import duckdb

import harness
import plans

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import waiting

ROWS = 400_000
INTERVAL = "50ms"
# Rows a second of one subtask, so that a run lasts for many epochs however fast the machine is.
PACE = 150_000


def write_rows(folder, files):
    """CSV files; in each, times rise, and every file has the whole range of them."""
    generator = random.Random(harness.SEED)
    names = []
    for index in range(files):
        names.append(os.path.join(folder, f"rows-{index}.csv"))
        with open(names[-1], "w") as file:
            file.write("id,k,v,t\n")
            for row in range(ROWS // files):
                number = row * files + index
                moment = 1_700_000_000 + number // 1000
                file.write(
                    f"{number},key {generator.randrange(200)},{generator.randrange(-1000, 1000)},"
                    f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(moment))}\n")
    return names


FIELDS = [
    plans.field("id", "int64"), plans.field("k", "utf8"), plans.field("v", "int64"),
    plans.field("t", {"timestamp": {"unit": "us"}})]


def plan(folder, name, *operators, parallelism=None):
    """A chain of operators, each with a uid; writes it and gives the pipeline's parameters."""
    nodes = [
        {"id": index, "uid": f"node-{index}", "inputs": [{"node": index - 1, "output": 0}] if index else [], "operator": operator,
         **({"parallelism": (parallelism or {}).get(index)} if index in (parallelism or {}) else {})}
        for index, operator in enumerate(operators)]
    path = os.path.join(folder, f"{name}.json")
    with open(path, "w") as file:
        json.dump({"version": {"major": 0, "minor": 2}, "name": "plan-file", "nodes": nodes}, file)
    return {"plan": path}


def windows(folder, out):
    """Sums by key in windows of 10 s over one file that is in order."""
    (path,) = write_rows(folder, 1)
    window = {
        "window": {
            "assigner": {"tumbling": {"size": 10_000_000, "offset": 0}}, "scope": "key", "time": "event", "allowedLateness": 0,
            "late": "drop", "emission": "final",
            "aggregates": [
                {"function": "count", "name": "rows"}, {"function": "sum", "name": "total", "argument": plans.column("v")}]}}
    return plan(
        folder, "windows", plans.source("csv", path, FIELDS), plans.pace(PACE, FIELDS),
        {"eventTime": {"column": "t", "outOfOrderness": 0, "undated": "stop"}}, plans.key_by("k"), window,
        plans.sink("jsonlines", out), parallelism={0: 1, 1: 1, 2: 1})


def copies(folder, out):
    """Rows of several files that are filtered, by several subtasks."""
    write_rows(folder, 5)
    return plan(
        folder, "copies", plans.source("csv", os.path.join(folder, "rows-*.csv"), FIELDS), plans.pace(PACE, FIELDS),
        plans.filter(plans.call("greater_than_or_equal", plans.column("v"), 0)), plans.sink("jsonlines", out))


def expected(pipeline, folder):
    rows = f"read_csv('{folder}/rows-*.csv')"
    if pipeline is copies:
        query = f"select id, k, v from {rows} where v >= 0"
        return sorted(duckdb.sql(query).fetchall())
    query = f"select k, epoch(t)::bigint // 10 * 10, count(*), sum(v)::bigint from {rows} group by all"
    return sorted(duckdb.sql(query).fetchall())


def read_output(out):
    """All lines of all files, sorted; hidden files are none of the output."""
    lines = []
    for path in glob.glob(f"{out}/*"):
        with open(path) as file:
            lines += file.read().splitlines()
    return sorted(lines)


def computed(pipeline, lines):
    rows = [json.loads(line) for line in lines]
    if pipeline is copies:
        return sorted((row["id"], row["k"], row["v"]) for row in rows)
    start = lambda text: int(datetime.datetime.fromisoformat(text.rstrip("Z")).replace(tzinfo=datetime.timezone.utc).timestamp())
    return sorted((row["k"], start(row["window_start"]), row["rows"], row["total"]) for row in rows)


def command(parameters, checkpoints, **flags):
    return harness.command(
        harness.plugin("plan-file"), parameters=parameters, checkpoint_dir=checkpoints, checkpoint_interval=INTERVAL, batch_rows=1000,
        **flags)


def complete_epochs(checkpoints):
    """Their numbers, seals left out."""
    found = set()
    for path in glob.glob(f"{checkpoints}/epoch-*/manifest.json"):
        try:
            with open(path) as file:
                if '"seal"' not in file.read(200):
                    found.add(int(path.split("epoch-")[1].split("/")[0]))
        except OSError:
            pass
    return found


class Host:
    """A running host, in a process group of its own."""

    def __init__(self, words, stdin=None):
        self.process = subprocess.Popen(
            words, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        os.set_blocking(self.process.stderr.fileno(), False)
        self.text = b""

    def poll(self):
        self.text += self.process.stderr.read() or b""
        return self.process.poll()

    def wait_for(self, condition, what):
        """True when it holds, False when the host has ended."""
        try:
            found = waiting.wait_until(condition, what, harness.PATIENCE, goes_on=lambda: self.poll() is None)
            return found and self.process.returncode is None
        except AssertionError as problem:
            raise AssertionError(f"{problem}: {self.text.decode()}")

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def finish(self):
        self.wait_for(lambda: self.poll() is not None, "the end")
        self.poll()
        return harness.Run(self.process.returncode, "", self.text.decode())


def survives(folder, pipeline, kills, changes_parallelism):
    generator = random.Random(harness.SEED)
    out, checkpoints = os.path.join(folder, "out/"), os.path.join(folder, "checkpoints")
    parameters = pipeline(folder, out)
    flags = lambda: {"parallelism": generator.choice([1, 2, 3]) if changes_parallelism else 2, "threads": 2}

    unharmed = os.path.join(folder, "unharmed/")
    harness.run(harness.plugin("plan-file"), parameters=pipeline(folder, unharmed), parallelism=2, threads=2)
    whole = read_output(unharmed)
    assert computed(pipeline, whole) == expected(pipeline, folder), "without faults the rows are not DuckDB's"

    parameters = pipeline(folder, out)
    done = 0
    while done < kills:
        host = Host(command(parameters, checkpoints, **flags()))
        before = complete_epochs(checkpoints)
        # At least one epoch, and then anywhere: in processing, in a snapshot, between manifest and commit, in a recovery.
        if generator.random() < 0.8:
            went_on = host.wait_for(lambda: complete_epochs(checkpoints) - before, "an epoch")
        else:
            went_on = host.wait_for(lambda: b"checkpoint." in host.text, "the start")
        if not went_on:
            result = host.finish()
            assert result.code == 0, result
            break
        waiting.any_moment(generator, 0.15)
        host.kill()
        done += 1
    result = harness.Run(0, "", "")
    if complete_epochs(checkpoints) and done:
        result = Host(command(parameters, checkpoints, **flags())).finish()
        assert result.code == 0, result
    found = read_output(out)
    assert done == kills, f"the job ended after {done} kills"
    assert found == whole, f"{len(found)} lines, expected {len(whole)}, after {done} kills; the last run: {result}"
    return f"{done} kills, {len(whole)} lines"


def manifests(checkpoints):
    """Those of complete epochs, by number."""
    found = {}
    for epoch in complete_epochs(checkpoints):
        try:
            with open(f"{checkpoints}/epoch-{epoch}/manifest.json") as file:
                found[epoch] = json.load(file)
        except OSError:
            pass
    return found


def stops_and_goes_on(folder, pipeline):
    """SIGTERM ends a run behind an epoch, with nothing that was read lost or finished too early."""
    out, checkpoints = os.path.join(folder, "out/"), os.path.join(folder, "checkpoints")
    parameters = pipeline(folder, out)
    stops = 0
    while True:
        host = Host(command(parameters, checkpoints, threads=2))
        before = complete_epochs(checkpoints)
        running = host.wait_for(lambda: complete_epochs(checkpoints) - before, "an epoch")
        if running:
            host.process.send_signal(signal.SIGTERM)
            stops += 1
        result = host.finish()
        assert result.code == 0, result
        newest = manifests(checkpoints)[max(complete_epochs(checkpoints))]
        if newest["kind"] == "final":
            break
        assert stops < 100, "it never comes to its end"
    assert stops >= 3, f"the job ended after {stops} stops"
    assert computed(pipeline, read_output(out)) == expected(pipeline, folder), "the rows are not DuckDB's"
    return f"{stops} stops"


def worker_killed(folder, pipeline):
    """The supervisor starts a worker that was killed again, and the job goes on."""
    out, checkpoints = os.path.join(folder, "out/"), os.path.join(folder, "checkpoints")
    parameters = pipeline(folder, out)
    host = Host(command(parameters, checkpoints, threads=2, restart_delay="1ms"))
    kills = 0
    while kills < 5:
        before = complete_epochs(checkpoints)
        if not host.wait_for(lambda: complete_epochs(checkpoints) - before, "an epoch"):
            break
        children = f"/proc/{host.process.pid}/task/{host.process.pid}/children"
        with open(children) as file:
            for worker in file.read().split():
                os.kill(int(worker), signal.SIGKILL)
        kills += 1
    result = host.finish()
    assert result.code == 0, result
    assert kills == 5, f"the job ended after {kills} kills"
    assert computed(pipeline, read_output(out)) == expected(pipeline, folder), "the rows are not DuckDB's"
    return f"{kills} kills"


def savepoint(folder):
    """SIGUSR1 takes an epoch that is kept when all others of its time are gone, and a run goes on from it when told to."""
    out, checkpoints = os.path.join(folder, "out/"), os.path.join(folder, "checkpoints")
    parameters = copies(folder, out)
    host = Host(command(parameters, checkpoints, threads=2, retain=1))
    assert host.wait_for(lambda: complete_epochs(checkpoints), "an epoch"), host.finish()
    host.process.send_signal(signal.SIGUSR1)
    result = host.finish()
    assert result.code == 0, result
    kept = [epoch for epoch, manifest in manifests(checkpoints).items() if manifest["kind"] == "savepoint"]
    assert len(kept) == 1, f"{manifests(checkpoints).keys()}: {result}"
    done = harness.attempt(harness.plugin("plan-file"), parameters=parameters, checkpoint_dir=checkpoints, **{"from": "savepoint"})
    (restored,) = done.event("checkpoint.restored")
    assert restored["epoch"] == kept[0], done


def no_directory(folder):
    """Where nothing can be written, one sentence says so."""
    parameters = copies(folder, os.path.join(folder, "out/"))
    for path in ["/proc/checkpoints", os.path.join(folder, "rows-0.csv")]:
        done = harness.attempt(harness.plugin("plan-file"), parameters=parameters, checkpoint_dir=path)
        last = done.events[-1]
        assert done.code == 64 and path in last["message"], done


def second_host(folder):
    """It is refused with the first one's host name and pid; the first one, which stood still for so long that another machine might
    have taken its place, goes on from its last epoch."""
    checkpoints = os.path.join(folder, "checkpoints")
    parameters = copies(folder, os.path.join(folder, "out/"))
    host = Host(command(parameters, checkpoints, threads=1))
    try:
        assert host.wait_for(lambda: b"checkpoint." in host.text, "the start"), host.finish()
        os.killpg(host.process.pid, signal.SIGSTOP)
        stopped = time.monotonic()
        done = harness.attempt(harness.plugin("plan-file"), parameters=parameters, checkpoint_dir=checkpoints)
        # Longer than its lease holds.
        waiting.let_pass(stopped, 5.5)
        os.killpg(host.process.pid, signal.SIGCONT)
        assert done.code == 69, done
        assert "is in use by process" in done.stderr and f"on host {os.uname().nodename}" in done.stderr, done
        result = host.finish()
        assert result.code == 0 and len(result.event("worker.restarting")) == 1, result
        assert computed(copies, read_output(os.path.join(folder, "out/"))) == expected(copies, folder), "the rows are not DuckDB's"
    finally:
        if host.poll() is None:
            host.kill()


def damage(folder):
    """A flipped bit in the newest epoch's manifest or files: told, the one before is gone on from, and the rows are the same."""
    out, checkpoints = os.path.join(folder, "out/"), os.path.join(folder, "checkpoints")
    parameters = windows(folder, out)
    host = Host(command(parameters, checkpoints, threads=2))
    assert host.wait_for(lambda: len(complete_epochs(checkpoints)) >= 3, "three epochs"), host.finish()
    host.kill()
    newest = max(complete_epochs(checkpoints))
    path = f"{checkpoints}/epoch-{newest}/manifest.json"
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    result = Host(command(parameters, checkpoints, threads=2)).finish()
    assert result.code == 0, result
    assert any(path in event["message"] for event in result.event("checkpoint.damaged")), result
    (restored,) = result.event("checkpoint.restored")
    assert restored["epoch"] < newest, restored


def other_pipeline(folder):
    """The directory of another pipeline is refused, and stays as it is."""
    checkpoints = os.path.join(folder, "checkpoints")
    parameters = copies(folder, os.path.join(folder, "out/"))
    result = Host(command(parameters, checkpoints, threads=2)).finish()
    assert result.code == 0, result
    with open(parameters["plan"]) as file:
        plan = json.load(file)
    plan["name"] = "another"
    with open(parameters["plan"], "w") as file:
        json.dump(plan, file)
    state = lambda: sorted(path for path in glob.glob(f"{checkpoints}/epoch-*/*"))
    before = state()
    done = harness.attempt(harness.plugin("plan-file"), parameters=parameters, checkpoint_dir=checkpoints)
    assert done.code == 64 and "holds epochs of the pipeline 'plan-file'" in done.stderr, done
    assert state() == before


def ended_again(folder, name):
    """A job that has ended and is run again, several times, leaves its rows as they are."""
    for attempt in range(4):
        place = os.path.join(folder, str(attempt))
        os.mkdir(place)
        path, out = os.path.join(place, "rows.csv"), os.path.join(place, name)
        with open(path, "w") as file:
            file.write("id,k,v,t\n" + "".join(f"{row},key,{row},2024-05-01 00:00:00\n" for row in range(20_000)))
        parameters = plan(place, "again", plans.source("csv", path, FIELDS), plans.sink("jsonlines", out))
        for _ in range(3):
            result = Host(command(parameters, os.path.join(place, "checkpoints"), parallelism=2, threads=2)).finish()
            assert result.code == 0, result
            found = sum(len(open(part).readlines()) for part in ([out] if os.path.isfile(out) else glob.glob(f"{out}*")))
            assert found == 20_000, f"{found} rows"


def checks(suite):
    suite.check("windows survive being killed", survives, windows, 8, False)
    suite.check("windows survive being killed while the parallelism changes", survives, windows, 6, True)
    suite.check("rows of several files survive being killed", survives, copies, 8, False)
    suite.check("a stopped job of windows goes on", stops_and_goes_on, windows)
    suite.check("a stopped job of files goes on", stops_and_goes_on, copies)
    suite.check("a killed worker of windows is started again", worker_killed, windows)
    suite.check("a killed worker of files is started again", worker_killed, copies)
    suite.check("a savepoint is kept", savepoint)
    suite.check("a second host is refused", second_host)
    suite.check("a directory that cannot be written is told", no_directory)
    suite.check("a damaged epoch is told, and the one before it is gone on from", damage)
    suite.check("the checkpoints of another pipeline are refused", other_pipeline)
    suite.check("a job that has ended and is run again leaves its rows in a folder", ended_again, "out/")
    suite.check("a job that has ended and is run again leaves its rows in a file", ended_again, "out.jsonl")
