"""Every row of the table of verdicts, with one version of a plugin that makes epochs and another that is to go on from them."""

import glob
import json
import os
import subprocess

import harness
import plans
import replacement

ROWS = 60_000
K, M, N, T = (plans.column(name) for name in "kmnt")
FIELDS = [plans.field("k", "int32"), plans.field("m", "int32"), plans.field("n", "int64"),
          plans.field("t", {"timestamp": {"unit": "us"}})]
UNIFORM = {"k": {"kind": "uniform", "min": 0, "max": 20}, "m": {"kind": "uniform", "min": 0, "max": 3}}
TIMES = {"eventTime": {"column": "t", "outOfOrderness": 0, "undated": "stop"}}


def generator(rate=None, rows=ROWS, fields=FIELDS, columns=None, seed=1):
    columns = columns or {**UNIFORM, "n": {"kind": "sequence"}, "t": {"kind": "timestamp", "step": 1000}}
    options = {"seed": seed, "columns": columns, **({"rows": rows} if rows else {}), **({"rate": rate} if rate else {})}
    return {"source": {"implementation": {"connector": {"name": "generator", "options": options}}, "schema": fields,
                       "badRecords": {"stop": {}}}}


def window(*calls, emission="final"):
    return {"window": {
        "assigner": {"tumbling": {"size": 1_000_000, "offset": 0}}, "scope": "key", "time": "event", "allowedLateness": 0,
        "late": "drop", "emission": emission, "aggregates": [
            {"function": function, "name": name, **({"argument": argument} if argument else {})}
            for name, function, argument in calls]}}


def changelog(**calls):
    operator = plans.aggregate(**calls)
    operator["aggregate"]["emission"] = "changelog"
    return operator


def top(count, descending=False):
    return {"topN": {"count": count, "by": [{"column": "n", "descending": descending, "nullsFirst": False}],
                     "emission": "updating"}}


JOIN = {"join": {"kind": "inner", "bounds": {"unbounded": {}}}}
SUM, MOST = {"total": ("sum", N)}, {"most": ("max", N)}


class Version:
    """A plan as a chain behind its source; a step is an operator, or a pair of its uid and it."""

    def __init__(self, *steps, sink="out", source="in", side=None, into=None, reads=None):
        self.steps, self.sink, self.source, self.side, self.into, self.reads = steps, sink, source, side, into, reads

    def write(self, folder, name, plugin_rate):
        nodes = []

        def add(operator, uid=None, inputs=None):
            inputs = ([len(nodes) - 1] if nodes else []) if inputs is None else inputs
            nodes.append({"id": len(nodes), "inputs": [{"node": one, "output": 0} for one in inputs], "operator": operator,
                          **({"uid": uid} if uid else {})})
            return len(nodes) - 1

        add(self.reads(plugin_rate) if self.reads else generator(plugin_rate), self.source)
        for step in self.steps:
            uid, operator = step if isinstance(step, tuple) else (None, step)
            if "join" in operator:
                left = len(nodes) - 1
                for index, each in enumerate(self.side(plugin_rate)):
                    last = add(each, "side" if index == 0 else None, [] if index == 0 else None)
                add(operator, uid, [left, last])
            else:
                add(operator, uid)
        if self.into:
            add(plans.sink("jsonlines", os.path.join(folder, self.into, "")), self.sink)
        else:
            add(plans.sink("blackhole"), self.sink)
        path = os.path.join(folder, f"{name}.json")
        with open(path, "w") as file:
            json.dump({"version": {"major": 0, "minor": 2}, "name": "plan-file", "nodes": nodes}, file)
        return path


def check(plan, checkpoints, *flags, plugin="plan-file"):
    """What the verb says: its code, verdicts by uid, and details by uid."""
    done = subprocess.run(
        [harness.HOST, "check", "--plugin", harness.plugin(plugin), *(["--set", f"plan={plan}"] if plan else []), "--checkpoints",
         checkpoints, "--json", *flags], capture_output=True, text=True, timeout=harness.PATIENCE)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise AssertionError(f"{done}") from None
    assert found["refused"] == (done.returncode == 69), done
    return done.returncode, {row["uid"]: row["verdict"] for row in found["stages"]}, {
        row["uid"]: row["detail"] for row in found["stages"]}


