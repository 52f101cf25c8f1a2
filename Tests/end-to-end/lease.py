"""A checkpoint directory stays with the job that has taken it, however long that takes to start."""

import json
import os
import time

import harness
import plans
import recovery

ROWS = 1000
# Longer than a lease is good for that is not renewed.
START = 7


def slow_start(folder):
    """The start of a job waits for somebody who reads what it writes."""
    path, out, checkpoints = os.path.join(folder, "rows.csv"), os.path.join(folder, "out"), os.path.join(folder, "checkpoints")
    with open(path, "w") as file:
        file.write("id,k,v,t\n" + "".join(f"{row},key,{row},2024-05-01 00:00:00\n" for row in range(ROWS)))
    os.mkfifo(out)
    parameters = recovery.plan(folder, "slow", plans.source("csv", path, recovery.FIELDS), plans.sink("jsonlines", out), parallelism={1: 1})
    host = recovery.Host(recovery.command(parameters, checkpoints))
    try:
        assert host.wait_for(lambda: b"job.starting" in host.text, "the start"), host.finish()
        start = time.monotonic()
        assert host.wait_for(lambda: time.monotonic() > start + START, "that time"), host.finish()
        with open(out) as file:
            found = sorted(json.loads(line)["id"] for line in file)
        # One that lost its directory would wait for another reader.
        assert not host.wait_for(lambda: b"worker.restarting" in host.text, "its end"), host.text.decode()
        result = host.finish()
        assert result.code == 0, result
        assert found == list(range(ROWS)), f"{len(found)} rows"
    finally:
        if host.poll() is None:
            host.kill()
    return f"started after {START} s"


def checks(suite):
    suite.check("a job whose start takes longer than a lease holds keeps its directory", slow_start)
