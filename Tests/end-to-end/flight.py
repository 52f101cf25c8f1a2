"""Arrow Flight at both ends of a job, beside pyarrow's client and server: rows that are put, read and subscribed to."""

import glob
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading

import duckdb
import pyarrow as pa
import pyarrow.flight

import harness
import plans

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import waiting
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../ConnectorsTests/Flight/Peers"))
import epochs

FIELDS = [{"name": name, "type": type, "nullable": False} for name, type in [("k", "int64"), ("v", "int64"), ("s", "utf8")]]
SCHEMA = pa.schema([pa.field("k", pa.int64(), False), pa.field("v", pa.int64(), False), pa.field("s", pa.string(), False)])
ROWS = 300_000


def table(generator, count=ROWS):
    keys = [generator.randrange(1_000) for _ in range(count)]
    values = [generator.randrange(-(10**9), 10**9) for _ in range(count)]
    return pa.table([keys, values, [f"{key}é" for key in keys]], schema=SCHEMA)


def pieces(rows, generator):
    """Batches of all sizes, empty ones too."""
    first = 0
    while first < len(rows):
        count = generator.choice([0, 1, 7, 1_000, 8_192, 50_000])
        yield from rows.slice(first, count).combine_chunks().to_batches() or [pa.record_batch([[], [], []], schema=SCHEMA)]
        first += count


class Job:
    """A job that runs, and the events of its log as they come."""

    def __init__(self, folder, *operators, **flags):
        words = harness.command(harness.plugin("plan-file"), parameters=plans.parameters(folder, *operators), **flags)
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.lines, self.changed = [], threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()
        with self.changed:
            self.lines.append("")
            self.changed.notify_all()

    def _events(self, name):
        return [event for event in (json.loads(line) for line in self.lines if line.startswith("{")) if event.get("event") == name]

    def address(self, event):
        """Where a connector listens that was given port 0."""
        with self.changed:
            came = self.changed.wait_for(lambda: self._events(event) or self.lines[-1:] == [""], harness.PATIENCE)
            assert came and self._events(event), "".join(self.lines)
            return "grpc://" + self._events(event)[0]["address"].split(", ")[0]

    def end(self):
        """Its result, which must be good."""
        code = self.process.wait(harness.PATIENCE)
        self.reader.join()
        result = harness.Run(code, "", "".join(self.lines))
        assert code == 0, result
        return result


def listen(**options):
    return plans.source("flight-listen", None, FIELDS, stream="in", address="localhost:0", **options)


def serve(**options):
    return plans.sink("flight-serve", None, stream="out", address="localhost:0", **options)


def put(address, rows, seed):
    """Puts rows, each batch with a number that has to come back."""
    with pyarrow.flight.connect(address) as client:
        writer, acknowledgements = client.do_put(pyarrow.flight.FlightDescriptor.for_path("in"), SCHEMA)
        count = 0
        for batch in pieces(rows, random.Random(seed)):
            writer.write_with_metadata(batch, str(count).encode())
            count += 1
        writer.done_writing()
        for number in range(count):
            told = acknowledgements.read()
            assert told is not None and told.to_pybytes() == str(number).encode(), f"acknowledgement {number} is {told}"
        assert acknowledgements.read() is None, "more was acknowledged than put"
        writer.close()


class Thread(threading.Thread):
    """What it throws is thrown where it is waited for."""

    def __init__(self, body, *arguments):
        super().__init__(daemon=True)
        self.body, self.arguments, self.error, self.value = body, arguments, None, None
        self.start()

    def run(self):
        try:
            self.value = self.body(*self.arguments)
        except BaseException as error:  # It is thrown again.
            self.error = error

    def result(self):
        self.join(harness.PATIENCE)
        assert not self.is_alive(), f"{self.body.__name__} did not end"
        if self.error:
            raise self.error
        return self.value


def subscribed(address):
    with pyarrow.flight.connect(address) as client:
        return client.do_get(pyarrow.flight.Ticket(b"out")).read_all()