def rows_of(folder):
    """The rows of all files, each in the order of its lines."""
    for path in sorted(glob.glob(os.path.join(folder, "*"))):
        with open(path) as file:
            yield from map(json.loads, file)


def last_of(folder, column):
    """By key, the highest value."""
    found = {}
    for row in rows_of(folder):
        found[row["k"]] = max(found.get(row["k"], row[column]), row[column])
    return found


def files_of(checkpoints):
    return sorted(glob.glob(f"{checkpoints}/epoch-*/*") + glob.glob(f"{checkpoints}/files/*"))


def replaced(folder, first, second, wanted, flags=(), allowed=None, words=(), compare=None, parallelism=None):
    """`check` and `run` say the same; what is refused touches nothing; with the flags, or without a refusal, it goes on to its end."""
    former = first.write(folder, "first", 20_000)
    checkpoints = replacement.first_version(folder, former)
    plan = second.write(folder, "second", None)
    code, verdicts, details = check(plan, checkpoints)
    assert wanted.items() <= verdicts.items(), f"expected {wanted}, found {verdicts}: {details}"
    refused = {"gone", "conflicts", "source changed"} & set(verdicts.values())
    assert code == (69 if refused else 0), f"{code}: {verdicts}"
    told = " ".join(details.values())
    for word in words:
        assert word in told, f"'{word}' is not in: {details}"
    assert bool(refused) == bool(allowed is not None), f"{verdicts}: {details}"
    if refused:
        before = files_of(checkpoints), files_of(folder)
        result = replacement.Job(folder, "plan-file", plan).end()
        assert result.code == 69 and "nothing was touched" in result.stderr, result
        for word in words:
            assert word in result.stderr, f"'{word}' is not in: {result}"
        assert (files_of(checkpoints), files_of(folder)) == before, "a refused pipeline has touched something"
        if not flags:
            return
        code, verdicts, details = check(plan, checkpoints, *flags)
        assert code == 0 and allowed.items() <= verdicts.items(), f"expected {allowed}, found {verdicts}: {details}"
    keywords = {"parallelism": parallelism} if parallelism else {}
    words = harness.command(
        harness.plugin("plan-file"), parameters={"plan": plan}, checkpoint_dir=checkpoints, **{**replacement.FAST, **keywords})
    done = subprocess.run([*words, *flags], capture_output=True, text=True, timeout=harness.PATIENCE)
    result = harness.Run(done.returncode, done.stdout, done.stderr)
    assert result.code == 0, result
    (restored,) = result.event("checkpoint.restored")
    changed = {(event["uid"], event["verdict"]) for event in result.event("checkpoint.changed")}
    other = {(uid, verdict) for uid, verdict in verdicts.items() if verdict in ("migrated", "dropped", "reset")}
    assert other <= changed, f"{other} is not told: {result}"
    if compare:
        unharmed = Version(*second.steps, into="unharmed", side=second.side, reads=second.reads).write(folder, "unharmed", None)
        harness.run(harness.plugin("plan-file"), parameters={"plan": unharmed})
        found, expected = last_of(os.path.join(folder, "out"), compare), last_of(os.path.join(folder, "unharmed"), compare)
        assert found == expected, f"{found}, expected {expected}"


