"""State that is larger than its part of --memory-limit: the worker's memory, seen from outside, keeps to the limit, and nothing of the
state is lost."""

import glob
import json
import os
import signal
import subprocess
import sys

import duckdb

import harness
import plans

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import waiting

LIMITS = [256, 512]
# Never more above the limit than this, in percent: of running sums, and of windows, which leave memory and fire with all their keys
# at once, in both subtasks at the same time when it comes to that.
ABOVE = 10
WINDOWS_ABOVE = 30
KEYS = {256: 1_500_000, 512: 2_500_000}
ROWS = {256: 4_000_000, 512: 6_000_000}
PROCESSED_KEYS, PROCESSED_ROWS = 1_000_000, 2_500_000


JOINED_KEYS, JOINED_ROWS = 1_500_000, 1_500_000
SESSION_KEYS, SESSION_ROWS, SESSION_GAP = 2_000_000, 3_000_000, 1_000
RANKED_KEYS, RANKED_ROWS = 1_500_000, 2_000_000


# Rows a window: two million of them, a millisecond apart.
WINDOW_SECONDS = 2_000
WINDOW_KEYS = 3_000_000
WINDOW_ROWS = 5_000_000
# Of windows of which a row is in several.
SHARED_ROWS = 3_000_000


def field(name, type="int64"):
    return {"name": name, "type": type, "nullable": False}


def rows(keys, count, *others):
    """Rows of random keys, with other columns as the generator makes them."""
    columns = {"k": {"kind": "uniform", "min": 0, "max": keys}, "v": {"kind": "uniform", "min": 0, "max": 1000}}
    connector = {"name": "generator", "options": {"rows": count, "seed": harness.SEED, "columns": columns}}
    return {
        "source": {
            "implementation": {"connector": connector}, "schema": [field("k"), field("v"), *others], "badRecords": {"stop": {}}}}


def chain(folder, name, *operators):
    """Writes a plan whose nodes have uids, and gives the pipeline's parameters.

    - operators: each takes what the one before it gives, but for those that come with the places of their inputs."""
    nodes = []
    for index, operator in enumerate(operators):
        inputs = [index - 1] if index else []
        if isinstance(operator, tuple):
            inputs, operator = operator
        nodes.append({
            "id": index, "uid": f"node-{index}", "inputs": [{"node": node, "output": 0} for node in inputs],
            "operator": operator})
    path = os.path.join(folder, f"{name}.json")
    with open(path, "w") as file:
        json.dump({"version": {"major": 0, "minor": 2}, "name": "plan-file", "nodes": nodes}, file)
    return {"plan": path}


def worker_of(host):
    """The one child of the supervisor."""
    with open(f"/proc/{host.pid}/task/{host.pid}/children") as file:
        return next(iter(file.read().split()), None)


def most_resident(host, checkpoints):
    """Bytes that a worker had in memory at the most, at every moment, until the last one ends. The first is killed after an epoch.

    Not after more: with state that is slow to reach, most rows are in the channels before the first barrier, so that the next epoch may
    be the last one."""
    most, killed = 0, False

    def look():
        nonlocal most, killed
        try:
            worker = worker_of(host)
            if not killed and len(glob.glob(f"{checkpoints}/epoch-*/manifest.json")):
                os.kill(int(worker), signal.SIGKILL)
                killed = True
            with open(f"/proc/{worker}/status") as file:
                for line in file:
                    if line.startswith("VmHWM:"):
                        most = max(most, int(line.split()[1]) * 1024)
        except (OSError, TypeError):
            # Between two workers.
            pass
        return host.poll() is not None

    waiting.wait_until(look, "the end", 5 * harness.PATIENCE, pause=0.02)
    assert killed, "the job had ended before an epoch"
    return most


def run(folder, limit, source, *operators):
    """Runs in so many mebibytes, with many epochs, and a worker that is killed. Gives what was resident at the most, and where the
    sink has written and the source's rows are."""
    checkpoints = os.path.join(folder, "checkpoints")
    out = os.path.join(folder, "out")
    parameters = chain(folder, "job", source, *operators, plans.sink("csv", out + "/"))
    words = harness.command(
        harness.plugin("plan-file"), parameters=chain(folder, "job", source, *operators, plans.sink("csv", out + "/")),
        memory_limit=f"{limit}MiB", parallelism=2, threads=2, checkpoint_dir=checkpoints, checkpoint_interval="500ms",
        restart_delay="1ms")
    with open(os.path.join(folder, "errors"), "w") as errors:
        host = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=errors)
        most = most_resident(host, checkpoints)
    assert host.returncode == 0, open(os.path.join(folder, "errors")).read()
    copied = os.path.join(folder, "rows.csv")
    harness.run(harness.plugin("plan-file"), parameters=chain(folder, "rows", source, plans.sink("csv", copied)), parallelism=1)
    return most, f"read_csv('{out}/*.csv')", f"read_csv('{copied}')"


