#!/usr/bin/env python3
"""Sets `volley-host bench columns` beside pyarrow.compute and DuckDB: one thread, the same rows, the same run.

    Tests/columns-peers.py PATH_OF_VOLLEY_HOST [--rows N] [--rounds N] [--repeat N] [--case NAME]… [--json]

Prints a line a case: millions of rows a second (megabytes for files) of each engine, and Volley's ratio to it: above 1 it is
faster. In each round Volley and then its peers repeat a case; the medians of all repetitions count, so that a machine that is
slower for a while is so for all of them. pyarrow and duckdb come from PyPI.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json

BATCH = 65536


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--case", action="append", default=[], help="one case; again for more")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    with tempfile.TemporaryDirectory() as folder:
        # Writes the files, and says what there is.
        first = run(arguments, [word for case in arguments.case for word in ("--case", case)] + ["--data", folder])
        peers = Peers(folder, arguments.repeat)
        for case, result in first.items():
            files = ["--data", folder] if "bytes" in result else []
            ours, others = [], {}
            for _ in range(arguments.rounds):
                ours.append(run(arguments, ["--case", case] + files)[case]["seconds"])
                for name, seconds in peers.seconds(case).items():
                    others.setdefault(name, []).extend(seconds)
            result["seconds"] = statistics.median(ours)
            report(case, result, {name: statistics.median(times) for name, times in others.items()}, arguments.json)


def run(arguments, more):
    """The results of some cases by name."""
    command = [arguments.host, "bench", "columns", "--json", "--rows", str(arguments.rows)]
    command += ["--repeat", str(arguments.repeat)] + more
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {line["case"]: line for line in map(json.loads, output.splitlines())}


def report(case, result, peers, as_json):
    amount = result.get("bytes", result["rows"]) / 1e6
    unit = "MB/s" if "bytes" in result else "M rows/s"
    line = {"case": case, "unit": unit, "volley": round(amount / result["seconds"], 1)}
    for name, seconds in peers.items():
        line[name] = round(amount / seconds, 1)
        line[f"ratio_{name}"] = round(seconds / result["seconds"], 2)
    if as_json:
        print(json.dumps(line), flush=True)
    else:
        rest = "".join(f"  {name} {line[name]:>9.1f} (x{line['ratio_' + name]:.2f})" for name in peers)
        print(f"{case:16} {unit:9} volley {line['volley']:>9.1f}{rest}", flush=True)


class Peers:
    """The same work in pyarrow and DuckDB."""

    def __init__(self, folder, repeat):
        self.folder, self.repeat = folder, repeat
        with pa.OSFile(f"{folder}/data.arrow") as file:
            self.table = pa.ipc.open_file(file).read_all()
        self.batches = self.table.to_batches(max_chunksize=BATCH)
        self.sql = duckdb.connect(config={"threads": 1})
        self.sql.execute("set preserve_insertion_order = false")
        # In DuckDB's own memory, so that no scan of another format is measured.
        rows = self.table
        self.sql.execute("create table t as select * from rows")

    def seconds(self, case):
        found = {}
        for name, work in self.work(case).items():
            work()
            runs = []
            for _ in range(self.repeat):
                start = time.perf_counter()
                work()
                runs.append(time.perf_counter() - start)
            found[name] = runs
        return found

    def each(self, function):
        """One call a batch, as Volley works."""
        def work():
            for batch in self.batches:
                function(batch)
        return work

    def query(self, text):
        return lambda: self.sql.execute(text).fetchall()

    def work(self, case):
        column = lambda name: lambda batch: batch.column(name)
        a, b, x, y = map(column, "abxy")
        path, stamp = column("path"), column("ts")
        rows = pa.array([(i * 2654435761) % BATCH for i in range(BATCH)], pa.int32())

        def filtered(batch):
            mask = pc.less(x(batch), 0.5)
            return pc.filter(a(batch), mask), pc.filter(y(batch), mask)

        works = {
            "add": {"pyarrow": self.each(lambda batch: pc.add_checked(a(batch), b(batch)))},
            "multiply": {"pyarrow": self.each(lambda batch: pc.multiply(x(batch), y(batch)))},
            "compare": {"pyarrow": self.each(lambda batch: pc.less(a(batch), b(batch)))},
            "filter": {"pyarrow": self.each(filtered)},
            "take": {"pyarrow": self.each(
                lambda batch: [pc.take(c, rows.slice(0, len(batch))) for c in (a(batch), batch.column("user"))]
                if len(batch) == BATCH else None)},
            "like": {"pyarrow": self.each(lambda batch: pc.match_like(path(batch), "%checkout%")),
                     "duckdb": self.query("select count(*) from t where path like '%checkout%'")},
            "split-part": {"pyarrow": self.each(lambda batch: pc.list_element(pc.split_pattern(path(batch), "/"), 2)),
                           "duckdb": self.query("select max(length(split_part(path, '/', 3))) from t")},
            "truncate": {"pyarrow": self.each(lambda batch: pc.floor_temporal(stamp(batch), unit="hour"))},
            "csv": {"pyarrow": lambda: pa.csv.read_csv(
                f"{self.folder}/data.csv", read_options=pa.csv.ReadOptions(use_threads=False),
                convert_options=pa.csv.ConvertOptions(column_types=self.table.schema))},
            "jsonlines": {"pyarrow": lambda: pa.json.read_json(
                f"{self.folder}/data.jsonl", read_options=pa.json.ReadOptions(use_threads=False),
                parse_options=pa.json.ParseOptions(explicit_schema=self.table.schema))},
            "arrow-file": {"pyarrow": self.arrow_file},
        }
        for name, key in (("aggregate-1k", "k1k"), ("aggregate-1m", "k1m"), ("aggregate-utf8", "user")):
            works[name] = {"duckdb": self.query(
                f'select count(*), sum(s), sum(n) from (select "{key}", sum(a) s, count(*) n from t group by "{key}")')}
        return works.get(case, {})

    def arrow_file(self):
        with pa.memory_map(f"{self.folder}/data.arrow") as file:
            reader = pa.ipc.open_file(file)
            for index in range(reader.num_record_batches):
                batch = reader.get_batch(index)
                batch.validate(full=True)


if __name__ == "__main__":
    sys.exit(main())