def rows():
    """Names, and what `replaced` is given."""
    sums = lambda calls=SUM, **rest: Version(plans.key_by("k"), ("sums", plans.aggregate(**calls)), **rest)
    kept = {"in": "restored", "sums": "restored"}
    narrow = plans.select(k=K, n=plans.cast(N, "int32"))
    yield "the same: restored", (sums(into="out"), sums(into="out"), {**kept, "out": "restored"}), {"compare": "total"}
    yield "another parallelism: restored", (sums(into="out"), sums(into="out"), kept), {"compare": "total", "parallelism": 3}
    yield "another rate of the source: restored", (sums(), sums(reads=lambda rate: generator(1_000_000)), kept), {}
    yield "a type that widens: migrated", (
        Version(narrow, plans.key_by("k"), ("sums", plans.aggregate(**MOST)), into="out"), sums(MOST, into="out"),
        {"sums": "migrated"}), {"compare": "most", "words": ["most: int32 becomes most: int64"]}
    yield "a type that narrows: conflicts", (
        sums(MOST), Version(narrow, plans.key_by("k"), ("sums", plans.aggregate(**MOST))), {"sums": "conflicts"},
        ["--drop-state", "sums"], {"sums": "dropped"}), {"words": ["was most: int64 and is most: int32"]}
    for place, calls in [("at the end", {**SUM, **MOST, "rows": ("count", None)}), ("in front", {"rows": ("count", None), **SUM})]:
        yield f"new aggregates {place}: migrated", (
            sums(into="out"), sums(calls, into="out"), {"sums": "migrated"}), {"compare": "total"}
    yield "an aggregate that is gone: conflicts", (
        sums({**SUM, **MOST}), sums(), {"sums": "conflicts"}, ["--drop-state", "sums"], {"sums": "dropped"}), {
            "words": ["most: int64 is gone"]}
    yield "another function of the same name: conflicts", (
        sums(), sums({"total": ("max", N)}), {"sums": "conflicts"}, ["--drop-state", "sums"], {"sums": "dropped"}), {
            "words": ["'total' was sum and is max"]}
    yield "a new uid: starts empty", (
        sums(), Version(plans.key_by("k"), ("sums", plans.aggregate(**SUM)), plans.key_by("k"),
                        ("more", plans.aggregate(most=("max", plans.column("total"))))),
        {**kept, "more": "starts empty"}), {}
    two = lambda first, second: Version(
        plans.key_by("k"), (first, plans.aggregate(**SUM)), plans.key_by("k"),
        (second, plans.aggregate(most=("max", plans.column("total")))))
    yield "uids that change places: conflicts, renamed", (
        two("a", "b"), two("b", "a"), {"a": "conflicts", "b": "conflicts"}, ["--rename-uid", "a=b", "--rename-uid", "b=a"],
        {"a": "restored", "b": "restored"}), {}
    keyed = lambda *keys: Version(plans.key_by(*keys), ("sums", plans.aggregate(**SUM)))
    yield "another order of keys: conflicts", (
        keyed("k", "m"), keyed("m", "k"), {"sums": "conflicts"}, ["--drop-state", "sums"], {"sums": "dropped"}), {
            "words": ["the key was (k: int32, m: int32) and is (m: int32, k: int32)"]}
    yield "a further key: conflicts", (
        keyed("k"), keyed("k", "m"), {"sums": "conflicts"}, ["--drop-state", "sums"], {"sums": "dropped"}), {
            "words": ["the key was (k: int32) and is (k: int32, m: int32)"]}
    yield "another kind of operator: conflicts", (
        sums(), Version(plans.key_by("k"), ("sums", {"deduplicate": {"keep": "first", "by": []}})), {"sums": "conflicts"},
        ["--drop-state", "sums"], {"sums": "dropped"}), {"words": ["it was an aggregate and is a deduplicate"]}
    yield "a uid of an operator that a sink has: conflicts, whatever is dropped", (
        sums(), Version(plans.key_by("k"), ("others", plans.aggregate(**SUM)), sink="sums"), {"sums": "conflicts"}, [], {}), {
            "words": ["it was an operator (aggregate) and is a sink"]}
    yield "a source of another uid: refused, dropped", (
        sums(), sums(source="other"), {"other": "starts empty", "in": "gone"}, ["--drop-state", "in"], {"in": "dropped"}), {}
    yield "a source with other columns: refused, reset", (
        sums(), sums(reads=lambda rate: generator(columns={**UNIFORM, "n": {"kind": "uniform", "min": 0, "max": 9},
                                                            "t": {"kind": "timestamp", "step": 1000}})),
        {"in": "source changed"}, ["--reset-source", "in"], {"in": "reset", "sums": "restored"}), {"words": ["its option 'columns'"]}
    yield "a sink of another uid with rows to show: refused, dropped", (
        sums(into="out"), sums(into="other", sink="other"), {"out": "gone"}, ["--drop-state", "out"], {"out": "dropped"}), {}
    dated = lambda uid: Version((uid, TIMES), plans.key_by("k"), ("rows", window(("rows", "count", None))))
    yield "event time of the same uid: restored", (
        dated("times"), dated("times"), {"times": "restored", "rows": "restored"}), {}
    yield "event time whose uid is gone: refused, dropped", (
        dated("times"), dated(None), {"times": "gone"}, ["--drop-state", "times"], {"times": "dropped"}), {}
    for emission in ["final", "updating"]:
        windows = lambda *calls: Version(
            ("times", TIMES), plans.key_by("k"), ("rows", window(("rows", "count", None), *calls, emission=emission)))
        yield f"a new aggregate of windows that are {emission}: migrated", (
            windows(), windows(("most", "max", N)), {"rows": "migrated"}), {}
    revised = lambda **calls: Version(
        plans.key_by("k"), ("sums", changelog(**SUM)), plans.key_by("total"), ("counts", changelog(rows=("count", None), **calls)))
    yield "a new aggregate of rows that may be taken back: conflicts", (
        revised(), revised(keys=("sum", K)), {"sums": "restored", "counts": "conflicts"}, ["--drop-state", "counts"],
        {"counts": "dropped"}), {"words": ["can be added where rows are not taken back"]}
    ranked = lambda *arguments: Version(plans.key_by("k"), ("top", top(*arguments)))
    yield "more rows of a ranking: migrated", (ranked(3), ranked(5), {"top": "migrated"}), {"words": ["kept 3 rows of a key and keeps 5"]}
    yield "another order of a ranking: conflicts", (
        ranked(3), ranked(3, True), {"top": "conflicts"}, ["--drop-state", "top"], {"top": "dropped"}), {"words": ["another order"]}

    def side(*names):
        fields = [plans.field("k", "int32"), *(plans.field(name, "int64") for name in names)]
        columns = {"k": UNIFORM["k"], **{name: {"kind": "sequence"} for name in names}}
        return lambda rate: [generator(rate and 200, rows=600, fields=fields, columns=columns), plans.key_by("k")]

    few = lambda rate: generator(rate and 200, rows=600)
    join = lambda given, read: Version(
        plans.key_by("k"), ("join", JOIN), plans.select(k=K, **{name: plans.column(name) for name in ("n", *read)}),
        side=side(*given), reads=few)
    yield "a join that reads a column which was there: conflicts", (
        join("pq", "p"), join("pq", "pq"), {"join": "conflicts"}, ["--drop-state", "join"], {"join": "dropped"}), {
            "words": ["'q' is read now, and nothing read it before"]}
    yield "a join that reads the same: restored", (join("pq", "p"), join("pq", "p"), {"join": "restored"}), {}


