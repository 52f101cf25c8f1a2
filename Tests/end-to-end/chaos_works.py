"""Pipelines for jobs that are killed: the rows that they read, what they write, and what DuckDB says that they have to write.

Each has sinks of more than one kind, so that more than one of them has to commit an epoch.
"""

import collections
import glob
import json
import os
import random
import time

import duckdb
import pyarrow

import harness
import plans

# Rows a second that a source's subtask gives: a run is long enough for many epochs, and has rows on their way when it is killed.
PACE = 3000
START = 1_700_000_000
# Seconds that a row may be older than one in front of it.
JITTER = 2
TIMESTAMP = {"timestamp": {"unit": "us"}}
FIELDS = [plans.field("id", "int64"), plans.field("k", "utf8"), plans.field("v", "int64"), plans.field("t", TIMESTAMP)]
OTHERS = [plans.field("rid", "int64"), plans.field("k", "utf8"), plans.field("w", "int64"), plans.field("u", TIMESTAMP)]
ROWS = "{id: 'BIGINT', k: 'VARCHAR', v: 'BIGINT', t: 'TIMESTAMP'}"
OTHER_ROWS = "{rid: 'BIGINT', k: 'VARCHAR', w: 'BIGINT', u: 'TIMESTAMP'}"


def write_rows(folder, name, fields, counts, keys, rows_per_second):
    """CSV files, one a count; in each the times have the whole range, and are out of order by less than `JITTER`."""
    generator = random.Random(f"{harness.SEED} {name}")
    for index, count in enumerate(counts):
        seconds = sum(counts) / rows_per_second
        with open(os.path.join(folder, f"{name}-{index}.csv"), "w") as file:
            file.write(",".join(field["name"] for field in fields) + "\n")
            for row in range(count):
                moment = START + row * seconds / count - generator.random() * (JITTER - 0.1)
                text = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment)) + f".{int(moment % 1 * 1000):03}"
                key = generator.randrange(keys)
                file.write(f"{row * len(counts) + index},key {key},{generator.randrange(-1000, 1000)},{text}\n")


class Work:
    """A pipeline over files that were written when it was made."""

    name = ""
    # By the name of an output, how DuckDB reads what was written there, and the query that says what it has to be; it is of the tables
    # 'rows' and 'others'.
    outputs = {}

    def __init__(self, folder):
        self.folder = folder
        self.write()

    def write(self):
        raise NotImplementedError

    def nodes(self, graph, out, is_paced):
        raise NotImplementedError

    def parameters(self, place, is_paced=True):
        """Writes the plan of a run whose outputs are in a folder of their own; its parameters."""
        graph = Graph()
        self.nodes(graph, lambda name: os.path.join(place, name), is_paced)
        path = os.path.join(place, "plan.json")
        with open(path, "w") as file:
            json.dump({"version": {"major": 0, "minor": 2}, "name": "plan-file", "nodes": graph.nodes}, file)
        return {"plan": path}

    def source(self, graph, name, fields, is_paced, **options):
        node = graph.add(plans.source("csv", os.path.join(self.folder, f"{name}-*.csv"), fields, **options))
        return graph.add(plans.pace(PACE, fields), node) if is_paced else node

    def read(self, place):
        """What a run has written, by output: sorted lines, of changelogs what holds at their end."""
        return {name: lines(os.path.join(place, name)) for name in self.outputs}

    def check(self, found):
        """That these outputs are what DuckDB says."""
        tables = duckdb.connect()
        for table, name, columns in [("rows", "rows", ROWS), ("others", "others", OTHER_ROWS)]:
            path = os.path.join(self.folder, f"{name}-*.csv")
            if glob.glob(path):
                tables.sql(f"create table {table} as select * from read_csv('{path}', header = true, columns = {columns})")
        for name, (columns, query) in self.outputs.items():
            path = os.path.join(self.folder, f"found-{name.strip('/')}.jsonl")
            with open(path, "w") as file:
                file.write("\n".join(found[name]))
            given = f"select * from read_json('{path}', format = 'newline_delimited', columns = {columns})"
            for first, second, what in [(given, query, "too much"), (query, given, "missing")]:
                wrong = tables.sql(f"({first}) except all ({second})").fetchall()
                assert not wrong, f"{self.name}, {name}: without faults {len(wrong)} rows are {what}, such as {wrong[0]}"
            os.unlink(path)