def same(found, expected, columns):
    """As multisets of rows."""
    wrong = duckdb.sql(
        f"""(select 'added', {columns} from found except all select 'added', {columns} from expected)
        union all (select 'missing', {columns} from expected except all select 'missing', {columns} from found)""").fetchall()
    assert not wrong, f"{len(wrong)} rows differ, such as {wrong[:3]}"


def sums(rows):
    return duckdb.sql("select k, sum(v)::bigint total, count(*) as rows from rows group by k").to_arrow_table()


def through(folder):
    """Three clients put, a keyed sum, and two subscribers see all that it says."""
    generator = random.Random(harness.SEED)
    parts = [table(generator) for _ in range(3)]
    job = Job(
        folder, listen(clients=3), plans.key_by("k"), plans.aggregate(total=("sum", plans.column("v")), rows=("count", None)),
        serve(subscribers=2), parallelism=2)
    source, sink = job.address("source.listening"), job.address("sink.listening")
    readers = [Thread(subscribed, sink) for _ in range(2)]
    writers = [Thread(put, source, part, harness.SEED + index) for index, part in enumerate(parts)]
    for writer in writers:
        writer.result()
    seen = [reader.result() for reader in readers]
    report = job.end().report
    assert report["rows_in"] == 3 * ROWS, report["rows_in"]
    rows = pa.concat_tables(parts)
    for changes in seen:
        last = duckdb.sql("select k, arg_max(total, rows)::bigint total, max(rows) as rows from changes group by k").to_arrow_table()
        same(last, sums(rows), "k, total, rows")
    return f"{3 * ROWS} rows in, {len(seen[0])} changes to each of two subscribers"