def needs_uid(folder):
    """A stateful operator without a uid is refused with a proposal, before anything is touched."""
    plan = Version(plans.key_by("k"), plans.aggregate(**SUM)).write(folder, "plan", None)
    job = replacement.Job(folder, "plan-file", plan)
    result = job.end()
    assert result.code == 64, result
    assert "has no uid, and an operator with state needs one; give it a name of its own, for example 'aggregate'" in result.stderr, result
    assert not os.path.exists(job.checkpoints), "it has made a checkpoint directory"


def stale_flags(folder):
    """Flags that have done their work may stay: they say so, and change nothing."""
    version = Version(plans.key_by("k"), ("sums", plans.aggregate(**SUM)))
    checkpoints = replacement.first_version(folder, version.write(folder, "first", 20_000))
    plan = version.write(folder, "second", None)
    flags = ["--drop-state", "sums", "--reset-source", "in", "--rename-uid", "gone=sums"]
    code, verdicts, _ = check(plan, checkpoints, *flags)
    # The sink has nothing to show, so that the epoch holds nothing of it.
    assert code == 0 and verdicts == {"in": "restored", "sums": "restored", "out": "starts empty"}, verdicts
    words = harness.command(
        harness.plugin("plan-file"), parameters={"plan": plan}, checkpoint_dir=checkpoints, **replacement.FAST)
    done = subprocess.run([*words, *flags], capture_output=True, text=True, timeout=harness.PATIENCE)
    notes = [event["message"] for event in harness.Run(done.returncode, "", done.stderr).event("checkpoint.note")]
    assert done.returncode == 0 and len(notes) == 3, f"{done}"
    # One that names nothing at all is a slip.
    for wrong in (["--rename-uid", "sumz=tatol"],):
        done = subprocess.run([*words, *wrong], capture_output=True, text=True, timeout=harness.PATIENCE)
        assert done.returncode == 64 and "only" in done.stderr, f"{done}"