def verdict(limit, most, expected, found, keys, above=ABOVE):
    """Both queries give keys, a total and a number of rows."""
    wrong, count, given = duckdb.sql(
        f"""with expected as ({expected}), found as ({found})
        select count(*) filter (expected.total is distinct from found.total or expected.rows is distinct from found.rows),
          (select count(*) from expected), (select count(*) from found)
        from expected full join found using ({keys})""").fetchall()[0]
    assert wrong == 0, f"{wrong} of {count} keys are not as DuckDB has them"
    assert given == count, f"{count} keys were given {given} times"
    bound = limit * (1 << 20) * (100 + above) // 100
    assert most <= bound, f"{most >> 20} MiB were resident with a limit of {limit} MiB"
    return f"{count} keys, {most >> 20} of {limit} MiB resident"


CALLS = {"total": ("sum", plans.column("v")), "rows": ("count", None)}


def keeps_sums(folder, limit):
    """Running sums of more keys than there is room for."""
    most, out, copied = run(
        folder, limit, rows(KEYS[limit], ROWS[limit]), plans.key_by("k"), plans.aggregate(**CALLS))
    # The last that was told of each key.
    return verdict(
        limit, most, f"select k, sum(v)::bigint total, count(*) as rows from {copied} group by k",
        f"select k, arg_max(total, rows) total, max(rows) as rows from {out} group by k", "k")


