"""SIGTERM and SIGINT while rows flow: all files whole, and in them all rows that were read."""

import os
import signal
import subprocess
import sys
import time

import harness
import rows as data

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import waiting

COLUMNS = data.pa.schema([("n", "int64"), ("key", "int64"), ("word", "string")])


def stopped(folder, number, send, rate, flags):
    out = {
        "csv": os.path.join(folder, "csv/"), "json": os.path.join(folder, "numbers.jsonl"),
        "totals": os.path.join(folder, "totals.jsonl")}
    words = harness.command(harness.plugin("results"), "endless", parameters={"rate": rate, **out}, **flags)
    watch = waiting.FolderWatch(folder)
    host = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    try:
        hidden = os.path.join(folder, ".numbers.jsonl.volley-tmp")
        has_rows = lambda: os.path.exists(hidden) and os.path.getsize(hidden) > 100_000
        watch.wait_until(has_rows, "the first rows", harness.PATIENCE)
        assert not os.path.exists(out["json"]), "a file that is not complete has its own name already"
        send(host.pid, number)
        start = time.monotonic()
        _, stderr = host.communicate(timeout=harness.PATIENCE)
        seconds = time.monotonic() - start
    finally:
        host.kill()
    result = harness.Run(host.returncode, "", stderr.decode())
    assert result.code == 0, result
    left = [name for _, _, files in os.walk(folder) for name in files if name.startswith(".")]
    assert not left, f"unfinished files are left: {left}"

    made = result.report["rows_in"]
    from_csv, from_json = data.read_csv(out["csv"], COLUMNS), data.read_json(out["json"])
    assert len(from_json) == made, f"{made} rows were made and {len(from_json)} are in the file"
    names = COLUMNS.names
    data.same(data.canonical_rows(from_csv, names), data.canonical_rows(from_json, names), "CSV and JSON lines")
    assert len({row["n"] for row in from_json}) == made, "rows are doubled"
    counts, last = {}, {}
    for row in data.read_json(out["totals"]):
        counts[row["key"]], last[row["key"]] = row["count"], row["last"]
    for row in from_json:
        counts[row["key"]] -= 1
        assert row["n"] <= last[row["key"]], f"{row} is missing from the totals"
    assert set(counts.values()) == {0}, f"the totals miss {counts}"
    return f"{made} rows, ended after {seconds * 1e3:.0f} ms"


def while_idle(folder, number):
    """A source that waits for a line is woken."""
    words = harness.command(harness.plugin("results"), "typed")
    host = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        host.stdin.write(b"one\n")
        host.stdin.flush()
        shown = b""
        while b"one!" not in shown:
            shown += os.read(host.stdout.fileno(), 4096) or b"one! (the output ended)"
        host.send_signal(number)
        start = time.monotonic()
        assert host.wait(timeout=harness.PATIENCE) == 0, host.stderr.read().decode()
        return f"ended after {(time.monotonic() - start) * 1e3:.0f} ms"
    finally:
        host.kill()
        for pipe in [host.stdin, host.stdout, host.stderr]:
            pipe.close()


def checks(suite):
    cases = [
        ("SIGTERM", signal.SIGTERM, os.kill, 200_000, {"parallelism": 2, "threads": 2}),
        ("SIGINT", signal.SIGINT, os.kill, 200_000, {"parallelism": 1, "threads": 1}),
        ("Ctrl-C, which reaches supervisor and worker", signal.SIGINT, os.killpg, 200_000, {"parallelism": 2, "threads": 1}),
        ("SIGTERM at full speed", signal.SIGTERM, os.kill, 0, {"parallelism": 2, "threads": 2}),
        ("SIGINT at full speed with small batches", signal.SIGINT, os.kill, 0, {"parallelism": 2, "threads": 2, "batch_rows": 7}),
    ]
    for name, number, send, rate, flags in cases:
        suite.check(f"{name}: what was read is written, whole", stopped, number, send, rate, flags)
    for name, number in [("SIGTERM", signal.SIGTERM), ("SIGINT", signal.SIGINT)]:
        suite.check(f"{name} while standard input is silent", while_idle, number)
