"""Every slot of volley.h is called end to end in a plugin of plain C and in plugins of Swift: a witness that stands between them
and the host has counted. A table or an interface that comes new is in the list by itself, and fails here until both have used it.
"""

import gzip
import os
import signal
import sys

import pyarrow
import pyarrow.feather

import harness
import meters
import plans
import recovery

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../abi"))
import witness

# What end to end is only called in one way, and is called in tests of the room PluginLoading in the others.
ELSEWHERE = {
    # When a job fails in the middle of what was asked; KindMuseumTests.
    "C": {"volley_async_function.cancel",
          # Of Arrow's own codecs only; CodecMuseumTests.
          "volley_coder.bound", "volley_coder.compress", "volley_coder.decompress"},
    "Swift": {"volley_async_function.cancel"},
}


class Witnessed:
    """Plugins of one language, each with a witness before it."""

    def __init__(self, folder):
        self.folder, self.files, self.plugins = folder, [], {}

    def plugin(self, name):
        if name not in self.plugins:
            self.plugins[name] = os.path.join(self.folder, f"lib{name}.so")
            self.files.append(witness.build(harness.plugin(name), self.plugins[name]))
        return self.plugins[name]

    def calls(self):
        total = dict.fromkeys(witness.names(), 0)
        for file in self.files:
            for name, count in witness.calls(file).items():
                total[name] += count
        return total


def run_meters(folder, plugin):
    """Twice with one checkpoint folder: the second run goes on where the first one ended."""
    path, out = meters.write_readings(folder, 4_000, files=2), os.path.join(folder, "meters")
    for _ in range(2):
        harness.run(
            plugin, "meters", parameters=meters.parameters(path, out, interleave=2), parallelism=2, threads=2,
            batch_rows=100, test_clock="2s", checkpoint_dir=os.path.join(folder, "of-meters"))
    meters.same(folder, out, plugin)


def ramp(folder, rows, sink):
    """The plan of a job that writes the numbers of plain-c's source somewhere."""
    return plans.parameters(
        folder, {"source": {
            "implementation": {"connector": {"name": "ramp", "options": {"rows": rows}}},
            "schema": [{"name": "n", "type": "int64", "nullable": False}], "badRecords": {"stop": {}}}}, sink)


def stop(plugins, *words, **keywords):
    """A run that SIGTERM ends, when it has begun to read."""
    before = plugins.calls()["volley_source.read"]
    host = recovery.Host(harness.command(*words, **keywords))
    assert host.wait_for(lambda: plugins.calls()["volley_source.read"] > before, "a read"), host.finish()
    host.process.send_signal(signal.SIGTERM)
    run = host.finish()
    assert run.code == 0, run


def in_c(folder, plugins):
    path = os.path.join(folder, "prices.csv")
    with open(path, "w") as file:
        file.write("item,price,limit\nlamp,20,19.5\n")
    run = harness.run(plugins.plugin("plain-c"), "plain-c", parameters={"input": path}, parallelism=1)
    assert run.stdout == "item,capped\nlamp,19.5\n", run
    run_meters(folder, plugins.plugin("plain-c"))

    tallied = os.path.join(folder, "tallied")
    os.mkdir(tallied)
    plan = ramp(folder, 1000, {"sink": {"implementation": {"connector": {"name": "tally", "options": {"folder": tallied}}}}})
    for _ in range(2):
        harness.run(
            harness.plugin("plan-file"), parameters=plan, connectors=[plugins.plugin("plain-c")], parallelism=2,
            checkpoint_dir=os.path.join(folder, "of-ramp"))
    numbers = []
    for name in os.listdir(tallied):
        with open(os.path.join(tallied, name)) as file:
            numbers += map(int, file)
    assert sorted(numbers) == list(range(1000)), f"{len(numbers)} numbers"

    # More than it will ever give: SIGTERM ends it.
    plan = ramp(folder, 1 << 60, plans.sink("blackhole"))
    stop(plugins, harness.plugin("plan-file"), parameters=plan, connectors=[plugins.plugin("plain-c")], parallelism=2)

    packed = os.path.join(folder, "letters.csv.run")
    rows = "a\n" + "x" * 5000 + "\ny\n"
    with open(os.path.join(folder, "letters.csv"), "w") as file:
        file.write(rows)
    letters = [plans.field("a", "utf8")]
    plans.run(folder, plans.source("csv", os.path.join(folder, "letters.csv"), letters), plans.sink("csv", packed),
              codec=plugins.plugin("plain-c"), parallelism=1)
    assert os.path.getsize(packed) < 100
    again = os.path.join(folder, "again.csv")
    plans.run(folder, plans.source("csv", packed, letters), plans.sink("csv", again), codec=plugins.plugin("plain-c"), parallelism=1)
    with open(again) as file:
        assert file.read() == rows


