"""Health and metrics: what /healthz, /readyz and /metrics answer at each moment of a job, and what a real Prometheus has of it."""

import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request

import harness
import plans

from prometheus_client.parser import text_string_to_metric_families as families

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import waiting

# Where Tests/run.sh unpacks Prometheus when it is not installed.
PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.build/programs/usr/bin")
os.environ["PATH"] += ":" + PROGRAMS

FIELDS = [plans.field("k", "int64"), plans.field("v", "int64"), plans.field("t", {"timestamp": {"unit": "us"}})]
# Of the generator; every fourth of them is in front of the filter.
ROWS = 120_000


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def generator(**options):
    columns = {"k": {"kind": "uniform", "min": 0, "max": 50}, "v": {"kind": "sequence"}, "t": {"kind": "timestamp", "step": 1000}}
    return {"source": {
        "implementation": {"connector": {"name": "generator", "options": {"columns": columns, **options}}},
        "schema": FIELDS, "badRecords": {"stop": {}}}}


def write_plan(folder, nodes):
    """Nodes are (uid, uids of the inputs, operator)."""
    ids = {uid: index for index, (uid, _, _) in enumerate(nodes)}
    path = os.path.join(folder, "plan.json")
    with open(path, "w") as file:
        json.dump({"version": {"major": 0, "minor": 2}, "name": "plan-file", "nodes": [
            {"id": ids[uid], "uid": uid, "inputs": [{"node": ids[name], "output": 0} for name in inputs], "operator": operator}
            for uid, inputs, operator in nodes]}, file)
    return path


def sample(families, name, **labels):
    """The value of the one sample that has these labels."""
    found = [
        each.value for family in families for each in family.samples
        if each.name == name and all(each.labels.get(label) == value for label, value in labels.items())]
    assert len(found) == 1, f"{len(found)} samples {name} {labels}"
    return found[0]


