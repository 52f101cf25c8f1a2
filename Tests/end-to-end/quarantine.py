"""Records on which functions throw are set aside, and the others come out as from data without them."""

import glob
import json
import os
import random

import harness
import plans
import recovery
from recovery import waiting

PLUGIN = harness.plugin("results")
# Which function refuses an amount, and the folder of its operator.
REFUSES = [(101, "check", "filter-1"), (103, "map", "map-2"), (107, "running", "running")]


def refused(amount):
    return next((by for divisor, by, _ in REFUSES if amount % divisor == 0), None)


def write(path, orders):
    with open(path, "w") as file:
        for order in orders:
            file.write(json.dumps(order) + "\n")


def read(pattern):
    rows = []
    for path in glob.glob(pattern):
        with open(path) as file:
            rows += [json.loads(line) for line in file]
    return rows


def key(row):
    return row["id"]


def set_aside(folder, flags):
    generator = random.Random(harness.SEED)
    orders = [
        {"id": id, "user": f"user {generator.randrange(40)}", "amount": generator.randrange(1, 2000)} for id in range(20_000)
    ]
    everything, good = os.path.join(folder, "all.jsonl"), os.path.join(folder, "good.jsonl")
    write(everything, orders)
    write(good, [order for order in orders if not refused(order["amount"])])

    def run(input, name, **more):
        output = os.path.join(folder, name, "")
        result = harness.run(PLUGIN, "refusing", parameters={"input": input, "output": output}, **flags, **more)
        return result, sorted(read(os.path.join(output, "*.jsonl")), key=key)

    aside = os.path.join(folder, "aside")
    result, found = run(everything, "out", quarantine=aside, quarantine_limit=2000)
    _, wanted = run(good, "wanted")
    assert found == wanted, f"{len(found)} rows, and {len(wanted)} without the bad ones"
    count = 0
    for _, by, uid in REFUSES:
        lines = sorted(read(os.path.join(aside, uid, "*.jsonl")), key=lambda line: line["record"]["id"])
        bad = [order for order in orders if refused(order["amount"]) == by]
        assert [line["record"] for line in lines] == bad, (by, len(lines), len(bad))
        for line in lines:
            assert line["error"].endswith(f"{by} refuses order {line['record']['id']}"), line
            assert line["uid"] == uid and line["plugin"] == "results", line
        count += len(bad)
    assert result.report["dead_letters"] == count, result.report
    failed = harness.attempt(PLUGIN, "refusing", parameters={"input": everything, "output": os.path.join(folder, "none", "")}, **flags)
    assert failed.code == 65 and "refuses order" in failed.stderr, failed
    limited = harness.attempt(
        PLUGIN, "refusing", parameters={"input": everything, "output": os.path.join(folder, "none", "")},
        quarantine=os.path.join(folder, "few"), quarantine_limit=3, **flags)
    assert limited.code == 65 and "as many as --quarantine-limit allows" in limited.stderr, limited
    return f"{count} of {len(orders)} records"


def survives(folder, kills):
    """Each record is in the output or in the quarantine, once, however often the job is killed."""
    generator = random.Random(harness.SEED)
    orders = [{"id": id, "amount": generator.randrange(1, 20_000)} for id in range(400_000)]
    input, out = os.path.join(folder, "all.jsonl"), os.path.join(folder, "out", "")
    aside, checkpoints = os.path.join(folder, "aside"), os.path.join(folder, "checkpoints")
    write(input, orders)

    fields = [plans.field("id", "int64"), plans.field("amount", "int64")]
    refuse = {"batchFunction": {"function": "refuse", "label": "refuse", "outputs": [fields]}}
    parameters = recovery.plan(folder, "plan", plans.source("jsonlines", input, fields), refuse, plans.sink("jsonlines", out))

    def start():
        return recovery.Host(recovery.command(
            parameters, checkpoints, quarantine=aside, quarantine_limit=20_000, parallelism=generator.choice([1, 2, 3]), threads=2))

    done, ended = 0, False
    while done < kills and not ended:
        before = recovery.complete_epochs(checkpoints)
        host = start()
        if host.wait_for(lambda: recovery.complete_epochs(checkpoints) - before, "an epoch"):
            waiting.any_moment(generator, 0.15)
            host.kill()
            done += 1
        else:
            result, ended = host.finish(), True
            assert result.code == 0, result
    if not ended:
        result = start().finish()
        assert result.code == 0, result
    is_bad = lambda order: order["amount"] % 103 == 0
    found = sorted(read(os.path.join(out, "*.jsonl")), key=key)
    assert found == [order for order in orders if not is_bad(order)], f"{len(found)} rows after {done} kills"
    lines = sorted(read(os.path.join(aside, "node-1", "*.jsonl")), key=lambda line: line["record"]["id"])
    bad = [order for order in orders if is_bad(order)]
    assert [line["record"] for line in lines] == bad, f"{len(lines)} lines of {len(bad)} after {done} kills"
    for line in lines:
        assert line["error"].endswith(f"refuse refuses order {line['record']['id']}"), line
        assert line["epoch"] is None or line["epoch"] > 0, line
        assert len(line["sha256"]) == 64, line
    return f"{done} kills"


def checks(suite):
    for flags in [
        {"parallelism": 1, "threads": 1},
        {"parallelism": 2, "threads": 2, "batch_rows": 1000},
        {"parallelism": 2, "threads": 2, "batch_rows": 1},
    ]:
        suite.check(f"records that functions refuse are set aside, {flags}", set_aside, flags)
    suite.check("what is set aside survives kills, once", survives, 6)
