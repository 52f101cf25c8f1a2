"""Records on which functions trap are found and set aside, and the others come out as from data without them."""

import glob
import json
import os
import random
import signal
import subprocess

import harness
import plans
import quarantine
import recovery
from recovery import waiting

FALLS = harness.plugin("plan-falls")
MENDED = harness.plugin("plan-mended")
FIELDS = [plans.field("id", "int64"), plans.field("amount", "int64"), plans.field("user", "int64"),
          plans.field("t", {"timestamp": {"unit": "us"}})]


def orders(count, most=20_000):
    """One in a hundred thousand microseconds; times of 1970 and 1971."""
    generator = random.Random(harness.SEED)
    return [{"id": id, "amount": generator.randrange(1, most), "user": generator.randrange(40), "t": "1970-01-02T00:00:00Z"}
            for id in range(count)]


def is_deadly(order):
    return order["amount"] % 103 == 0


def few_deadly(rows, count):
    """The same rows, of which only so many are deadly."""
    deadly = [row for row in rows if is_deadly(row)]
    random.Random(harness.SEED).shuffle(deadly)
    for row in deadly[count:]:
        row["amount"] += 1
    return rows


def batches(name):
    return [{"batchFunction": {"function": name, "label": name, "outputs": [FIELDS]}}]


def counting(name):
    process = {
        "process": {
            "function": name, "label": name, "columns": FIELDS[:2], "key": [FIELDS[2]],
            "states": [{"name": "count", "kind": "value", "schema": [{**plans.field("value", "int64"), "nullable": False}]}],
            "outputs": [[plans.field("id", "int64"), plans.field("count", "int64")]]}}
    return [{"eventTime": {"column": "t", "outOfOrderness": 0, "undated": "stop"}}, plans.key_by("user"), process]


class Job:
    """A job with the plugin 'plan-falls' over rows in a file, with checkpoints and a quarantine."""

    def __init__(self, folder, operators, rows, name="job", rows_per_second=None):
        self.out, self.aside = os.path.join(folder, name, ""), os.path.join(folder, f"{name}-aside")
        self.checkpoints = os.path.join(folder, f"{name}-checkpoints")
        path = os.path.join(folder, f"{name}.jsonl")
        quarantine.write(path, rows)
        # One subtask reads: rows of a key come in order. It is that which keeps the pace, so that no barrier waits behind rows.
        reading = [plans.source("jsonlines", path, FIELDS), *([plans.pace(rows_per_second, FIELDS)] if rows_per_second else [])]
        self.parameters = recovery.plan(
            folder, f"{name}-plan", *reading, *operators, plans.sink("jsonlines", self.out),
            parallelism={index: 1 for index in range(len(reading))})

    def host(self, plugin=FALLS, **flags):
        flags = {"quarantine": self.aside, "quarantine_limit": 10_000, "threads": 2, "restart_delay": "1ms", **flags}
        return recovery.Host(harness.command(
            plugin, parameters=self.parameters, checkpoint_dir=self.checkpoints, checkpoint_interval=recovery.INTERVAL, **flags))

    def plain(self):
        """Without checkpoints and quarantine: the rows."""
        harness.run(FALLS, parameters=self.parameters, threads=2)
        return self.rows()

    def rows(self):
        return sorted(quarantine.read(os.path.join(self.out, "*.jsonl")), key=lambda row: sorted(row.items()))

    def records(self):
        return sorted(quarantine.read(os.path.join(self.aside, "*", "*.jsonl")), key=lambda line: line["record"]["id"])


def check_records(lines, bad, function):
    assert [line["record"]["id"] for line in lines] == [order["id"] for order in bad], f"{len(lines)} lines of {len(bad)}"
    for line in lines:
        id = line["record"]["id"]
        assert f"function '{function}' trapped in 'process': SIG" in line["error"], line
        assert line["error"].endswith(f"(falls: order {id} is deadly)"), line
        assert line["epoch"] > 0 and len(line["sha256"]) == 64 and line["plugin"] == "plan-file", line