class Host:
    """A host that answers on a port; ended with the check."""

    def __init__(self, folder, plan, pipes=(), variables=None, port=None, **flags):
        self.port = free_port() if port is None else port
        self.errors = os.path.join(folder, f"errors-{len(os.listdir(folder))}")
        words = harness.command(harness.plugin("plan-file"), parameters={"plan": plan}, health_port=self.port, **flags)
        with open(self.errors, "w") as errors:
            self.process = subprocess.Popen(
                words, stderr=errors, env={**os.environ, **(variables or {})},
                **{name: subprocess.PIPE if name in pipes else subprocess.DEVNULL for name in ["stdin", "stdout"]})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for pipe in [self.process.stdin, self.process.stdout]:
            if pipe:
                pipe.close()

    def told(self):
        with open(self.errors) as file:
            return file.read()

    def ask(self, path, *words):
        """Status, content type and body, as curl gets them; status 0: nobody answered."""
        done = subprocess.run(
            ["curl", "-sS", "-m", "20", "-w", "\n%{http_code} %{content_type}", *words, f"http://localhost:{self.port}{path}"],
            capture_output=True, text=True)
        body, _, last = done.stdout.rpartition("\n")
        status, _, kind = last.partition(" ")
        return int(status), kind, body

    def metrics(self):
        """Parsed as Prometheus's own client does."""
        status, kind, body = self.ask("/metrics")
        assert status == 200 and kind == "text/plain; version=0.0.4; charset=utf-8", f"{status} {kind}: {body}"
        return list(families(body))

    def value(self, name, **labels):
        return sample(self.metrics(), name, **labels)

    def wait_until(self, condition, what):
        goes_on = lambda: self.process.poll() is None
        try:
            held = waiting.wait_until(condition, what, harness.PATIENCE, goes_on, pause=0.02)
        except AssertionError as problem:
            raise AssertionError(f"{problem}; {self.told()}")
        assert held, f"the host ended before {what}: {self.told()}"

    def wait_ready(self):
        self.wait_until(lambda: self.ask("/readyz")[0] == 200, "it was ready")

    def workers(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return [int(word) for word in file.read().split()]


def known_run(folder):
    """A generator that has ended and lines that are typed: so the job stays, and all of its numbers are known."""
    window = {
        "assigner": {"tumbling": {"size": 10_000_000, "offset": 0}}, "scope": "key", "time": "event", "allowedLateness": 0,
        "late": "drop", "emission": "final", "aggregates": [{"function": "count", "name": "rows"}]}
    typed = plans.source("stdin", None, FIELDS, format="jsonlines")
    typed["source"]["badRecords"] = {"deadLetter": {"path": os.path.join(folder, "bad.jsonl")}}
    return write_plan(folder, [
        ("numbers", [], generator(rows=ROWS)),
        ("paced", ["numbers"], plans.pace(10_000_000, FIELDS)),
        ("fourths", ["paced"], plans.filter(plans.call("equal", plans.call("modulo", plans.column("v"), 4), 0))),
        ("summed", ["fourths"], plans.key_by("k")),
        ("sums", ["summed"], plans.aggregate(total=("sum", plans.column("v")))),
        ("counted", ["sums"], plans.sink("blackhole")),
        ("typed", [], typed),
        ("timed", ["typed"], {"eventTime": {"column": "t", "outOfOrderness": 0, "undated": "stop"}}),
        ("keyed", ["timed"], plans.key_by("k")),
        ("windows", ["keyed"], {"window": window}),
        ("shown", ["windows"], plans.sink("jsonlines", os.path.join(folder, "windows/"))),
    ])


def type_lines(host, *rows):
    """Each a value of k and a second of 1970, or a text."""
    for row in rows:
        text = row if isinstance(row, str) else json.dumps({"k": row[0], "v": 1, "t": f"1970-01-01T00:{row[1] // 60:02}:{row[1] % 60:02}Z"})
        host.process.stdin.write(text.encode() + b"\n")
    host.process.stdin.flush()


@contextlib.contextmanager
def known_host(folder, **flags):
    """The known run, with all of its numbers reached."""
    checkpoints = os.path.join(folder, "checkpoints")
    with Host(
            folder, known_run(folder), pipes=["stdin"], parallelism=2, threads=2, checkpoint_dir=checkpoints, checkpoint_interval="1s",
            **flags) as host:
        type_lines(host, (1, 100), (2, 100))
        host.wait_until(lambda: host.ask("/metrics")[0] == 200, "there were metrics")
        # The watermark is one microsecond behind the newest row.
        host.wait_until(
            lambda: any(
                each.name == "volley_watermark_timestamp_seconds" and each.labels["uid"] == "windows"
                for family in host.metrics() for each in family.samples), "there was a watermark")
        type_lines(host, (1, 5), (1, 6), (2, 7), "no json", "{]", (1, 101))
        host.wait_until(lambda: total(host.metrics(), "volley_late_records_total", uid="windows") == 3, "all was read")
        host.wait_until(lambda: total(host.metrics(), "volley_records_out_total", uid="numbers") == ROWS, "all was made")
        # Each subtask of the task that has them sums its rows by key before they travel.
        summed = lambda: total(host.metrics(), "volley_records_in_total", uid="combine sums 1")
        host.wait_until(lambda: summed() == ROWS // 4, "all was summed")
        yield host


def total(families, name, **labels):
    """Over all subtasks."""
    return sum(
        each.value for family in families for each in family.samples
        if each.name == name and all(each.labels.get(label) == value for label, value in labels.items()))


# By query, what it is worth in the known run.
KNOWN = {
    'sum(volley_records_out_total{uid="numbers"})': ROWS,
    'sum(volley_records_in_total{uid="paced"})': ROWS,
    'sum(volley_records_out_total{uid="paced"})': ROWS,
    'sum(volley_user_counts_total{uid="paced",counter="let \\"through\\""})': ROWS,
    'sum(volley_records_out_total{uid="fourths"})': ROWS // 4,
    'sum(volley_records_in_total{uid="combine sums 1"})': ROWS // 4,
    # Every row is three words of eight bytes, and none has a bit of validity.
    'sum(volley_bytes_out_total{uid="numbers"}) / sum(volley_records_out_total{uid="numbers"})': 24,
    'sum(volley_records_out_total{uid="typed"})': 6,
    'sum(volley_dead_letters_total{uid="typed"})': 2,
    'sum(volley_late_records_total{uid="windows",outcome="dropped"})': 3,
    'sum(volley_late_records_total{outcome="routed"})': 0,
    'min(volley_watermark_timestamp_seconds{uid="windows"}) > 99.9 < 101.1': None,
    'sum(volley_records_out_total{uid="numbers"}) - sum(volley_records_out_total{job_name="plan-file",worker_id="0",uid="numbers"})': 0,
    'count(volley_busy_seconds_total{uid="sums"})': 2,
    'sum(volley_busy_seconds_total{uid="numbers"}) > 0': None,
    'volley_restarts_total': 0,
    # With two that sum rows before they travel, and without what has no code: keyBy.
    'count(volley_stage_info)': 11,
    'volley_checkpoints_total >= 3': None,
    'volley_checkpoint_duration_seconds_count - volley_checkpoints_total': 0,
    'volley_checkpoint_duration_seconds_bucket{le="+Inf"} - ignoring(le) volley_checkpoint_duration_seconds_count': 0,
    'volley_checkpoint_failures_total': 0,
    'volley_checkpoint_interval_seconds': 1,
    'volley_checkpoint_age_seconds < 60': None,
    'sum(volley_state_bytes{uid="sums"}) > 1000': None,
    'volley_cache_bytes < volley_cache_limit_bytes': None,
    'max(volley_channel_bytes) <= max(volley_channel_byte_limit)': None,
    'sum(volley_channel_batches{uid="sums"})': 0,
}


def asked_by_curl(folder):
    """The three paths, what is not one of them, and what is counted."""
    with known_host(folder) as host:
        host.wait_ready()
        assert host.ask("/healthz") == (200, "text/plain; charset=utf-8", "ok\n"), host.ask("/healthz")
        assert host.ask("/readyz?verbose=1") == (200, "text/plain; charset=utf-8", "ready\n"), host.ask("/readyz")
        status, _, body = host.ask("/health")
        assert status == 404 and all(path in body for path in ["/healthz", "/readyz", "/metrics"]), body
        digest = hashlib.sha256(open(harness.plugin("plan-file"), "rb").read()).hexdigest()
        metrics = host.metrics()
        assert sample(metrics, "volley_plugin_info", plugin="plan-file", version="0.1.0", sha256=digest) == 1
        assert sample(metrics, "volley_ready") == 1
        assert sample(metrics, "volley_stage_info", uid="sums", kind="operator", parallelism="2") == 1
        names = [family.name for family in metrics]
        assert len(set(names)) == len(names), f"a family stands twice: {names}"
        for family in metrics:
            for each in family.samples:
                assert each.labels.get("job_name") == "plan-file" and each.labels.get("worker_id") == "0", each
        # Two scrapes of a job in which nothing happens differ in what time alone changes.
        series = lambda: {(each.name, *sorted(each.labels.items())) for family in host.metrics() for each in family.samples}
        host.wait_until(lambda: series() == series(), "the same series were there twice")
        before, after = host.metrics(), host.metrics()
        for family in before:
            if family.type == "counter":
                for each in family.samples:
                    now = sample(after, each.name, **each.labels)
                    assert now >= each.value, f"{each} fell to {now}"
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(harness.PATIENCE) == 0, host.told()


def spoken(folder):
    """HTTP/1.1 as other clients speak it: methods, connections that stay, many requests at once, and none that is whole."""
    plan = write_plan(folder, [("numbers", [], generator(rate=1000)), ("out", ["numbers"], plans.sink("blackhole"))])
    with Host(folder, plan) as host:
        host.wait_ready()
        status, kind, body = host.ask("/metrics", "--head")
        assert status == 200 and "content-length: " in body.lower() and "volley_" not in body, body
        status, _, body = host.ask("/readyz", "--data", "x")
        assert status == 405 and "GET" in body, f"{status} {body}"
        status, _, body = host.ask("/readyz", "--http1.0")
        assert (status, body) == (200, "ready\n"), f"{status} {body}"
        # Both over one connection, of IPv4 and of IPv6.
        for address in ["127.0.0.1", "[::1]"] if os.path.exists("/proc/net/if_inet6") else ["127.0.0.1"]:
            urls = [f"http://{address}:{host.port}{path}" for path in ["/healthz", "/readyz"]]
            done = subprocess.run(["curl", "-sSv", *urls], capture_output=True, text=True)
            assert done.stdout == "ok\nready\n" and "Re-using existing connection" in done.stderr, done
        connect = lambda: socket.create_connection(("127.0.0.1", host.port), timeout=harness.PATIENCE)
        with connect() as half, connect() as many, connect() as wrong:
            half.sendall(b"GET /metrics HTTP/1.1\r\nHo")
            many.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
            wrong.sendall(b"GET  /metrics HTTP/1.1\r\n")
            # Neither holds up others.
            assert host.ask("/readyz")[0] == 200
            refusal = b"".join(iter(lambda: wrong.recv(65536), b""))
            assert refusal.startswith(b"HTTP/1.1 400 ") and b"connection: close" in refusal.lower(), refusal
            many.shutdown(socket.SHUT_WR)
            answers = b"".join(iter(lambda: many.recv(1 << 20), b""))
            assert answers.count(b"HTTP/1.1 200 OK\r\n") == 500, answers[-2000:]
            assert answers.count(b"# TYPE volley_ready gauge\n") == 500
            half.sendall(b"st: x\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: half.recv(65536), b""))
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and b"volley_ready" in answer, answer[:300]


def linted(folder):
    """promtool finds nothing to say of the text but the one name that is given."""
    with known_host(folder) as host:
        body = host.ask("/metrics")[2]
    done = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, text=True)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "volley_barrier_alignment_wait_ms" not in line]
    assert not said, "\n".join(said)


class Prometheus:
    """A server of its own, with one target."""

    def __init__(self, folder, target):
        self.port = free_port()
        path = os.path.join(folder, "prometheus.yml")
        with open(path, "w") as file:
            file.write(f"""
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs: [{{job_name: volley, static_configs: [{{targets: ['localhost:{target}']}}]}}]
""")
        self.errors = os.path.join(folder, "prometheus.log")
        with open(self.errors, "w") as errors:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder}/series",
                 f"--web.listen-address=127.0.0.1:{self.port}"], stderr=errors, stdout=errors)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def query(self, text):
        """The values of an instant query, by their labels."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": text})
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                document = json.load(answer)
        except OSError:
            return []
        assert document["status"] == "success", document
        return [(each["metric"], float(each["value"][1])) for each in document["data"]["result"]]


def scraped(folder):
    """A real Prometheus has every number of the known run."""
    with known_host(folder) as host, Prometheus(folder, host.port) as prometheus:
        goes_on = lambda: host.process.poll() is None and prometheus.process.poll() is None
        for query, expected in KNOWN.items():
            holds = lambda: any(
                expected is None or abs(value - expected) <= 1e-9 * max(1, abs(expected)) for _, value in prometheus.query(query))
            if not waiting.comes(holds, 30, goes_on, pause=0.05):
                raise AssertionError(f"{query} is {prometheus.query(query)}, expected {expected}; {open(prometheus.errors).read()[-2000:]}")
        ((labels, up),) = prometheus.query("up")
        assert up == 1, labels
        # What was read is what a scrape gives now.
        for family in host.metrics():
            assert family.type != "counter" or prometheus.query(family.samples[0].name), family
    return f"{len(KNOWN)} queries"


def ready_when_restored(folder):
    """Before the job runs it lives and is not ready, in each of its phases."""
    place = os.path.join(folder, "plan")
    os.mkfifo(place)
    checkpoints = os.path.join(folder, "checkpoints")
    source = write_plan(folder, [("numbers", [], generator(rate=1000)), ("out", ["numbers"], plans.sink("blackhole"))])
    with Host(folder, place, checkpoint_dir=checkpoints, checkpoint_interval="1m") as host:
        # The plugin reads its plan from a pipe that nobody has written to.
        host.wait_until(lambda: host.ask("/healthz")[0] == 200, "it lived")
        status, _, body = host.ask("/readyz")
        assert (status, body) == (503, "not ready: the plugin is being loaded\n"), f"{status} {body}"
        status, _, body = host.ask("/metrics")
        assert status == 503 and "the plugin is being loaded" in body, f"{status} {body}"
        with open(place, "w") as pipe, open(source) as plan:
            pipe.write(plan.read())
        host.wait_ready()
        assert host.value("volley_checkpoint_epoch") == 0 and host.value("volley_ready") == 1
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(harness.PATIENCE) == 0, host.told()


def stalled(folder):
    """A sink that does not take its rows holds epochs back: not ready after three intervals, and ready again when it goes on."""
    out = plans.sink("stdout", None, format="jsonlines")
    plan = write_plan(folder, [("numbers", [], generator(rate=500_000)), ("out", ["numbers"], out)])
    with Host(
            folder, plan, pipes=["stdout"], parallelism=1, threads=1, checkpoint_dir=os.path.join(folder, "checkpoints"),
            checkpoint_interval="300ms") as host:
        reason = r"not ready: no epoch has completed for [0-9.]+ m?s, more than 3 intervals of 300 ms\n"
        # Nobody reads its standard output.
        host.wait_until(lambda: host.ask("/readyz")[0] == 503 and re.fullmatch(reason, host.ask("/readyz")[2]), "it was stalled")
        first = host.metrics()
        assert sample(first, "volley_ready") == 0
        assert host.ask("/healthz")[0] == 200
        # The time counts while it passes, and so does the call.
        for name, uid in [("volley_backpressured_seconds_total", "numbers"), ("volley_call_seconds", "out")]:
            host.wait_until(lambda: total(host.metrics(), name, uid=uid) > total(first, name, uid=uid) + 0.2, f"{name} grew")
        assert total(host.metrics(), "volley_channel_bytes", uid="out") > 0
        drain = subprocess.Popen(["cat"], stdin=host.process.stdout, stdout=subprocess.DEVNULL)
        host.wait_ready()
        completed = host.value("volley_checkpoints_total")
        host.wait_until(lambda: host.value("volley_checkpoints_total") > completed, "the next epoch")
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(harness.PATIENCE) == 0, host.told()
        drain.wait()


def between_workers(folder):
    """The supervisor answers while there is no worker, and the next one has the port at once and knows of the one before."""
    plan = write_plan(folder, [("numbers", [], generator(rate=10_000)), ("out", ["numbers"], plans.sink("blackhole"))])
    with Host(
            folder, plan, checkpoint_dir=os.path.join(folder, "checkpoints"), checkpoint_interval="100ms", restart_delay="2s",
            restart_delay_limit="2s") as host:
        host.wait_ready()
        host.wait_until(lambda: host.value("volley_checkpoints_total") > 0, "an epoch")
        for restarts in [1, 2]:
            (worker,) = host.workers()
            os.kill(worker, signal.SIGKILL)
            waits = "not ready: the worker died, and the job goes on from its last epoch within 2.0 s\n"
            host.wait_until(lambda: host.ask("/readyz")[::2] == (503, waits), "the supervisor answered")
            assert host.ask("/healthz")[0] == 200 and host.ask("/metrics")[0] == 503
            # Whoever asks is answered, always; it may wait for a worker that is being started.
            while host.ask("/readyz")[0] != 200:
                assert host.ask("/healthz")[0] == 200
                assert host.process.poll() is None, host.told()
            assert host.value("volley_restarts_total") == restarts
            host.wait_until(lambda: host.value("volley_checkpoints_total") > 0, "an epoch")
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(harness.PATIENCE) == 0, host.told()
    # The port is free at once.
    with Host(folder, plan, port=host.port) as again:
        again.wait_ready()
        assert again.value("volley_restarts_total") == 0


def busy_port(folder):
    """A port that the user named has to be free; without the default one the job runs."""
    plan = write_plan(folder, [("numbers", [], generator(rows=1000)), ("out", ["numbers"], plans.sink("blackhole"))])
    start = lambda **flags: subprocess.run(
        harness.command(harness.plugin("plan-file"), parameters={"plan": plan}, **flags), capture_output=True, text=True,
        env={name: value for name, value in os.environ.items() if name != "VOLLEY_HEALTH_PORT"} | variables, timeout=harness.PATIENCE)
    variables = {}
    with socket.create_server(("0.0.0.0", 0)) as holder:
        port = holder.getsockname()[1]
        for variables, flags in [({}, {"health_port": port}), ({"VOLLEY_HEALTH_PORT": str(port)}, {})]:
            done = start(**flags)
            assert done.returncode == 69 and f"is {port}" in done.stderr and "another process listens there" in done.stderr, done
    variables = {}
    try:
        holder = socket.create_server(("0.0.0.0", 8080))
    except OSError:
        # Somebody else holds it.
        holder = contextlib.nullcontext()
    with holder:
        done = start()
    run = harness.Run(done.returncode, done.stdout, done.stderr)
    assert run.code == 0 and run.report["rows_in"] == 1000, run
    (event,) = run.event("health.unavailable")
    assert event["level"] in ("warn", "warning") and event["port"] == 8080, event


def no_port(folder):
    """With 0 nobody listens: the job has no socket at all."""
    plan = write_plan(folder, [("numbers", [], generator(rate=10_000)), ("out", ["numbers"], plans.sink("blackhole"))])
    sockets = lambda pid: [
        link for link in (os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")) if link.startswith("socket:")]
    with Host(folder, plan, port=0) as host:
        host.wait_until(lambda: "job.starting" in host.told(), "the job began")
        assert "health." not in host.told(), host.told()
        for process in [host.process.pid, *host.workers()]:
            assert not sockets(process), sockets(process)
    with Host(folder, plan) as host:
        host.wait_ready()
        assert sockets(host.process.pid) and "health.listening" in host.told(), "and with one it has"


def checks(suite):
    suite.check("curl is answered on each path, and every number has its labels", asked_by_curl)
    suite.check("other ways to ask over HTTP/1.1", spoken)
    suite.check("promtool finds nothing in the text", linted)
    suite.check("Prometheus has the numbers of a known run", scraped)
    suite.check("a job is ready when it is restored", ready_when_restored)
    suite.check("a job whose epochs do not complete is not ready", stalled)
    suite.check("the supervisor answers between two workers", between_workers)
    suite.check("a port that is taken", busy_port)
    suite.check("no port", no_port)
