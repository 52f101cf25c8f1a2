"""The pipeline 'meters' in Swift (Plugins/meters) and in plain C (Plugins/plain-c): every kind of user code, beside DuckDB."""

import csv
import datetime
import glob
import json
import os
import random
import signal
import time

import duckdb

import harness
import recovery

START = 1_714_550_400
LANGUAGES = {"Swift": "meters", "C": "plain-c"}
JUMP = 400


def write_readings(folder, count, files=1):
    """Readings of a few meters, at most nine seconds out of order, each meter's in one of the files; gives their pattern. The
    numbered rows of all are DuckDB's table.
    """
    generator = random.Random(harness.SEED)
    moment = START
    outputs = [open(os.path.join(folder, f"readings-{index}.csv"), "w") for index in range(files)]
    for output in outputs:
        output.write("meter,at,watts\n")
    with open(os.path.join(folder, "numbered.csv"), "w") as numbered:
        numbered.write("row,meter,at,watts\n")
        for row in range(count):
            moment += generator.randrange(0, 12)
            at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment - generator.randrange(0, 10)))
            meter = generator.randrange(1, 8)
            line = f"{meter},{at},{generator.randrange(1, 3000)}\n"
            outputs[meter % files].write(line)
            numbered.write(f"{row},{line}")
    for output in outputs:
        output.close()
    return os.path.join(folder, "readings-*.csv")


def table(folder):
    return f"""(select *, epoch("at")::bigint as t from read_csv('{folder}/numbered.csv'))"""


LOAD = "sum(watts)::double / count(*)::double / max(watts)::double"
QUERIES = {
    "minutes": """
        select meter, t // 60 * 60 + 60, count(*) from (
            select meter, t, abs(watts - lag(watts) over (partition by meter order by row)) as step from {rows})
        where step >= {jump} group by all""",
    "hours": "select meter, t // 3600 * 3600, count(*) from {rows} group by all",
    "loads": """
        select meter, start, start + 120, {load}, count(*)
        from (select *, unnest([t // 60 * 60 - 60, t // 60 * 60]) as start from {rows}) group by meter, start""",
    "sessions": """
        select meter, min(t), max(t) + 45, {load}, count(*) from (
            select *, sum(opens) over (partition by meter order by t, row) as session from (
                select *, coalesce(t - lag(t) over (partition by meter order by t, row) >= 45, true)::int as opens from {rows}))
        group by meter, session""",
    "load": """
        select meter, sum(watts) over upto::double / count(*) over upto::double / max(watts) over upto::double
        from {rows} window upto as (partition by meter order by row)""",
    "spreads": """
        select meter, t // 300 * 300 + 300, max(watts) - min(watts),
            list_sort(list(watts))[(count(*)::int - 1) // 2 + 1] from {rows} group by meter, t // 300""",
    "costs": """
        select meter, t, watts, price, watts * price / 1000.0::double
        from (select *, case when t // 3600 % 24 between 6 and 21 then 310 else 240 end as price from {rows})""",
}


def expected(folder, name):
    rows = duckdb.sql(QUERIES[name].format(rows=table(folder), load=LOAD, jump=JUMP)).fetchall()
    return sorted(tuple(row) for row in rows)


def seconds(text):
    moment = datetime.datetime.fromisoformat(text.rstrip("Z")).replace(tzinfo=datetime.timezone.utc)
    assert moment.microsecond == 0, text
    return int(moment.timestamp())


def found(out, name):
    rows = []
    for path in glob.glob(f"{out}/{name}/*"):
        with open(path) as file:
            for line in file:
                row = json.loads(line)
                rows.append(tuple(seconds(value) if isinstance(value, str) else value for value in row.values()))
    return sorted(rows)


def same(folder, out, language):
    for name in QUERIES:
        mine, right = found(out, name), expected(folder, name)
        assert mine == right, (
            f"{language}, {name}: {len(mine)} rows, DuckDB has {len(right)}; of one only: "
            f"{sorted(set(mine) ^ set(right))[:6]}")


MASK = (1 << 64) - 1