def sets_aside(folder, operators, function, flags, kills=0):
    """Killed or not: each record is in what the function made of it or in the quarantine, once."""
    rows = few_deadly(orders(100_000), 12)
    bad, good = [row for row in rows if is_deadly(row)], [row for row in rows if not is_deadly(row)]
    wanted = Job(folder, operators, good, "wanted").plain()
    job = Job(folder, operators, rows)
    generator = random.Random(harness.SEED)
    done, found, host = 0, 0, job.host(**flags)
    while done < kills:
        # In the search more often than not, else behind an epoch.
        before = recovery.complete_epochs(job.checkpoints)
        sign = generator.choice([b"quarantine.searching", b"quarantine.trapped", None])
        if not host.wait_for(
                lambda: sign in host.text if sign else recovery.complete_epochs(job.checkpoints) - before, "something to kill"):
            break
        waiting.any_moment(generator, 0.1)
        host.kill()
        found += host.text.count(b"quarantine.trapped")
        done += 1
        host = job.host(**flags)
    result = host.finish()
    assert result.code == 0, result
    found += len(result.event("quarantine.trapped"))
    assert found > 0, result
    assert not result.event("worker.restarting"), result
    assert job.rows() == wanted, f"{len(job.rows())} rows, expected {len(wanted)}: {result}"
    check_records(job.records(), bad, function)
    return f"{done} kills, {len(bad)} of {len(rows)} records, {len(result.event('quarantine.searching'))} searches in the last run"


def swift(folder, flags):
    """A force unwrap and an index out of range."""
    generator = random.Random(harness.SEED)
    rows = [{"id": id, "user": f"user {generator.randrange(40)}", "amount": generator.randrange(1, 4000)} for id in range(20_000)]
    falls = lambda row: next((by for divisor, by in [(1009, "map-1"), (1013, "running")] if row["amount"] % divisor == 0), None)
    kept = {"map-1": 0, "running": 0}
    rows = [row for row in rows if not falls(row) or kept.__setitem__(falls(row), kept[falls(row)] + 1) or kept[falls(row)] <= 5]
    everything, good = os.path.join(folder, "all.jsonl"), os.path.join(folder, "good.jsonl")
    quarantine.write(everything, rows)
    quarantine.write(good, [row for row in rows if not falls(row)])

    def run(input, name, **more):
        output = os.path.join(folder, name, "")
        result = harness.run(harness.plugin("results"), "trapping", parameters={"input": input, "output": output}, **flags, **more)
        return result, sorted(quarantine.read(os.path.join(output, "*.jsonl")), key=quarantine.key)

    aside = os.path.join(folder, "aside")
    _, wanted = run(good, "wanted")
    result, found = run(everything, "out", quarantine=aside, checkpoint_dir=os.path.join(folder, "checkpoints"))
    assert found == wanted, f"{len(found)} rows, expected {len(wanted)}: {result}"
    for uid in kept:
        lines = sorted(quarantine.read(os.path.join(aside, uid, "*.jsonl")), key=lambda line: line["record"]["id"])
        assert [line["record"]["id"] for line in lines] == [row["id"] for row in rows if falls(row) == uid], (uid, lines)
        assert all("trapped in 'process': SIG" in line["error"] for line in lines), lines
    return f"{sum(map(len, result.event('quarantine.searching')))} searches"


def together(folder):
    """Rows on which no call traps alone are not set aside: they are taken one by one."""
    rows = few_deadly(orders(200), 0)
    job = Job(folder, batches("together"), rows)
    result = job.host().finish()
    assert result.code == 0, result
    assert [row["id"] for row in sorted(job.rows(), key=quarantine.key)] == list(range(200)) and not job.records(), result
    assert result.event("quarantine.searching") and not result.event("quarantine.trapped"), result


def once(folder):
    """A trap that does not come again sets nothing aside."""
    job = Job(folder, batches("once"), few_deadly(orders(20_000), 0))
    wish = os.path.join(folder, "wish")
    open(wish, "w").close()
    os.environ["VOLLEY_TEST_TRAP"] = wish
    try:
        result = job.host(restart_limit=0).finish()
    finally:
        del os.environ["VOLLEY_TEST_TRAP"]
    assert result.code == 0 and not os.path.exists(wish), result
    assert len(job.rows()) == 20_000 and not job.records(), result
    assert len(result.event("quarantine.searching")) == 1, result


