"""The job of which the museum keeps a checkpoint of each format: its plan, its input, and what its output says."""

import collections
import contextlib
import fcntl
import glob
import json
import os
import random
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
# The job lives here, when its checkpoint is written and whenever it goes on: an epoch names the files of sinks by their whole
# paths.
HOME = "/tmp/volley-museum/job"
# A file's time is part of what an epoch knows of it, and no checkout keeps it.
INPUT_TIME = 1_700_000_000 * 10**9
KEYS, OPS = 4, 100


def column(name):
    return {"column": name}


def field(name, type, nullable=False):
    return {"name": name, "type": type, "nullable": nullable}


TIME = {"timestamp": {"unit": "us"}}


class Plan:
    def __init__(self):
        self.nodes = []

    def add(self, operator, *inputs, uid=None, parallelism=None):
        node = {"id": len(self.nodes), "inputs": [{"node": each, "output": 0} for each in inputs], "operator": operator}
        if uid:
            node["uid"] = uid
        if parallelism:
            node["parallelism"] = parallelism
        self.nodes.append(node)
        return node["id"]

    def source(self, name, schema, connector, **options):
        return self.paced(name, schema, {"connector": {"name": connector, "options": options}})

    def paced(self, name, schema, implementation):
        read = self.add({"source": {"implementation": implementation, "schema": schema, "badRecords": {"stop": {}}}},
                        uid=name, parallelism=1)
        return self.add({"batchFunction": {"function": "pace", "label": "pace", "outputs": [schema]}}, read, parallelism=1)

    def timed(self, node, name):
        return self.add({"eventTime": {"column": name, "outOfOrderness": 0, "undated": "stop"}}, node, parallelism=1)

    def keyed(self, node):
        return self.add({"keyBy": {"keys": [{"name": "k", "expression": column("k")}]}}, node)

    def sink(self, node, name, file=""):
        connector = {"name": "jsonlines", "options": {"path": f"out/{name}/{file}"}}
        self.add({"sink": {"implementation": {"connector": connector}}}, node, uid=f"{name}-out")


def aggregates(*calls):
    return [{"function": function, "name": f"{function}_{argument}", "argument": column(argument)} for function, argument in calls]


def window(assigner, *calls):
    return {"window": {
        "assigner": assigner, "scope": "key", "time": "event", "allowedLateness": 0, "late": "drop", "emission": "final",
        "aggregates": [{"function": "count", "name": "rows"}, *aggregates(*calls)]}}


def plan():
    made = Plan()
    # seconds: the time of windows and joins; micros: that of timers, which are set for the microsecond that the operation is.
    schema = [field("row", "int64"), field("k", "int64"), field("v", "int64"), field("op", "int64"), field("seconds", TIME),
              field("micros", TIME)]
    rows = made.source("rows", schema, "csv", path="in/rows.csv")
    keyed = made.keyed(rows)
    squares = {"function": "squares", "name": "squares", "user": {
        "function": "squares", "arguments": [{"name": "value", "type": "int64", "expression": column("v")}],
        "accumulator": [field("sum", "int64"), field("rows", "int64")], "result": field("result", "int64")}}
    made.sink(made.add({"aggregate": {
        "aggregates": [{"function": "count", "name": "rows"}, squares, *aggregates(
            ("sum", "v"), ("min", "v"), ("max", "v"), ("avg", "v"), ("count_distinct", "op"))],
        "emission": "per-record"}}, keyed, uid="sums"), "sums")
    made.sink(made.add({"topN": {
        "count": 2, "by": [
            {"column": "v", "descending": True, "nullsFirst": False}, {"column": "row", "descending": False, "nullsFirst": False}],
        "rank": "place", "emission": "updating"}}, keyed, uid="best"), "best")

    timed = made.keyed(made.timed(rows, "seconds"))
    made.sink(made.add(window({"tumbling": {"size": 10_000_000, "offset": 0}}, ("sum", "v")), timed, uid="tumbling"), "tumbling")
    made.sink(made.add(window({"session": {"gap": 2_000_000}}, ("max", "v")), timed, uid="sessions"), "sessions")
    others = [field("k", "int64"), field("w", "int64"), field("at", TIME)]
    other = made.keyed(made.timed(made.source("others", others, "csv", path="in/others.csv"), "at"))
    for name, bounds in [("near", {"interval": {"lower": -3_000_000, "upper": 3_000_000}}), ("all", {"unbounded": {}})]:
        made.sink(made.add({"join": {"kind": "inner", "bounds": bounds, "sharedNames": {"suffix": ["", "_other"]}}}, timed, other,
                           uid=f"join-{name}"), f"join-{name}")

    value = [field("value", "int64")]
    made.sink(made.add({"process": {
        "function": "tally", "label": "tally", "columns": [field("op", "int64")], "key": [field("k", "int64")],
        "states": [
            {"name": "count", "kind": "value", "schema": value}, {"name": "items", "kind": "list", "schema": value},
            {"name": "entries", "kind": "map", "schema": value, "mapKey": field("key", "int64")}],
        "outputs": [[field("user", "int64"), field("number", "int64")]]}}, made.keyed(made.timed(rows, "micros")), uid="tally"),
        "tally")

    numbers = [field("n", "int64"), field("x", "int64")]
    generated = made.source("numbers", numbers, "generator", rows=300, seed=7, columns={
        "n": {"kind": "sequence", "start": 0, "step": 1}, "x": {"kind": "uniform", "min": 0, "max": 999}})
    made.sink(generated, "numbers")
    # A single file is hidden while the job goes on; when it is shown it is known by its number in the file system, which no checkout
    # keeps.
    made.sink(generated, "single", "rows.jsonl")
    counted = made.paced("counted", [field("n", "int64")], {"function": "counted"})
    made.add({"sink": {"implementation": {"function": "ledger"}}}, counted, uid="ledger-out", parallelism=1)
    return {"version": {"major": 0, "minor": 2}, "name": "museum-job", "nodes": made.nodes}


