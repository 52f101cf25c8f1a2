"""Two plugins whose modules and types have the same names, on Swift runtimes of their own and shared, and one in C, in one
process: each keeps its own code.
"""

import itertools
import os
import re
import subprocess

import harness

RUNTIMES = ["self-contained", "shared"]


def twin(colour, runtime):
    return harness.plugin(f"twin-{colour}-{runtime}")


def red_item(number):
    return ("problem", 70) if number % 10 == 7 else ("odd" if number % 2 else "even", number * 10)


def blue_item(number):
    return ("nine", 9) if number % 9 == 0 else (f"rest {number % 3}", number // 3)


ITEM = {"red": red_item, "blue": blue_item}


def groups(rows):
    grouped = {}
    for origin, (key, value) in rows:
        grouped.setdefault((origin, key), []).append(value)
    return grouped


def red_totals(rows):
    totals = sorted((f"{origin}/{key}", values) for (origin, key), values in groups(rows).items())
    return [f"red {name}: {len(values)} rows, {sum(values)}" for name, values in totals]


def blue_totals(rows):
    return [
        f"blue sum={sum(values)} count={len(values)} kinds={len(set(values))} {key} of {origin}"
        for (origin, key), values in sorted(groups(rows).items())]


TOTALS = {"red": red_totals, "blue": blue_totals}


def own_rows(colour):
    return [("own", ITEM[colour](number)) for number in range(500)]


def mixed_rows(colour, other):
    theirs = [ITEM[other](number) for number in range(1000)]
    return (
        own_rows(colour) + [("ramp", ITEM[colour](number)) for number in range(700)]
        + [(f"{other}-items", (f"{colour} sees {key}", value)) for key, value in theirs])


def expect(path, lines):
    with open(path) as file:
        found = file.read().splitlines()
    assert found == lines, f"{path} has {found}, expected {lines}"


def loaded(run):
    return [os.path.basename(event["path"]) for event in run.event("plugin.loaded")]


def together(folder, colour, runtime, other_runtime, flags):
    other = {"red": "blue", "blue": "red"}[colour]
    out = {"own": os.path.join(folder, "own.txt"), "others": os.path.join(folder, "others.txt")}
    plugins = [twin(colour, runtime), twin(other, other_runtime), harness.plugin("plain-c")]
    run = harness.run(plugins[0], "mixed", connectors=plugins[1:], parameters=out, **flags)
    assert loaded(run) == [os.path.basename(path) for path in plugins], loaded(run)
    (resources,) = run.event("worker.resources")
    said = [event["message"] for event in run.event("plugin.log")]
    places = {(name, int(pid)) for name, pid in (re.fullmatch(r"(\S+) runs in process (\d+)", text).groups() for text in said)}
    wanted = {(f"{other}-items", resources["pid"]), (f"{other}-totals", resources["pid"])}
    assert places == wanted, f"the connectors said {places}, expected {wanted}"
    rows = mixed_rows(colour, other)
    assert run.report["rows_in"] == len(rows), run.report
    expect(out["own"], TOTALS[colour](rows))
    expect(out["others"], TOTALS[other](rows))


def c_beside_swift(folder):
    """The pipeline in C, with all four twins' connectors offered: two would have one name, so one twin of each colour."""
    path = os.path.join(folder, "prices.csv")
    with open(path, "w") as file:
        file.write("item,price,limit\nlamp,20,19.5\npen,1,2\n")
    for runtimes in itertools.product(RUNTIMES, RUNTIMES):
        swift = [twin("red", runtimes[0]), twin("blue", runtimes[1])]
        run = harness.run(harness.plugin("plain-c"), "plain-c", connectors=swift, parameters={"input": path}, parallelism=1)
        assert run.stdout == "item,capped\nlamp,19.5\npen,1.0\n", run.stdout
        assert len(loaded(run)) == 3, loaded(run)


def one_after_the_other(folder):
    for colour, runtime in itertools.product(["red", "blue"], RUNTIMES):
        path = os.path.join(folder, f"{colour}-{runtime}.txt")
        run = harness.run(twin(colour, runtime), "alone", parameters={"own": path})
        assert loaded(run) == [os.path.basename(twin(colour, runtime))]
        expect(path, TOTALS[colour](own_rows(colour)))


def same_name_twice(folder):
    """Two versions of one plugin offer connectors of one name: that is told, not decided by the order."""
    words = harness.command(
        harness.plugin("plain-c"), "plain-c", connectors=[twin("red", "self-contained"), twin("red", "shared")])
    done = subprocess.run(words, capture_output=True, text=True, timeout=harness.PATIENCE)
    assert done.returncode in (64, 69), (done.returncode, done.stderr)
    assert "red-items" in done.stderr or "red-totals" in done.stderr, done.stderr


def symbols(folder):
    plugins = sorted(os.listdir(harness.PLUGINS))
    for path in plugins:
        listed = subprocess.run(
            ["nm", "-D", "--defined-only", "--extern-only", os.path.join(harness.PLUGINS, path)],
            capture_output=True, text=True, check=True).stdout.splitlines()
        names = [line.split()[-1] for line in listed]
        assert names == ["volley_plugin_root"], f"{path} shows {names}"
    return f"{len(plugins)} plugins"


def runtimes(folder):
    """The premise of the other checks: who brings a Swift runtime, and who shares one."""
    for colour, runtime in itertools.product(["red", "blue"], RUNTIMES):
        listed = subprocess.run(
            ["readelf", "-d", twin(colour, runtime)], capture_output=True, text=True, check=True).stdout
        assert ("libswiftCore.so" in listed) == (runtime == "shared"), f"{twin(colour, runtime)} needs:\n{listed}"


def checks(suite):
    suite.check("self-contained plugins need no Swift library, the others do", runtimes)
    suite.check("a plugin shows one symbol", symbols)
    for colour, runtime, other in itertools.product(["red", "blue"], RUNTIMES, RUNTIMES):
        for flags in [{"parallelism": 1, "threads": 1}, {"parallelism": 2, "threads": 2}]:
            suite.check(
                f"a {runtime} pipeline, {other} connectors with types of the same names, and C in one process, "
                f"parallelism {flags['parallelism']}, {colour}", together, colour, runtime, other, flags)
    suite.check("a pipeline in C runs beside Swift connectors of both kinds", c_beside_swift)
    suite.check("each twin runs its own code, one after the other", one_after_the_other)
    suite.check("connectors of one name from two plugins are refused", same_name_twice)