def in_worker(folder):
    """A function that traps where a copy of the worker did not is given up as without a quarantine."""
    job = Job(folder, batches("in-worker"), few_deadly(orders(20_000), 3))
    result = job.host(restart_limit=2).finish()
    assert result.code == 70, result
    assert result.event("quarantine.search-vain") and len(result.event("worker.restarting")) == 2, result
    assert "trapped in 'process'" in result.stderr and not job.records(), result


def limit(folder):
    """One record more than the limit ends the job, and nothing of the epoch shows."""
    job = Job(folder, batches("trap"), few_deadly(orders(2_000), 5))
    result = job.host(restart_limit=0, quarantine_limit=4, parallelism=1).finish()
    assert result.code == 70 and "as many as --quarantine-limit allows" in result.stderr, result
    assert not job.rows() and not job.records(), result


def verb(job, word, *flags, code=0):
    done = subprocess.run(
        [harness.HOST, "quarantine", word, "--quarantine", job.aside, *flags], capture_output=True, timeout=harness.PATIENCE)
    assert done.returncode == code, done
    return done.stdout.decode() if code == 0 else done.stderr.decode()


def listed(job):
    (line,) = [json.loads(line) for line in verb(job, "list", "--json").splitlines()]
    return line["records"], line["fed"], line["waiting"]


def fed_again(folder, operators):
    """What was set aside is given to a mended version once, whatever is killed, and what is refused again is set aside again."""
    rows = few_deadly(orders(20_000), 40)
    bad = [row["id"] for row in rows if is_deadly(row)]
    job = Job(folder, operators, rows)
    result = job.host().finish()
    assert result.code == 0, result
    ids = lambda: sorted(row["id"] for row in job.rows() if row["id"] >= 0)
    assert ids() == [row["id"] for row in rows if not is_deadly(row)] and listed(job) == (40, 0, 0), result
    shown = [json.loads(line) for line in verb(job, "show").splitlines()]
    assert sorted(line["record"]["id"] for line in shown) == bad and all(line["fed"] == "no" for line in shown), shown
    assert "there is no record 'x'" in verb(job, "feed", "--record", "x", code=64)
    assert "did you mean" in verb(job, "feed", "--uid", shown[0]["uid"] + "x", code=64)

    # A verb that was killed before its request was whole has asked for nothing.
    asked = os.path.join(job.aside, "_feed", shown[0]["uid"])
    os.makedirs(asked)
    with open(os.path.join(asked, "1.ids"), "w") as file:
        file.writelines(json.dumps({"id": line["id"], "epoch": 1}) + "\n" for line in shown)
    assert listed(job) == (40, 0, 0)
    verb(job, "feed", "--record", shown[0]["id"], "--record", shown[7]["id"])
    assert listed(job) == (40, 0, 2)
    assert verb(job, "feed").startswith("38 records will be fed again"), listed(job)
    assert verb(job, "feed").startswith("0 records will be fed again"), listed(job)
    assert listed(job) == (40, 0, 40)

    # The same version refuses them again.
    generator = random.Random(harness.SEED)
    result = job.host().finish()
    assert result.code == 0 and len(job.rows()) == len(set(json.dumps(row) for row in job.rows())), result
    assert listed(job) == (80, 40, 0), listed(job)
    again = [json.loads(line) for line in verb(job, "show").splitlines()]
    assert sorted(line["record"]["id"] for line in again if line["fed"] == "no") == bad, again
    assert verb(job, "feed").startswith("40 records will be fed again")
    kills = 0
    for sign in [b"checkpoint.restored", b"job.started", b"worker.resources", b"quarantine.fed"]:
        host = job.host(plugin=MENDED, parallelism=generator.choice([1, 2, 3]))
        if host.wait_for(lambda: sign in host.text, "something to kill"):
            waiting.any_moment(generator, 0.05)
            host.kill()
            kills += 1
    for _ in range(2):
        result = job.host(plugin=MENDED).finish()
        assert result.code == 0, result
        assert ids() == list(range(20_000)), f"{len(ids())} rows after {kills} kills: {result}"
        assert listed(job) == (80, 80, 0), listed(job)
    return f"{kills} kills"