def in_swift(folder, plugins):
    run_meters(folder, plugins.plugin("meters"))
    nexmark = os.path.join(folder, "nexmark")
    for _ in range(2):
        harness.run(
            plugins.plugin("nexmark"), "q0", parameters={"events": 10_000, "output": nexmark}, parallelism=2,
            checkpoint_dir=os.path.join(folder, "of-nexmark"))
    stop(plugins, plugins.plugin("nexmark"), "q0", parameters={"events": 1 << 40})
    rows = sum(pyarrow.feather.read_table(os.path.join(nexmark, name)).num_rows for name in os.listdir(nexmark))
    assert rows == 9_200, f"{rows} bids"

    orders = os.path.join(folder, "orders.jsonl")
    with open(orders, "w") as file:
        file.write('{"order":1,"country":"DE","net":100}\n')
    receipts = os.path.join(folder, "receipts.txt")
    for _ in range(2):
        harness.run(
            plugins.plugin("enrichment"),
            parameters={"input": orders, "receipts": receipts, "others": os.path.join(folder, "others.jsonl")},
            checkpoint_dir=os.path.join(folder, "of-receipts"))
    with open(receipts) as file:
        assert file.read() == "order 1 DE: 100.0 + 19.0 tax = 119.0\n"

    fields = [plans.field("order", "int64"), plans.field("country", "utf8")]
    fields += [plans.field(name, "float64") for name in ("net", "tax", "gross")]
    with open(orders, "w") as file:
        file.write('{"order":2,"country":"AT","net":1,"tax":0.2,"gross":1.2}\n')
    harness.run(
        harness.plugin("plan-file"), connectors=[plugins.plugin("enrichment")], parallelism=1, parameters=plans.parameters(
            folder, plans.source("jsonlines", orders, fields), plans.sink("receipts", receipts)))
    with open(receipts) as file:
        assert file.read() == "order 2 AT: 1.0 + 0.2 tax = 1.2\n"

    packed, table = os.path.join(folder, "numbers.arrow"), pyarrow.table({"n": list(range(10_000))})
    pyarrow.feather.write_feather(table, os.path.join(folder, "plain.arrow"), compression="zstd")
    number = [plans.field("n", "int64")]
    codec = plugins.plugin("codecs")
    plans.run(folder, plans.source("arrow", os.path.join(folder, "plain.arrow"), number),
              plans.sink("arrow", packed, compression="zstd"), codec=codec, parallelism=1)
    assert pyarrow.feather.read_table(packed).equals(table)
    plans.run(folder, plans.source("arrow", packed, number), plans.sink("csv", os.path.join(folder, "numbers.csv.gz")),
              codec=codec, parallelism=1)
    with gzip.open(os.path.join(folder, "numbers.csv.gz"), "rt") as file:
        assert file.read() == "n\n" + "".join(f"{n}\n" for n in range(10_000))


def every_slot(folder, language, use):
    plugins = Witnessed(folder)
    use(folder, plugins)
    calls = plugins.calls()
    never = {name for name, count in calls.items() if count == 0}
    assert never <= ELSEWHERE[language], (
        f"no plugin in {language} uses {', '.join(sorted(never - ELSEWHERE[language]))}: use it in a sample, and here")
    return f"{len(calls) - len(never)} slots, {sum(calls.values())} calls"


def checks(suite):
    suite.check("every slot of volley.h is used by a plugin in C", every_slot, "C", in_c)
    suite.check("every slot of volley.h is used by a plugin in Swift", every_slot, "Swift", in_swift)
