"""By hand: how long the output pauses when another version of a plugin takes a job over that has a gigabyte of state.

    Tests/end-to-end/run.sh HOST takeover       VOLLEY_TAKEOVER_BYTES: how much state (1 GB), VOLLEY_TAKEOVER_ATTEMPTS (5)

The old version is told to end with SIGTERM, and the new one is started when it has ended, as a script would. Counted is the time
from the signal to the first row of the new version, which a sink writes that does not wait for an epoch.
"""

import datetime
import glob
import json
import os
import select
import signal
import statistics
import subprocess
import sys
import time

import harness
import plans
import verdicts

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import waiting

BYTES = int(os.environ.get("VOLLEY_TAKEOVER_BYTES", 1_000_000_000))
ATTEMPTS = int(os.environ.get("VOLLEY_TAKEOVER_ATTEMPTS", 5))
SETTLED = 15
FIELDS = [plans.field(name, "int64") for name in ("k", "a", "b")]
CALLS = {"total": ("sum", plans.column("a")), "least": ("min", plans.column("a")), "most": ("max", plans.column("b")),
         "mean": ("avg", plans.column("b")), "rows": ("count", None)}


def plan(folder, name, rate=None, more=None, sink=None):
    columns = {"k": {"kind": "sequence"}, "a": {"kind": "uniform", "min": 0, "max": 1 << 40},
               "b": {"kind": "uniform", "min": 0, "max": 1 << 40}}
    source = verdicts.generator(rate, None, FIELDS, columns)
    nodes = [("in", source), (None, plans.key_by("k")), ("sums", plans.aggregate(**{**CALLS, **(more or {})})),
             ("out", sink or plans.sink("jsonlines", "/dev/stdout"))]
    path = os.path.join(folder, f"{name}.json")
    with open(path, "w") as file:
        json.dump({"version": {"major": 0, "minor": 2}, "name": "plan-file", "nodes": [
            {"id": index, "inputs": [{"node": index - 1, "output": 0}] if index else [], "operator": operator,
             **({"uid": uid} if uid else {})} for index, (uid, operator) in enumerate(nodes)]}, file)
    return path


def newest(checkpoints):
    """The number and the manifest of the newest epoch; nothing before there is one."""
    for path in sorted(
            glob.glob(f"{checkpoints}/epoch-*/manifest.json"), key=lambda path: int(path.split("epoch-")[1].split("/")[0]),
            reverse=True):
        try:
            with open(path) as file:
                manifest = json.load(file)
        except OSError:
            continue
        if "stages" in manifest:
            return int(path.split("epoch-")[1].split("/")[0]), manifest
    return 0, {"stages": []}


def state_bytes(checkpoints):
    return sum({file["content"]: file["size"] for stage in newest(checkpoints)[1]["stages"] for subtask in stage["subtasks"]
                for file in subtask.get("files", [])}.values())


def moment(event):
    """Seconds of the wall clock."""
    return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


def start(plugin, plan, checkpoints, **flags):
    words = harness.command(
        harness.plugin(plugin), parameters={"plan": plan}, checkpoint_dir=checkpoints, checkpoint_interval="1s", parallelism=2,
        threads=2, **flags)
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def first_row(process):
    assert select.select([process.stdout], [], [], harness.PATIENCE)[0], "no row came"
    assert os.read(process.stdout.fileno(), 1), process.stderr.read().decode()
    return time.time()


def drain(process):
    """Reads on, so that it does not wait for us, and gives what it told."""
    output, errors = process.communicate(timeout=harness.PATIENCE)
    return harness.Run(process.returncode, "", errors.decode())


def takes_over(folder, more):
    checkpoints = os.path.join(folder, "checkpoints")
    began = time.time()
    job = start("plan-lives", plan(folder, "fill", rate=120_000, sink=plans.sink("blackhole")), checkpoints, stop_timeout="10m")
    is_full = lambda: state_bytes(checkpoints) >= BYTES
    assert waiting.wait_until(is_full, "the state", 1200, goes_on=lambda: job.poll() is None, pause=0.2), drain(job)
    job.send_signal(signal.SIGTERM)
    told = drain(job)
    assert told.code == 0, told
    size = state_bytes(checkpoints)
    print(f"  {size / 1e9:.2f} GB in the epoch, filled in {time.time() - began:.0f} s", flush=True)
    return measure(folder, checkpoints, more)


def measure(folder, checkpoints, more):
    """The parts of each attempt, and the median of all."""
    former = plan(folder, "former", rate=2000)
    following = plan(folder, "following", rate=2000, more=more)
    figures = []
    for attempt in range(ATTEMPTS):
        if more and attempt > 0:
            # It is migrated.
            break
        old = start("plan-lives", former, checkpoints)
        first_row(old)
        # Until it has caught up with its pace, and has at hand what it needs of its state for that, as a job that runs for long.
        known = newest(checkpoints)[0]
        while newest(checkpoints)[0] < known + SETTLED:
            os.read(old.stdout.fileno(), 1 << 20)
        asked = time.time()
        old.send_signal(signal.SIGTERM)
        told = drain(old)
        ended = time.time()
        assert told.code == 0, told
        new = start("plan-file", following, checkpoints)
        row = first_row(new)
        new.send_signal(signal.SIGTERM)
        result = drain(new)
        assert result.code == 0, result
        at = {event["event"]: moment(event) for event in reversed(result.events)}
        figures.append({
            "last epoch and exit": ended - asked, "start": at["worker.resources"] - ended,
            "plugin": at["plugin.loaded"] - at["worker.resources"], "epoch checked": at["checkpoint.restored"] - at["plugin.loaded"],
            "state and first row": row - at["checkpoint.restored"], "all": row - asked})
        print("  " + ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in figures[-1].items()), flush=True)
    median = statistics.median(figure["all"] for figure in figures)
    assert more or median < 1, f"{median:.2f} s from the signal to the first row, expected less than 1 s"
    return f"{1000 * median:.0f} ms from the signal to the first row"


def checks(suite):
    suite.check("another version with the same state takes over", takes_over, None)
    suite.check("another version whose state is migrated takes over", takes_over, {"greatest": ("max", plans.column("a"))})