class Graph:
    """The nodes of a plan."""

    def __init__(self):
        self.nodes = []

    def add(self, operator, *inputs, parallelism=None):
        index = len(self.nodes)
        node = {"id": index, "uid": f"node-{index}", "inputs": [{"node": each, "output": 0} for each in inputs], "operator": operator}
        if parallelism:
            node["parallelism"] = parallelism
        self.nodes.append(node)
        return index


def lines(path):
    """The rows of a file or of the files of a folder and those in it, sorted; hidden files are none of them. Of Arrow as JSON."""
    if path.endswith(".arrow"):
        with pyarrow.ipc.open_file(path) as file:
            return sorted(json.dumps(row) for row in file.read_all().to_pylist())
    found = []
    for each in glob.glob(f"{path}/**/*.jsonl", recursive=True) if os.path.isdir(path) else [path]:
        with open(each) as file:
            found += file.read().splitlines()
    if found and found[0].startswith('{"row_kind":'):
        return folded(found)
    return sorted(found)


def folded(changes):
    """What holds after all changes, in whatever order they are; what is left of rows that never were has a minus."""
    counts = collections.Counter()
    for line in changes:
        row = json.loads(line)
        counts[json.dumps({name: value for name, value in row.items() if name != "row_kind"})] += (
            1 if row["row_kind"].startswith("+") else -1)
    return sorted(line for text, count in counts.items() for line in [text if count > 0 else f"-{text}"] * abs(count))


def event_time(column):
    return {"eventTime": {"column": column, "outOfOrderness": JITTER * 1_000_000, "undated": "stop"}}


def window(assigner):
    return {
        "window": {
            "assigner": assigner, "scope": "key", "time": "event", "allowedLateness": 0, "late": "drop", "emission": "final",
            "aggregates": [
                {"function": "count", "name": "rows"}, {"function": "sum", "name": "total", "argument": plans.column("v")}]}}


class Windows(Work):
    """Tumbling windows by key into a folder, sessions into a file."""

    name = "windows"
    outputs = {
        "tumbling/": (
            "{k: 'VARCHAR', window_start: 'TIMESTAMP', window_end: 'TIMESTAMP', rows: 'BIGINT', total: 'BIGINT'}",
            "select k, time_bucket(interval 2 seconds, t) as start, start + interval 2 seconds, count(*), sum(v)::bigint from rows "
            "group by all"),
        "sessions.jsonl": (
            "{k: 'VARCHAR', window_start: 'TIMESTAMP', window_end: 'TIMESTAMP', rows: 'BIGINT', total: 'BIGINT'}",
            "with marked as (select *, coalesce(t - lag(t) over (partition by k order by t, id) >= interval 500 milliseconds, true) "
            "as is_first from rows), "
            "numbered as (select *, sum(is_first::int) over (partition by k order by t, id rows unbounded preceding) as session "
            "from marked) "
            "select k, min(t), max(t) + interval 500 milliseconds, count(*), sum(v)::bigint from numbered group by k, session"),
    }

    def write(self):
        write_rows(self.folder, "rows", FIELDS, [5000, 4000, 3000, 4000, 2000], keys=50, rows_per_second=100)

    def nodes(self, graph, out, is_paced):
        times = graph.add(event_time("t"), self.source(graph, "rows", FIELDS, is_paced, interleave=5))
        tumbling = graph.add(window({"tumbling": {"size": 2_000_000, "offset": 0}}), graph.add(plans.key_by("k"), times))
        graph.add(plans.sink("jsonlines", out("tumbling/")), tumbling)
        sessions = graph.add(window({"session": {"gap": 500_000}}), graph.add(plans.key_by("k"), times))
        graph.add(plans.sink("jsonlines", out("sessions.jsonl")), sessions)


