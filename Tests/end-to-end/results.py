"""Random rows through pipelines of every kind, at several parallelisms and batch sizes: DuckDB's results."""

import itertools
import os
import random

import duckdb

import harness
import rows as data
from rows import canonical_rows, read_csv, read_json, same

ROWS = 2500
PLUGIN = harness.plugin("results")
# parallelism, threads, rows of a batch
PLACES = list(itertools.product([1, 2], [1, 2], [1, 7, 65536]))


class Input:
    """The same rows as CSV, as several JSON-lines files, and as table `r` in DuckDB."""

    def __init__(self, folder, generator, count=ROWS, first=0, name="r", database=None):
        self.rows = data.random_rows(generator, count, first)
        self.csv = os.path.join(folder, f"{name}.csv")
        data.write_csv(generator, self.csv, self.rows)
        third = max(1, count // 3)
        for index in range(0, count, third):
            data.write_json(generator, os.path.join(folder, f"{name}-{index // third}.jsonl"), self.rows[index : index + third])
        self.json = os.path.join(folder, f"{name}-*.jsonl")
        self.database = database or duckdb.connect()
        # DuckDB finds the table under its Python name only while the call lasts.
        table = data.arrow(self.rows)
        self.database.register("arriving", table)
        self.database.execute(f"create table {name} as select * from arriving")
        self.database.unregister("arriving")

    def sql(self, query):
        """Names, and rows as dictionaries."""
        result = self.database.execute(query)
        names = [column[0] for column in result.description]
        return names, [dict(zip(names, row)) for row in result.fetchall()]

    def path(self, format):
        return self.csv if format == "csv" else self.json


def check_json(path, input, query, floats=(), times=()):
    names, wanted = input.sql(query)
    same(canonical_rows(read_json(path), names, floats, times), canonical_rows(wanted, names, floats, times), path)


def places(input, folder, pipeline, parameters, compare):
    """Runs the pipeline everywhere, with both formats, and compares each time."""
    for index, (parallelism, threads, batch_rows) in enumerate(PLACES):
        for format in ["csv", "json"]:
            out = os.path.join(folder, f"{index}-{format}")
            os.mkdir(out)
            values = {name: os.path.join(out, value) for name, value in parameters.items()}
            run = harness.run(
                PLUGIN, pipeline, parameters={"input": input.path(format), "format": format, **values},
                parallelism=parallelism, threads=threads, batch_rows=batch_rows)
            try:
                compare(values, run, parallelism)
            except Exception as error:
                raise AssertionError(
                    f"{format}, parallelism {parallelism}, threads {threads}, batch rows {batch_rows}: {error}") from error
    return f"{len(PLACES) * 2} runs over {len(input.rows)} rows"


def expressions(folder):
    input = Input(folder, random.Random(f"{harness.SEED} expressions"))
    query = """
        select id, i32::bigint + i64 as added, f * 2.5::double - g as mixed, f / (g + 3000::double) as ratio, i64 % 7 as rest,
          i64 // 3 as quotient, -i32 as negated, b and i32 > 0 as both, b or i64 <= 0 as either, not b as opposite,
          s = 'x' as is_x, k <> s as differs, s < k as before, t >= timestamp '2000-01-01' as late, i64::varchar as text,
          i64::double as wide, trunc(f)::bigint as whole, b::int as bit,
          case when i64 > 300 then 'large' when i64 > 0 then s end as size, case when f is null then 0.5 else f end::double as filled,
          added + 1 as again
        from r where (i64 > -500 and s is not null) or b"""
    floats = ["mixed", "ratio", "wide", "filled"]
    return places(
        input, folder, "expressions", {"out": "out/"},
        lambda out, run, _: check_json(out["out"], input, query, floats))


def copies(folder):
    input = Input(folder, random.Random(f"{harness.SEED} copies"))

    def compare(out, run, parallelism):
        check_json(out["json"], input, "from r", ["f", "g"], ["t"])
        names, wanted = input.sql("from r")
        same(canonical_rows(read_csv(out["csv"], data.SCHEMA), names), canonical_rows(wanted, names), out["csv"])
        assert run.report["rows_in"] == ROWS and run.report["rows_out"] == 2 * ROWS, run.report

    return places(input, folder, "copies", {"csv": "copy.csv", "json": "json/"}, compare)


def user_code(folder):
    input = Input(folder, random.Random(f"{harness.SEED} user code"))

    def compare(out, run, parallelism):
        check_json(
            out["functions"], input, """
            select id, f * g + 1 as blended, s || '#' || id as label, (i64 + 1) % 2 <> 0 as odd,
              case when b then s else k end as chosen from r""", ["blended"])
        check_json(
            out["mapped"], input, """
            select id, length(s) as scalars, strlen(s) as bytes, i64 * 2 as twice, t + interval 1 microsecond as next from r""",
            times=["next"])
        # Runs of blanks separate words, and places count words.
        check_json(
            out["words"], input, """
            select id, generate_subscripts(words, 1) - 1 as place, unnest(words) as word from (
              select id, list_filter(string_split(s, ' '), lambda word : word <> '') as words from r)""")
        check_json(out["even"], input, "from r where id % 2 = 0", ["f", "g"], ["t"])
        check_json(out["odd"], input, "select id, s from r where id % 2 = 1")

    sinks = {"functions": "functions/", "mapped": "mapped/", "words": "words/", "even": "even/", "odd": "odd/"}
    return places(input, folder, "user-code", sinks, compare)


def last_of_each(rows, keys):
    """The last row of each key, whose counts must have grown up to it."""
    last = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        assert key not in last or last[key]["count"] < row["count"], f"{key}: {last[key]} came before {row}"
        last[key] = row
    return list(last.values())


def check_aggregates(input, out):
    names, wanted = input.sql("""
        select k, id % 53 as bucket, count(*) as count, count(f) as present, sum(i32)::bigint as sum_i32,
          sum(i64)::bigint as sum_i64, sum(f) as sum_f, min(i32) as min_i32, max(i64) as max_i64, min(g) as min_g,
          max(g) as max_g, min(s) as min_s, max(s) as max_s, min(b) as min_b, max(t) as max_t, avg(f) as avg_f,
          avg(i64) as avg_i64, sum(f * 2 + i64) as sum_computed
        from r where id % 11 <> 3 group by all""")
    kinds = (["sum_f", "min_g", "max_g", "avg_f", "avg_i64", "sum_computed"], ["max_t"])
    found = last_of_each(read_json(out["out"]), ["k", "bucket"])
    same(canonical_rows(found, names, *kinds), canonical_rows(wanted, names, *kinds), out["out"])
    names, wanted = input.sql("select b, count(*) as count, max(id) as last from r group by b")
    schema = data.pa.schema([("b", "bool"), ("count", "int64"), ("last", "int64")])
    found = last_of_each(read_csv(out["all"], schema), ["b"])
    same(canonical_rows(found, names), canonical_rows(wanted, names), out["all"])


def aggregates(folder):
    input = Input(folder, random.Random(f"{harness.SEED} aggregates"))
    return places(
        input, folder, "aggregates", {"out": "out.jsonl", "all": "all.csv"}, lambda out, run, _: check_aggregates(input, out))


def many_rows(folder):
    input = Input(folder, random.Random(f"{harness.SEED} many rows"), 60_000)
    out = {"out": os.path.join(folder, "out.jsonl"), "all": os.path.join(folder, "all.csv")}
    for format in ["csv", "json"]:
        harness.run(
            PLUGIN, "aggregates", parameters={"input": input.path(format), "format": format, **out}, parallelism=2, threads=2)
        check_aggregates(input, out)
    return f"{len(input.rows)} rows"


def per_record(folder):
    input = Input(folder, random.Random(f"{harness.SEED} per record"))

    def compare(out, run, parallelism):
        found = read_json(out["out"])
        assert len(found) == ROWS, f"{len(found)} rows for {ROWS} records"
        last_of_each(found, ["k"])
        if parallelism == 1:
            # One subtask reads the records in their order, so every value on the way is known.
            check_json(
                out["out"], input, """
                select k, count(*) over w as count, sum(i64) over w::bigint as sum, max(id) over w as id, avg(f) over w as avg
                from r window w as (partition by k order by r.id rows unbounded preceding)""", ["avg"])
        else:
            names, wanted = input.sql(
                "select k, count(*) as count, sum(i64)::bigint as sum, max(id) as id, avg(f) as avg from r group by k")
            found = last_of_each(found, ["k"])
            same(canonical_rows(found, names, ["avg"]), canonical_rows(wanted, names, ["avg"]), out["out"])

    return places(input, folder, "per-record", {"out": "out.jsonl"}, compare)


def branches(folder):
    generator = random.Random(f"{harness.SEED} branches")
    left = Input(folder, generator, name="l")
    right = Input(folder, generator, 900, first=10_000, name="r", database=left.database)
    left.sql("""
        create view u as select *, 'left' as "from" from l union all select *, 'right' from r
          union all select *, 'left' from l where i64 > 0""")
    for index, (parallelism, threads, batch_rows) in enumerate(PLACES):
        out = os.path.join(folder, str(index))
        os.mkdir(out)
        names = {"yes": "yes/", "no": "no/", "unknown": "unknown.jsonl", "totals": "totals.jsonl"}
        paths = {name: os.path.join(out, value) for name, value in names.items()}
        harness.run(
            PLUGIN, "branches", parameters={"left": left.csv, "right": right.json, **paths},
            parallelism=parallelism, threads=threads, batch_rows=batch_rows)
        check_json(paths["yes"], left, 'select id, "from", s from u where b')
        columns, wanted = left.sql('select id, "from", s from u where not b')
        schema = data.pa.schema([("id", "int64"), ("from", "string"), ("s", "string")])
        same(canonical_rows(read_csv(paths["no"], schema), columns), canonical_rows(wanted, columns), paths["no"])
        check_json(paths["unknown"], left, "from u where b is null", ["f", "g"], ["t"])
        columns, wanted = left.sql('select "from", count(*) as count, sum(id)::bigint as ids from u group by all')
        found = last_of_each(read_json(paths["totals"]), ["from"])
        same(canonical_rows(found, columns), canonical_rows(wanted, columns), paths["totals"])
    return f"{len(PLACES)} runs"


def nothing(folder):
    """Inputs without a record: every sink is there, and empty."""
    input = Input(folder, random.Random(0), 1)
    for path in [input.csv, input.json.replace("*", "0")]:
        with open(path, "w") as file:
            file.write(",".join(data.SCHEMA.names) + "\n" if path.endswith(".csv") else "")
    input.sql("delete from r")
    for format, parallelism in itertools.product(["csv", "json"], [1, 2]):
        out = {"csv": os.path.join(folder, "copy.csv"), "json": os.path.join(folder, f"json-{format}-{parallelism}/")}
        harness.run(
            PLUGIN, "copies", parameters={"input": input.path(format), "format": format, **out},
            parallelism=parallelism, threads=2)
        assert read_csv(out["csv"], data.SCHEMA) == [] and read_json(out["json"]) == [], out
        assert len(data.parts(out["json"], "jsonl")) == parallelism
        out = {"out": os.path.join(folder, "out.jsonl"), "all": os.path.join(folder, "all.csv")}
        harness.run(
            PLUGIN, "aggregates", parameters={"input": input.path(format), "format": format, **out}, parallelism=parallelism)
        assert read_json(out["out"]) == [], out


def processes(folder):
    """A keyed process function with each kind of state, a side output, and a timer that fires at the end."""
    input = Input(folder, random.Random(harness.SEED + 9))

    def compare(values, run, parallelism):
        check_json(
            values["totals"], input,
            "select k, count(*) as rows, sum(i64)::bigint as numbers, count(distinct s) as texts, sum(id)::bigint as ids from r "
            "where t is not null group by k")
        check_json(values["firsts"], input, "select distinct k, s from r where t is not null and s is not null")

    return places(input, folder, "processes", {"totals": "totals.jsonl", "firsts": "firsts.jsonl"}, compare)


def checks(suite):
    suite.check("a copy to CSV and to JSON lines is what DuckDB has, and pyarrow reads", copies)
    suite.check("filters and computed columns are DuckDB's", expressions)
    suite.check("closures over values, rows and batches give what SQL gives", user_code)
    suite.check("the last row of each key has DuckDB's aggregates", aggregates)
    suite.check("aggregates over many rows are DuckDB's", many_rows)
    suite.check("emission per record has every value on the way", per_record)
    suite.check("keyed process functions keep what DuckDB finds in each key", processes)
    suite.check("several sources, a union, tees and several sinks lose and double nothing", branches)
    suite.check("empty inputs give empty outputs", nothing)