@contextlib.contextmanager
def home():
    """An empty HOME, which nobody else has meanwhile."""
    os.makedirs(os.path.dirname(HOME), exist_ok=True)
    with open(HOME + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(HOME, ignore_errors=True)
        os.mkdir(HOME)
        yield HOME
        shutil.rmtree(HOME)


def prepare(folder):
    """Writes the plan and the input."""
    generator = random.Random(1)
    os.makedirs(os.path.join(folder, "in"))
    make_output(folder)
    with open(os.path.join(folder, "plan.json"), "w") as file:
        json.dump(plan(), file)
    # Of each key every operation of the tally once, and its sums twice.
    ops = [(key, op) for key in range(KEYS) for op in range(OPS)]
    generator.shuffle(ops)
    for place in (200, 400):
        ops[place:place] = [(key, op) for key in range(KEYS) for op in (100, 101)]
    moment = lambda seconds, micros=0: f"1970-01-01 00:{seconds // 60:02}:{seconds % 60:02}.{micros:06}"
    with open(os.path.join(folder, "in/rows.csv"), "w") as file:
        file.write("row,k,v,op,seconds,micros\n")
        for row, (key, op) in enumerate(ops):
            file.write(f"{row},{key},{generator.randrange(900)},{op},{moment(row // 5)},{moment(0, row // 7)}\n")
    with open(os.path.join(folder, "in/others.csv"), "w") as file:
        file.write("k,w,at\n")
        for row in range(4):
            file.write(f"{generator.randrange(KEYS)},{row},{moment(25 * row)}\n")
    settle(folder)


def make_output(folder):
    # Those that a sink does not make.
    for name in ("single", "ledger"):
        os.makedirs(os.path.join(folder, "out", name))


def settle(folder):
    for path in glob.glob(os.path.join(folder, "in/*")):
        os.utime(path, ns=(INPUT_TIME, INPUT_TIME))


def compile(version, target):
    """The plugin against the header of a released version of the boundary."""
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=gnu11", "-O1", "-s", "-Wall", "-Wextra", "-Werror", "-fPIC", "-fvisibility=hidden",
         "-shared", "-I", os.path.join(HERE, f"../abi-{version}"), "-o", target, os.path.join(HERE, "job.c")], check=True)


def command(host, plugin, *more, parallelism=2):
    return [host, "run", "--plugin", plugin, "--set", "plan=plan.json", "--parallelism", str(parallelism), "--threads", "2",
            "--batch-rows", "1", "--log-format", "json", *more]


def output(folder):
    """What all files say together: lines in any order; of a changelog what holds in the end."""
    found = {}
    for path in glob.glob(os.path.join(folder, "out/*/*")):
        name = os.path.relpath(path, os.path.join(folder, "out")).split("/")[0]
        with open(path) as file:
            for line in file:
                row = json.loads(line)
                if row.get("user") == -1:
                    # What the tally tells at the end, once a subtask.
                    continue
                kind = row.pop("row_kind", "+I")
                found.setdefault(name, collections.Counter())[json.dumps(row)] += 1 if kind[0] == "+" else -1
    return {name: sorted((+rows).elements()) for name, rows in sorted(found.items())}