class Server(pyarrow.flight.FlightServerBase):
    """Gives a table in parts, always the same, and keeps what is put."""

    def __init__(self, rows, parts):
        super().__init__("grpc://127.0.0.1:0")
        self.rows, self.parts, self.stored, self.given = rows, parts, [], 0
        self.lock = threading.Lock()
        # Each part's last rows are given when this is set.
        self.may_end = threading.Event()

    def get_flight_info(self, context, descriptor):
        endpoints = [pyarrow.flight.FlightEndpoint(str(part).encode(), []) for part in range(self.parts)]
        return pyarrow.flight.FlightInfo(SCHEMA, descriptor, endpoints, len(self.rows), -1)

    def do_get(self, context, ticket):
        part, size = int(ticket.ticket), -(-len(self.rows) // self.parts)
        batches = self.rows.slice(part * size, size).combine_chunks().to_batches(max_chunksize=1_000)

        def batch():
            for each in batches:
                if each is batches[-1]:
                    self.may_end.wait(harness.PATIENCE)
                with self.lock:
                    self.given += each.num_rows
                yield each

        return pyarrow.flight.GeneratorStream(SCHEMA, batch())

    def do_put(self, context, descriptor, reader, writer):
        rows = reader.read_all()
        with self.lock:
            self.stored.append(rows)


def kill_at_epochs(job, checkpoints, kills=3, after_first=lambda: None):
    """Kills the worker after each of the next epochs that completes: how often, for the job may end before."""
    newest = lambda: max(glob.glob(os.path.join(checkpoints, "epoch-*", "manifest.json")), default="")
    killed = 0
    for _ in range(kills):
        before = newest()
        if not waiting.wait_until(lambda: newest() != before, "an epoch", harness.PATIENCE, lambda: job.process.poll() is None):
            break
        try:
            with open(f"/proc/{job.process.pid}/task/{job.process.pid}/children") as children:
                worker = next(iter(children.read().split()), None)
            if worker:
                os.kill(int(worker), signal.SIGKILL)
                killed += 1
        except OSError:
            pass  # It has just ended.
        after_first()
    return killed


def read_once(folder):
    """A pyarrow server's endpoints, read by two subtasks, whose worker is killed again and again: each row counts once."""
    generator = random.Random(harness.SEED)
    rows, out = table(generator), os.path.join(folder, "out/")
    with Server(rows, 5) as server:
        flags = dict(
            parallelism=2, checkpoint_dir=os.path.join(folder, "checkpoints"), checkpoint_interval="100ms", restart_delay="1ms",
            restart_limit=1_000)
        job = Job(
            folder, plans.source("flight", ["all"], FIELDS, uri=f"grpc://localhost:{server.port}"),
            plans.pace(60_000, FIELDS), plans.sink("csv", out), **flags)
        killed = kill_at_epochs(job, flags["checkpoint_dir"], after_first=server.may_end.set)
        result = job.end()
        assert killed, f"the job had ended before its first epoch: {result}"
        given = server.given
    found = duckdb.sql(f"select k, v, s from read_csv('{out}*.csv')").to_arrow_table()
    same(found, rows, "k, v, s")
    assert given > len(rows), f"{given} rows were given and {killed} workers killed"
    return f"{killed} kills, {given} rows given for {len(rows)}"


def stored(folder):
    """Rows that a pyarrow server is put."""
    rows = table(random.Random(harness.SEED))
    path = os.path.join(folder, "rows.arrows")
    with pa.ipc.new_stream(path, SCHEMA) as writer:
        writer.write_table(rows, max_chunksize=10_000)
    with Server(rows.slice(0, 0), 1) as server:
        plans.run(
            folder, plans.source("arrowstream", path),
            plans.sink("flight", ["kept"], uri=f"grpc://localhost:{server.port}"), codec=None)
        found = pa.concat_tables(server.stored)
    same(found, rows, "k, v, s")
    return f"{len(server.stored)} streams"


SMALL = [{"name": "n", "type": "int64", "nullable": False}, {"name": "s", "type": "utf8", "nullable": False}]
SMALL_SCHEMA = pa.schema([pa.field("n", pa.int64(), False), pa.field("s", pa.string(), False)])


def killable(folder):
    return dict(
        checkpoint_dir=os.path.join(folder, "checkpoints"), checkpoint_interval="100ms", restart_delay="1ms", restart_limit=1_000)


def stored_once(folder):
    """A server that keeps epochs has each row once, though workers are killed."""
    count, path, flags = 100_000, os.path.join(folder, "rows.arrows"), killable(folder)
    rows = pa.table([range(count), [f"row {number}" for number in range(count)]], schema=SMALL_SCHEMA)
    with pa.ipc.new_stream(path, SMALL_SCHEMA) as writer:
        writer.write_table(rows, max_chunksize=500)
    database = os.path.join(folder, "stored")
    with epochs.EpochServer("grpc://127.0.0.1:0", database) as server:
        job = Job(
            folder, plans.source("arrowstream", path, SMALL), plans.pace(30_000, SMALL),
            plans.sink("flight", ["kept"], uri=f"grpc://localhost:{server.port}", spool=os.path.join(folder, "spool")), **flags)
        killed = kill_at_epochs(job, flags["checkpoint_dir"])
        result = job.end()
    assert killed, f"the job had ended before its first epoch: {result}"
    with sqlite3.connect(database) as db:
        found = db.execute("select count(*), count(distinct n), min(n), max(n) from rows").fetchone()
    assert found == (count, count, 0, count - 1), f"{found} are stored of {count} rows, {killed} workers were killed"
    return f"{killed} kills"


def put_again(folder):
    """What is not acknowledged is put again: nothing is lost, though workers are killed."""
    clients, each, flags = 60, 50, killable(folder)
    database = os.path.join(folder, "stored")
    done = threading.Event()

    def send(address, number):
        batch = pa.record_batch([range(number * each, number * each + each), ["x"] * each], schema=SMALL_SCHEMA)
        while True:
            try:
                with pyarrow.flight.connect(address) as client:
                    writer, told = client.do_put(pyarrow.flight.FlightDescriptor.for_path("in"), SMALL_SCHEMA)
                    writer.write_with_metadata(batch, b"all")
                    writer.done_writing()
                    answer = told.read()
                    writer.close()
                if answer is not None and answer.to_pybytes() == b"all":
                    return
            except (pyarrow.flight.FlightError, pa.ArrowException):
                # The worker was killed; the next one is about to listen.
                done.wait(0.02)

    with epochs.EpochServer("grpc://127.0.0.1:0", database) as server:
        source = plans.source("flight-listen", None, SMALL, stream="in", address=f"localhost:{free_port()}")
        job = Job(
            folder, source,
            plans.sink("flight", ["kept"], uri=f"grpc://localhost:{server.port}", spool=os.path.join(folder, "spool")), **flags)
        address = job.address("source.listening")
        senders = [Thread(send, address, number) for number in range(clients // 2)]
        killed = kill_at_epochs(job, flags["checkpoint_dir"])
        senders += [Thread(send, address, number) for number in range(clients // 2, clients)]
        for sender in senders:
            sender.result()
        os.kill(job.process.pid, signal.SIGTERM)
        job.end()
    assert killed, "no worker was killed"
    with sqlite3.connect(database) as db:
        (distinct,) = db.execute("select count(distinct n) from rows").fetchone()
    assert distinct == clients * each, f"{distinct} of {clients * each} rows are stored, {killed} workers were killed"
    return f"{killed} kills"


def free_port():
    """Of which nobody knows; workers that follow each other listen there."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def job_to_job(folder):
    """One job puts to another, which acknowledges."""
    rows, out = table(random.Random(harness.SEED)), os.path.join(folder, "out.arrows")
    path = os.path.join(folder, "rows.arrows")
    with pa.ipc.new_stream(path, SCHEMA) as writer:
        writer.write_table(rows, max_chunksize=10_000)
    taker = Job(folder, listen(clients=1), plans.sink("arrowstream", out))
    plans.run(
        folder, plans.source("arrowstream", path),
        plans.sink("flight", ["in"], uri=taker.address("source.listening"), acknowledges=True), codec=None)
    taker.end()
    with pa.ipc.open_stream(out) as reader:
        same(reader.read_all(), rows, "k, v, s")


def refused(folder):
    """A client with another schema is told so; the job and another client go on."""
    rows, out = table(random.Random(harness.SEED), 1_000), os.path.join(folder, "out.arrows")
    job = Job(folder, listen(clients=1), plans.sink("arrowstream", out))
    address = job.address("source.listening")
    with pyarrow.flight.connect(address) as client:
        writer, _ = client.do_put(pyarrow.flight.FlightDescriptor.for_path("in"), pa.schema([("other", pa.int8())]))
        writer.write_batch(pa.record_batch([pa.array([1], pa.int8())], names=["other"]))
        try:
            writer.close()
        except (pyarrow.flight.FlightError, pa.ArrowException) as error:
            assert "'k'" in str(error), error
        else:
            raise AssertionError("a client with another schema was not told so")
        try:
            client.do_get(pyarrow.flight.Ticket(b"nothing")).read_all()
        except (pyarrow.flight.FlightError, pa.ArrowException, KeyError) as error:
            assert "nothing" in str(error), error
        else:
            raise AssertionError("there is no stream of that name")
    put(address, rows, harness.SEED)
    job.end()
    with pa.ipc.open_stream(out) as reader:
        same(reader.read_all(), rows, "k, v, s")


def interrupted(folder, number, event, *operators):
    """While a job waits for clients, or for subscribers, it can be stopped."""
    job = Job(folder, *operators)
    job.address(event)
    os.kill(job.process.pid, number)
    job.end()


def checks(suite):
    suite.check("clients put rows, a keyed sum, and subscribers read its results", through)
    suite.check("rows of a server count once, though workers are killed", read_once)
    suite.check("a server is put all rows", stored)
    suite.check("a server that keeps epochs stores each row once, though workers are killed", stored_once)
    suite.check("what is not acknowledged is put again, and nothing is lost though workers are killed", put_again)
    suite.check("one job feeds another", job_to_job)
    suite.check("a client that is wrong is told so and holds up nobody", refused)
    for number in [signal.SIGINT, signal.SIGTERM]:
        suite.check(
            f"{number.name} while clients are waited for", interrupted, number, "source.listening", listen(), plans.sink("blackhole"))
        suite.check(
            f"{number.name} while subscribers are waited for", interrupted, number, "sink.listening", listen(), serve(subscribers=1))