class Joins(Work):
    """Rows of two sets of files: those near each other in time into a folder, those of the same window into a file."""

    name = "joins"
    outputs = {
        "near/": (
            "{id: 'BIGINT', k: 'VARCHAR', v: 'BIGINT', t: 'TIMESTAMP', rid: 'BIGINT', w: 'BIGINT', u: 'TIMESTAMP'}",
            "select id, coalesce(rows.k, others.k), v, t, rid, w, u from rows full join others "
            "on rows.k = others.k and u - t between interval '-400 milliseconds' and interval 300 milliseconds"),
        "windows.jsonl": (
            "{id: 'BIGINT', k: 'VARCHAR', v: 'BIGINT', t: 'TIMESTAMP', rid: 'BIGINT', w: 'BIGINT', u: 'TIMESTAMP', "
            "window_start: 'TIMESTAMP', window_end: 'TIMESTAMP'}",
            "select id, rows.k, v, t, rid, w, u, time_bucket(interval 1 second, t) as start, start + interval 1 second from rows "
            "left join others on rows.k = others.k and time_bucket(interval 1 second, t) = time_bucket(interval 1 second, u)"),
    }

    def write(self):
        write_rows(self.folder, "rows", FIELDS, [4000, 3000, 2000], keys=50, rows_per_second=60)
        write_rows(self.folder, "others", OTHERS, [3500, 4500], keys=50, rows_per_second=8000 / 150)

    def nodes(self, graph, out, is_paced):
        rows = graph.add(event_time("t"), self.source(graph, "rows", FIELDS, is_paced, interleave=3))
        others = graph.add(event_time("u"), self.source(graph, "others", OTHERS, is_paced, interleave=3))

        def join(kind, bounds):
            inputs = [graph.add(plans.key_by("k"), each) for each in (rows, others)]
            return graph.add({"join": {"kind": kind, "bounds": bounds}}, *inputs)

        near = join("full", {"interval": {"lower": -400_000, "upper": 300_000}})
        graph.add(plans.sink("jsonlines", out("near/")), near)
        same = join("left", {"window": {"assigner": {"tumbling": {"size": 1_000_000, "offset": 0}}}})
        graph.add(plans.sink("jsonlines", out("windows.jsonl")), same)


class Changes(Work):
    """Changelogs: of sums by key into a file, of a join into a folder."""

    name = "changes"
    outputs = {
        "sums.jsonl": (
            "{k: 'VARCHAR', rows: 'BIGINT', total: 'BIGINT'}", "select k, count(*), sum(v)::bigint from rows group by k"),
        "pairs/": (
            "{id: 'BIGINT', k: 'VARCHAR', v: 'BIGINT', t: 'TIMESTAMP', rid: 'BIGINT', w: 'BIGINT', u: 'TIMESTAMP'}",
            "select id, coalesce(rows.k, others.k), v, t, rid, w, u from rows full join others on rows.k = others.k"),
    }

    def write(self):
        write_rows(self.folder, "rows", FIELDS, [3000, 2000, 4000], keys=2000, rows_per_second=60)
        write_rows(self.folder, "others", OTHERS, [3500, 4500], keys=2000, rows_per_second=60)

    def nodes(self, graph, out, is_paced):
        rows = self.source(graph, "rows", FIELDS, is_paced)
        others = self.source(graph, "others", OTHERS, is_paced)
        sums = {
            "aggregate": {
                "emission": "changelog",
                "aggregates": [
                    {"function": "count", "name": "rows"}, {"function": "sum", "name": "total", "argument": plans.column("v")}]}}
        graph.add(plans.sink("jsonlines", out("sums.jsonl")), graph.add(sums, graph.add(plans.key_by("k"), rows)))
        inputs = [graph.add(plans.key_by("k"), each) for each in (rows, others)]
        pairs = graph.add({"join": {"kind": "full", "bounds": {"unbounded": {}}}}, *inputs)
        graph.add(plans.sink("jsonlines", out("pairs/")), pairs)


class Copies(Work):
    """Rows as they are: into folders by value, whose files are completed between epochs too, and into an Arrow file."""

    name = "copies"
    outputs = {
        "parts/": ("{id: 'BIGINT', v: 'BIGINT', t: 'TIMESTAMP'}", "select id, v, t from rows where v >= 0"),
        "rows.arrow": ("{id: 'BIGINT', k: 'VARCHAR', v: 'BIGINT'}", "select id, k, v from rows where v < 0"),
    }

    def write(self):
        write_rows(self.folder, "rows", FIELDS, [6000, 3000, 1000, 5000, 3000], keys=6, rows_per_second=100)

    def nodes(self, graph, out, is_paced):
        rows = self.source(graph, "rows", FIELDS, is_paced)
        some = graph.add(plans.filter(plans.call("greater_than_or_equal", plans.column("v"), 0)), rows)
        graph.add(plans.sink("jsonlines", out("parts/"), partitionBy=["k"], rollBytes=4096, maxOpenFiles=4), some)
        others = graph.add(plans.filter(plans.call("less_than", plans.column("v"), 0)), rows)
        columns = graph.add(plans.select(id=plans.column("id"), k=plans.column("k"), v=plans.column("v")), others)
        graph.add(plans.sink("arrow", out("rows.arrow")), columns)


ALL = [Windows, Joins, Changes, Copies]
