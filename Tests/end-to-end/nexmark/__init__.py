"""The queries of NEXMark that Plugins/nexmark has: over the same events, DuckDB's results."""

import collections
import datetime
import glob
import json
import os
import subprocess
import urllib.parse

import duckdb
import pyarrow as pa
import pyarrow.csv

import harness

from . import generator, sql

PLUGIN = harness.plugin("nexmark")
BATCH_ROWS = 512
# Around midnight; and hours that have all times of day.
STREAMS = [
    {"events": 20_000, "rate": 500, "firstEvent": 43_190_000}, {"events": 20_000, "rate": 1, "firstEvent": 23_000},
]
# Each as parameters of the pipeline, and flags of the host.
PLACES = [
    ({}, {"parallelism": 1}), ({"parallelism": 2}, {"parallelism": 2}),
    # As far out of order as the queries wait for late events.
    ({"parallelism": 2, "shuffle": 4_000_000}, {"parallelism": 2}),
]
# Queries of processing time. They run by a clock that moves on by a tick with each batch that a source's subtask reads, so that
# the time of an event depends on where it stands.
TICKING = ["q12"]
TICK = datetime.timedelta(seconds=1)


def parameters(stream, **more):
    return {"seed": harness.SEED, "batchRows": BATCH_ROWS, **stream, **more}


def read_folder(folder):
    """The rows of a result's files, each subtask's in their order: names, and tuples."""
    arrow = sorted(glob.glob(os.path.join(folder, "*.arrow")))
    if arrow:
        tables = [pa.ipc.open_file(path).read_all() for path in arrow]
        return tables[0].column_names, [row for table in tables for row in zip(*(column.to_pylist() for column in table.columns))]
    rows, names = [], []
    for path in sorted(glob.glob(os.path.join(folder, "**", "*.csv"), recursive=True)):
        places = [urllib.parse.unquote(part) for part in os.path.relpath(os.path.dirname(path), folder).split(os.sep)]
        names_of_places, values = zip(*(place.split("=", 1) for place in places))
        table = pa.csv.read_csv(path, parse_options=pa.csv.ParseOptions(newlines_in_values=True), convert_options=pa.csv.ConvertOptions(
            column_types={"dateTime": pa.timestamp("us"), "extra": pa.string()}))
        names = table.column_names + list(names_of_places)
        rows += [row + values for row in zip(*(column.to_pylist() for column in table.columns))]
    return names, rows


def materialised(names, rows, key):
    """What the rows amount to: changes applied, and of rows of one key the last."""
    if "row_kind" in names:
        assert names[0] == "row_kind", f"the first column is {names[0]}"
        counts = collections.Counter()
        for kind, *row in rows:
            counts[tuple(row)] += {"+I": 1, "+U": 1, "-U": -1, "-D": -1}[kind]
        assert min(counts.values(), default=0) >= 0, f"rows were taken back that were not given: {-counts}"
        return names[1:], +counts
    if key:
        places = [names.index(name) for name in key]
        rows = {tuple(row[place] for place in places): row for row in rows}.values()
    return names, collections.Counter(rows)


def database(folder, stream, parallelism=1, shuffle=0):
    """The events in the order in which the generator gives them, with the time of the clock that ticks with each batch."""
    out = os.path.join(folder, "events")
    harness.run(PLUGIN, "events", parameters=parameters(stream, output=out, shuffle=shuffle), batch_rows=BATCH_ROWS)
    (path,) = glob.glob(os.path.join(out, "*.arrow"))
    table = pa.ipc.open_file(path).read_all()
    assert table.num_rows == stream["events"], table.num_rows
    # Batches go to the source's subtasks in turn.
    ticks = [datetime.datetime(1970, 1, 1) + (row // BATCH_ROWS // parallelism) * TICK for row in range(table.num_rows)]
    table = table.append_column("p_time", pa.array(ticks, pa.timestamp("us")))
    made = duckdb.connect()
    made.register("arriving", table)
    made.execute("create table events as select * from arriving")
    made.unregister("arriving")
    made.execute(sql.VIEWS)
    return made


def events(folder):
    """The same integers give the same rows, and the standard's distributions are in the code of the other generator."""
    for index, stream in enumerate([{"events": 3000}, {"events": 3000, "firstEvent": 1_000_000, "rate": 500_000}, STREAMS[0]]):
        out = os.path.join(folder, str(index))
        harness.run(PLUGIN, "events", parameters=parameters(stream, output=out))
        (path,) = glob.glob(os.path.join(out, "*.arrow"))
        ours = pa.ipc.open_file(path).read_all().to_pylist()
        peer = generator.Generator(harness.SEED, stream.get("rate", 10_000))
        first = stream.get("firstEvent", 0)
        assert len(ours) == stream["events"]
        for offset, row in enumerate(ours):
            expected = peer.event(first + offset)
            assert row == expected, f"event {first + offset}:\n{row}, expected\n{expected}"
    return "26,000 events"


def expected(events, name):
    """What the SQL gives: names, and rows with how often they come."""
    answer = events.execute(sql.QUERIES[name])
    names = [column[0] for column in answer.description]
    rows = collections.Counter(answer.fetchall())
    assert rows, f"the SQL of {name} gives no row"
    return names, rows


def query(folder, name, streams):
    total = 0
    for stream, events in zip(STREAMS, streams):
        for index, (more, flags) in enumerate(PLACES):
            place = os.path.join(folder, f"{stream['rate']}-{index}")
            out = os.path.join(place, "result")
            if name in TICKING:
                os.mkdir(place)
                wanted_names, wanted = expected(database(place, stream, **{"parallelism": 1, **more}), name)
                flags = {**flags, "test_clock": f"{TICK.seconds}s"}
            else:
                wanted_names, wanted = expected(events, name)
            total += wanted.total()
            harness.run(PLUGIN, name, parameters=parameters(stream, output=out, **more), **flags)
            names, found = materialised(*read_folder(out), sql.KEYS.get(name))
            assert names == wanted_names, f"{names}, expected {wanted_names}"
            if found == wanted:
                continue
            missing, extra = list((wanted - found).items())[:5], list((found - wanted).items())[:5]
            raise AssertionError(
                f"{stream}, {more}: {(wanted - found).total()} of {wanted.total()} rows are missing, such as {missing}, and "
                f"{(found - wanted).total()} are there that should not be, such as {extra}\n{sql.QUERIES[name]}")
    return f"{total} rows" + (f"; {sql.QUERIES[name]}" if name == "q6" else "")


def pipelines():
    text = subprocess.run([harness.HOST, "inspect", "--plugin", PLUGIN, "--format", "json"], capture_output=True, check=True).stdout
    return [pipeline["name"] for pipeline in json.loads(text)["pipelines"]]


def checks(suite):
    suite.check("nexmark: events are those of an independent generator", events)
    there = [name for name in pipelines() if name != "events"]
    assert sorted(there) == sorted(sql.QUERIES), f"the plugin has the queries {there}, expected {list(sql.QUERIES)}"
    streams = []

    def databases(folder):
        for index, stream in enumerate(STREAMS):
            os.mkdir(place := os.path.join(folder, str(index)))
            streams.append(database(place, stream))

    suite.check("nexmark: events in DuckDB", databases)
    for name in there:
        suite.check(f"nexmark: {name}", query, name, streams)