def fed_to_state(folder):
    """A job is stopped, mended, and given its records again with its state: each key counts on."""
    rows = few_deadly(orders(150_000), 60)
    for rows_per_second in [40_000, 5_000]:  # On a machine that is too busy to show a record before all rows are through.
        job = Job(folder, counting("count-throws"), rows, f"job-{rows_per_second}", rows_per_second)
        host = job.host(parallelism=2, batch_rows=1000)
        host.wait_for(job.records, "a record that is set aside")
        host.process.send_signal(signal.SIGTERM)
        result = host.finish()
        assert result.code == 0, result
        records, fed, waiting = listed(job)
        assert records > 0 and fed == waiting == 0, listed(job)
        if is_stopped := len([row for row in job.rows() if row["id"] >= 0]) < 150_000 - 60:
            break
    assert is_stopped, "the job had ended before it was stopped"
    assert verb(job, "feed").startswith(f"{records} record"), listed(job)
    kills = 0
    for parallelism in [3, 1, 2]:
        before = recovery.complete_epochs(job.checkpoints)
        host = job.host(plugin=MENDED, parallelism=parallelism, batch_rows=1000)
        if host.wait_for(lambda: recovery.complete_epochs(job.checkpoints) - before, "an epoch"):
            host.kill()
            kills += 1
    result = job.host(plugin=MENDED, batch_rows=1000).finish()
    assert result.code == 0 and listed(job) == (records, records, 0), (listed(job), result)
    found, counts = {}, {}
    users = {row["id"]: row["user"] for row in rows}
    for row in rows:
        counts[row["user"]] = counts.get(row["user"], 0) + 1
    for row in job.rows():
        if row["id"] >= 0:
            found.setdefault(users[row["id"]], []).append(row["count"])
    for user, count in counts.items():
        assert sorted(found[user]) == list(range(1, count + 1)), f"user {user} after {kills} kills: {result}"
    return f"{records} records, {kills} kills"


def throws_leave_no_trace(folder):
    """A keyed process function in C that has written state, set a timer, counted and emitted before it throws."""
    rows = orders(20_000)
    bad, good = [row for row in rows if is_deadly(row)], [row for row in rows if not is_deadly(row)]
    runs = {}
    for name, given in [("wanted", good), ("job", rows)]:
        job = Job(folder, counting("count-throws"), given, name)
        runs[name] = job, harness.run(FALLS, parameters=job.parameters, quarantine=job.aside, quarantine_limit=10_000, threads=2)
    (wanted, expected), (job, result) = runs["wanted"], runs["job"]
    assert job.rows() == wanted.rows(), f"{len(job.rows())} rows, expected {len(wanted.rows())}: {result}"
    assert any(row["id"] < 0 for row in job.rows()), "no timer has fired"
    assert [line["record"]["id"] for line in job.records()] == [row["id"] for row in bad], len(job.records())
    count = lambda run: sum(stage["counters"].get("rows", 0) for stage in run.report["stages"])
    assert count(result) == count(expected) == len(good), (count(result), count(expected), len(good))
    return f"{len(bad)} of {len(rows)} records"


def checks(suite):
    suite.check("a C function that throws leaves no trace of the call", throws_leave_no_trace)
    for flags in [{"parallelism": 1}, {"parallelism": 2, "batch_rows": 1000}]:
        suite.check(f"records on which a batch function traps are set aside, {flags}", sets_aside, batches("trap"), "trap", flags)
    suite.check(
        "records on which a keyed process function traps are set aside", sets_aside, counting("count-traps"), "count-traps",
        {"parallelism": 2})
    suite.check("traps of Swift functions are found", swift, {"parallelism": 2, "threads": 2})
    for name, operators in [("trap", batches("trap")), ("count-traps", counting("count-traps"))]:
        suite.check(f"what '{name}' traps on is set aside once, through kills", sets_aside, operators, name, {"parallelism": 2}, 8)
    suite.check("records are fed again to a batch function", fed_again, batches("trap"))
    suite.check("records are fed again to a keyed process function, whose state goes on", fed_to_state)
    suite.check("rows that trap only together are taken one by one", together)
    suite.check("a trap that comes once sets nothing aside", once)
    suite.check("a trap that no copy shows is restarted, and given up", in_worker)
    suite.check("too many records end the job", limit)