def swift(folder):
    """Versions of a plugin in Swift: a process function whose state gains fields, and one whose state is of another type."""
    def start(version, **flags):
        words = harness.command(
            harness.plugin(f"counter-{version}"), parameters={"output": os.path.join(folder, "out/"), "rate": rate, "rows": ROWS},
            checkpoint_dir=os.path.join(folder, "checkpoints"), **{**replacement.FAST, **flags})
        return words

    rate, checkpoints = 20_000, os.path.join(folder, "checkpoints")
    job = replacement.Job(folder, "counter-1", None, words=start(1))
    try:
        job.wait_for_epoch()
        assert job.stop().code == 0, job.result()
    finally:
        job.kill()
    flags = lambda version: ["--set", f"output={folder}/out/", "--set", f"rate={rate}", "--set", f"rows={ROWS}"]
    code, verdicts, details = check(None, checkpoints, *flags(2), plugin="counter-2")
    assert code == 0 and verdicts["visits"] == "migrated", (verdicts, details)
    for word in ["visit", "total: int32 not null becomes total: int64 not null", "last: int64 is new and null"]:
        assert word in details["visits"], details
    code, verdicts, details = check(None, checkpoints, *flags(3), plugin="counter-3")
    assert code == 69 and verdicts["visits"] == "conflicts", (verdicts, details)
    refused = subprocess.run(start(3), capture_output=True, text=True, timeout=harness.PATIENCE)
    assert refused.returncode == 69 and "total: int32 not null and is total: utf8 not null" in refused.stderr, refused
    code, verdicts, _ = check(None, checkpoints, *flags(3), "--drop-state", "visits", plugin="counter-3")
    assert code == 0 and verdicts["visits"] == "dropped", verdicts
    rate = 0
    done = subprocess.run(start(2), capture_output=True, text=True, timeout=harness.PATIENCE)
    assert done.returncode == 0, done
    # Each row tells how many of its key there were: each number of each key once.
    found = {}
    for row in rows_of(os.path.join(folder, "out")):
        found.setdefault(row["k"], []).append(int(row["total"]))
    assert sum(map(len, found.values())) == ROWS
    for key, numbers in found.items():
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), f"the counts of {key} have gaps, or come twice"


def checks(suite):
    for name, arguments, keywords in rows():
        suite.check(f"verdict: {name}", lambda folder, a=arguments, k=keywords: replaced(folder, *a, **k))
    suite.check("a stateful operator without a uid is refused with a proposal", needs_uid)
    suite.check("flags that have done their work may stay", stale_flags)
    suite.check("versions of a plugin in Swift", swift)