class Windows:
    """An assigner, and its windows in SQL: the i-th one that a row is in, if the row is before its end."""

    def __init__(self, assigner, count, start, length):
        self.assigner, self.count, self.start, self.length = assigner, count, start, length

    @staticmethod
    def tumbling(size):
        return Windows({"tumbling": {"size": size * 1_000_000, "offset": 0}}, 1, f"floor(epoch(t) / {size}) * {size}", size)

    @staticmethod
    def sliding(size, slide):
        assigner = {"sliding": {"size": size * 1_000_000, "slide": slide * 1_000_000, "offset": 0}}
        return Windows(assigner, size // slide, f"(floor(epoch(t) / {slide}) - i) * {slide}", size)

    @staticmethod
    def cumulative(size, step):
        assigner = {"cumulative": {"size": size * 1_000_000, "step": step * 1_000_000, "offset": 0}}
        return Windows(assigner, size // step, f"floor(epoch(t) / {size}) * {size}", f"(i + 1) * {step}")

    def of(self, rows):
        return f"""(select k, v, {self.start} as s, {self.start} + {self.length} as e from {rows}, range({self.count}) as r(i)
            where {self.start} + {self.length} > epoch(t))"""


def keeps_windows(folder, limit, windows, count, disorder=0):
    """Windows each of which has more keys than there is room for. With much disorder all fire at the end of the input."""
    most, out, copied = run(
        folder, limit, rows(WINDOW_KEYS, count, field("t", {"timestamp": {"unit": "us"}})),
        {"eventTime": {"column": "t", "outOfOrderness": disorder * 1_000_000, "undated": "stop"}}, plans.key_by("k"),
        {"window": {
            "assigner": windows.assigner, "scope": "key", "time": "event", "allowedLateness": 0, "late": "drop", "emission": "final",
            "aggregates": plans.aggregate(**CALLS)["aggregate"]["aggregates"]}})
    return verdict(
        limit, most, f"select k, s, e, sum(v)::bigint total, count(*) as rows from {windows.of(copied)} group by all",
        f"select k, epoch(window_start) s, epoch(window_end) e, total, rows from {out}", "k, s, e", WINDOWS_ABOVE)


def keep():
    """A process function that keeps a value, a list and a map."""
    names = ["k", "total", "listed", "counted"]
    states = [{"name": name, "kind": name, "schema": [field("number")]} for name in ["value", "list", "map"]]
    states[2]["mapKey"] = field("remainder")
    return {
        "process": {
            "function": "keep", "label": "keep", "columns": [field("v")], "key": [field("k")], "states": states,
            "outputs": [[field(name) for name in names]]}}


def keeps_states(folder, limit):
    """A value, a list and a map of each of more keys than there is room for: the value's total is that of the list too."""
    most, out, copied = run(folder, limit, rows(PROCESSED_KEYS, PROCESSED_ROWS), plans.key_by("k"), keep())
    return verdict(
        limit, most, f"select k, [sum(v)::bigint, sum(v)::bigint, count(*)] total, count(*) as rows from {copied} group by k",
        f"""select k, [arg_max(total, counted), arg_max(listed, counted), max(counted)] total, count(distinct counted) as rows
        from {out} group by k""", "k")


def joins(folder, limit):
    """A join of all rows of two inputs, of more keys than there is room for."""
    source = rows(JOINED_KEYS, JOINED_ROWS)
    most, out, copied = run(
        folder, limit, source, plans.key_by("k"), ([], rows(JOINED_KEYS, JOINED_ROWS)), plans.key_by("k"),
        ([1, 3], {"join": {"kind": "inner", "bounds": {"unbounded": {}}, "sharedNames": {"suffix": ["", "_2"]}}}))
    # Both inputs have the same rows.
    return verdict(
        limit, most, f"""select k, sum(left_.v * 1001 + right_.v)::bigint total, count(*) as rows
        from {copied} left_ join {copied} right_ using (k) group by k""",
        f"select k, sum(v * 1001 + v_2)::bigint total, count(*) as rows from {out} group by k", "k")


def keeps_sessions(folder, limit):
    """Sessions of which nearly all are open at the same time, and that take more memory than there is."""
    most, out, copied = run(
        folder, limit, rows(SESSION_KEYS, SESSION_ROWS, field("t", {"timestamp": {"unit": "us"}})),
        {"eventTime": {"column": "t", "outOfOrderness": 0, "undated": "stop"}}, plans.key_by("k"),
        {"window": {
            "assigner": {"session": {"gap": SESSION_GAP * 1_000_000}}, "scope": "key", "time": "event", "allowedLateness": 0,
            "late": "drop", "emission": "final", "aggregates": plans.aggregate(**CALLS)["aggregate"]["aggregates"]}})
    return verdict(
        limit, most, f"""select k, epoch(min(t)) s, sum(v)::bigint total, count(*) as rows from (
          select *, sum(is_new) over (partition by k order by t) as number from (
            select *, coalesce((t - lag(t) over (partition by k order by t) >= interval {SESSION_GAP} seconds)::int, 1) as is_new
            from {copied}))
        group by k, number""", f"select k, epoch(window_start) s, total, rows from {out}", "k, s", WINDOWS_ABOVE)


def keeps_ranks(folder, limit):
    """The two largest rows of each of more keys than there is room for, as they change."""
    most, out, copied = run(
        folder, limit, rows(RANKED_KEYS, RANKED_ROWS, field("n")), plans.key_by("k"),
        {"topN": {"count": 2, "by": [{"column": "v", "descending": True, "nullsFirst": False},
                                     {"column": "n", "descending": False, "nullsFirst": False}], "emission": "updating"}})
    return verdict(
        limit, most, f"""select k, sum(v * 7 + n % 1000003)::bigint total, count(*) as rows from (
          select *, row_number() over (partition by k order by v desc, n) place from {copied}) where place <= 2 group by k""",
        f"""select k, sum(sign * (v * 7 + n % 1000003))::bigint total, sum(sign)::bigint as rows from (
          select *, case when row_kind in ('+I', '+U') then 1 else -1 end as sign from {out}) group by k""", "k")


def checks(suite):
    for limit in LIMITS:
        suite.check(f"running sums beyond a memory limit of {limit} MiB", keeps_sums, limit)
    tumbling = Windows.tumbling(WINDOW_SECONDS)
    suite.check(f"tumbling windows beyond a memory limit of {LIMITS[0]} MiB", keeps_windows, LIMITS[0], tumbling, WINDOW_ROWS)
    suite.check(
        "the same, all of which fire at the end of the input", keeps_windows, LIMITS[0], tumbling, WINDOW_ROWS, 5 * WINDOW_SECONDS)
    for name, windows in [
        ("sliding", Windows.sliding(WINDOW_SECONDS, WINDOW_SECONDS // 2)),
        ("cumulative", Windows.cumulative(WINDOW_SECONDS, WINDOW_SECONDS // 4)),
    ]:
        suite.check(f"{name} windows beyond a memory limit of {LIMITS[0]} MiB", keeps_windows, LIMITS[0], windows, SHARED_ROWS)
    suite.check(f"values, lists and maps beyond a memory limit of {LIMITS[0]} MiB", keeps_states, LIMITS[0])
    suite.check(f"a join beyond a memory limit of {LIMITS[0]} MiB", joins, LIMITS[0])
    suite.check(f"sessions beyond a memory limit of {LIMITS[0]} MiB", keeps_sessions, LIMITS[0])
    suite.check(f"the first rows of keys beyond a memory limit of {LIMITS[0]} MiB", keeps_ranks, LIMITS[0])