def mixed(value):
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def host_random(name):
    """`random/1` of the first subtask of an operator, before the first epoch."""
    place = 0xCBF29CE484222325
    for byte in f"{name}/0".encode():
        place = ((place ^ byte) * 0x100000001B3) & MASK
    state = mixed((place + mixed(0)) & MASK)
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        yield mixed(state)


def samples(folder, out):
    """Rows of the random sample; the host's numbers are known."""
    numbers = host_random("samples-21")
    wanted = []
    with open(os.path.join(folder, "numbered.csv")) as file:
        for row in csv.DictReader(file):
            if next(numbers) % 8 == 0:
                wanted.append((int(row["meter"]), seconds(row["at"])))
    rows = []
    for part in glob.glob(f"{out}/samples/*"):
        with open(part) as file:
            rows += [json.loads(line) for line in file]
    assert sorted((row["meter"], seconds(row["at"])) for row in rows) == sorted(wanted), f"{len(rows)} samples, not {len(wanted)}"
    return sorted({row["taken"] for row in rows})


def parameters(path, out, interleave=1):
    return {"input": path, "output": out, "jump": JUMP, "interleave": interleave}


def pipeline(language, path, out, interleave=1):
    return (harness.plugin(LANGUAGES[language]), "meters"), {"parameters": parameters(path, out, interleave)}


def beside_duckdb(folder, language, flags):
    out = os.path.join(folder, "out")
    path = write_readings(folder, 8_000)
    words, keywords = pipeline(language, path, out)
    before = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    run = harness.run(*words, **keywords, **flags)
    after = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    same(folder, out, language)
    for taken in samples(folder, out):
        assert before <= datetime.datetime.fromisoformat(taken) <= after, f"{taken} is not between {before} and {after}"
    said = {event["message"] for event in run.event("plugin.log")}
    assert said == {f"a jump is {JUMP} watts"}, said
    jumps = sum(row[2] for row in found(out, "minutes"))
    (counted,) = {stage["counters"]["jumps"] for stage in run.report["stages"] if stage.get("counters")}
    assert counted == jumps, f"the counter says {counted}, there are {jumps}"
    return f"{sum(len(found(out, name)) for name in QUERIES)} rows"


def same_clock(folder):
    """With a clock that the data moves, both are told the same times."""
    path = write_readings(folder, 5_000)
    times = {}
    for language in LANGUAGES:
        out = os.path.join(folder, language)
        words, keywords = pipeline(language, path, out)
        harness.run(*words, **keywords, parallelism=1, threads=1, test_clock="2s", batch_rows=100)
        same(folder, out, language)
        times[language] = samples(folder, out)
    assert times["C"] == times["Swift"] and len(times["C"]) > 10, times
    return f"{len(times['C'])} times"


def survives(folder, language, kills):
    """Killed and gone on with, at another parallelism each time."""
    generator = random.Random(harness.SEED)
    out = os.path.join(folder, "out")
    checkpoints = os.path.join(folder, "checkpoints")
    path = write_readings(folder, 40_000, files=2)
    words, keywords = pipeline(language, path, out, interleave=2)
    command = lambda: harness.command(
        *words, **keywords, checkpoint_dir=checkpoints, checkpoint_interval="50ms", batch_rows=500, threads=2,
        parallelism=generator.choice([1, 2, 3]))
    done = 0
    while done < kills:
        host = recovery.Host(command())
        before = recovery.complete_epochs(checkpoints)
        if not host.wait_for(lambda: recovery.complete_epochs(checkpoints) - before, "an epoch"):
            result = host.finish()
            assert result.code == 0, result
            break
        host.kill() if done % 2 == 0 else host.process.send_signal(signal.SIGTERM)
        host.finish()
        done += 1
    result = recovery.Host(command()).finish()
    assert result.code == 0, result
    same(folder, out, language)
    return f"{done} kills and stops"


def checks(suite):
    for language in LANGUAGES:
        for flags in [{"parallelism": 1, "threads": 1}, {"parallelism": 3, "threads": 2, "batch_rows": 700}]:
            suite.check(
                f"every kind of code in {language}, beside DuckDB, parallelism {flags['parallelism']}", beside_duckdb,
                language, flags)
    suite.check("plugins in C and in Swift are told the same times", same_clock)
    for language in LANGUAGES:
        suite.check(f"every kind of code in {language} survives being killed", survives, language, 6)
