"""Files in every format, compressed and not, beside gzip, pyarrow and DuckDB."""

import decimal
import gzip
import json
import os
import random
import resource
import signal
import subprocess

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.feather
import pyarrow.ipc

import harness
import plans
from plans import CODECS, aggregate, call, column, field, filter, key_by, refused, run, select, sink, source

SCHEMA = [field("id", "int64"), field("name", "utf8"), field("x", "float64")]
# The end of a file's name, and the codec.
ENDS = [("gz", "gzip"), ("lz4", "lz4_frame"), ("zst", "zstd")]


def generator(name):
    return random.Random(f"{harness.SEED} {name}")


def some_rows(random, count=5000):
    words = ["", "a", "ß–🙂", "longer than twelve bytes", "comma, and \"quote\""]
    return [{"id": id, "name": random.choice(words) + str(id % 7), "x": random.randrange(-4000, 4000) / 8} for id in range(count)]


def text_of(rows, format):
    if format == "jsonlines":
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    quoted = lambda text: '"' + text.replace('"', '""') + '"'
    return ("id,name,x\n" + "".join(f"{row['id']},{quoted(row['name'])},{row['x']}\n" for row in rows)).encode()


def compressed(random, end, text):
    """In several members or frames, which begin anywhere."""
    cuts = sorted(random.randrange(len(text)) for _ in range(2))
    packed = b""
    for part in [text[: cuts[0]], text[cuts[0] : cuts[1]], text[cuts[1] :]]:
        if end == "gz":
            packed += gzip.compress(part)
        else:
            sink = pa.BufferOutputStream()
            with pa.CompressedOutputStream(sink, "lz4" if end == "lz4" else "zstd") as stream:
                stream.write(part)
            packed += sink.getvalue().to_pybytes()
    return packed


def decompressed(end, path):
    if end == "gz":
        with gzip.open(path) as file:
            return file.read()
    codec = "lz4" if end == "lz4" else "zstd"
    with pa.CompressedInputStream(pa.OSFile(path), codec) as stream:
        return stream.read()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)
    return path


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def by_id(rows):
    return sorted(rows, key=lambda row: row["id"])


def compressed_text(folder):
    random, runs = generator("compressed text"), 0
    rows = some_rows(random)
    for end, codec in ENDS:
        for format in ["csv", "jsonlines"]:
            packed = compressed(random, end, text_of(rows, format))
            for name in [f"{format}.{end}", f"{format}-{end}-without-end"]:
                path = write(os.path.join(folder, name), packed)
                out = os.path.join(folder, f"out-{name}.jsonl.{end}")
                run(folder, source(format, path, SCHEMA), sink("jsonlines", out), batch_rows=random.choice([7, 65536]))
                found = lines(decompressed(end, out))
                assert by_id(found) == rows, f"{name}: {len(found)} rows, {len(rows)} expected"
                run(folder, source(format, path), sink("jsonlines", out))
                assert by_id(lines(decompressed(end, out))) == rows, f"{name} is not read without a schema"
                again = run(folder, source("jsonlines", out, SCHEMA), sink("stdout", format="jsonlines")).stdout
                assert by_id(lines(again)) == rows, f"{name} is not read as it was written"
                runs += 3
    return f"{runs} runs over {len(rows)} rows"


def refusals(folder):
    random = generator("refusals")
    rows = some_rows(random, 50)
    out = sink("csv", os.path.join(folder, "out.csv"))
    for end, codec in ENDS:
        packed = compressed(random, end, text_of(rows, "csv"))
        path = write(os.path.join(folder, f"in.csv.{end}"), packed)
        words = [path, f"'{codec}'", "Plugins/codecs", "--codec libcodecs.so"]
        refused(folder, 64, words, source("csv", path, SCHEMA), out, codec=None)
        refused(folder, 64, words, source("csv", path), out, codec=None)
        plain = write(os.path.join(folder, "plain.csv"), text_of(rows, "csv"))
        refused(
            folder, 64, words[1:], source("csv", plain, SCHEMA), sink("csv", os.path.join(folder, f"out.csv.{end}")), codec=None)
        cut = write(os.path.join(folder, f"cut.csv.{end}"), packed[:-5])
        refused(folder, 65, [cut, "ends early"], source("csv", cut, SCHEMA), out)
    for compression, codec in [("lz4", "lz4_frame"), ("zstd", "zstd")]:
        path = os.path.join(folder, f"{compression}.arrow")
        pa.feather.write_feather(pa.table({"id": range(5000)}), path, compression=compression)
        refused(folder, 64, [path, f"'{codec}'", "Plugins/codecs"], source("arrow", path), out, codec=None)
        with open(path, "rb") as file:
            cut = write(os.path.join(folder, f"cut-{compression}.arrow"), file.read()[:-100])
        refused(folder, 65, [cut], source("arrow", cut), out)
    missing = os.path.join(folder, "missing.csv")
    for schema in [SCHEMA, []]:
        refused(folder, 66, [missing, "No such file"], source("csv", missing, schema), out)
    refused(
        folder, 64, ["'compresion'", "did you mean 'compression'?"], source("csv", plain, SCHEMA, compresion="gzip"), out)
    refused(folder, 64, ["'brotli'", "--codec"], source("csv", plain, SCHEMA, compression="brotli"), out)
    for name, options, word in [("out.arrow", {"compression": "gzip"}, "'lz4_frame' or 'zstd'"), ("out.arrow.gz", {}, "suffix")]:
        refused(
            folder, 64, [word], source("csv", plain, SCHEMA), sink("arrow", os.path.join(folder, name), **options))


def some_table(random, count=3000):
    """Columns of many types, with nulls."""
    column = lambda make, type: pa.array([make(n) if random.random() > 0.2 else None for n in range(count)], type)
    return pa.table({
        "id": pa.array(range(count), pa.int64()),
        "i8": column(lambda _: random.randrange(-128, 128), pa.int8()),
        "u64": column(lambda _: random.getrandbits(64), pa.uint64()),
        "f32": column(lambda n: n / 4, pa.float32()),
        "flag": column(lambda n: n % 3 == 0, pa.bool_()),
        "text": column(lambda n: "ß–🙂"[: n % 4] * (n % 9), pa.string()),
        "large": column(lambda n: str(n), pa.large_string()),
        "bytes": column(lambda n: bytes([n % 256] * (n % 5)), pa.binary()),
        "day": column(lambda n: n, pa.date32()),
        "at": column(lambda n: n * 10**9 + 1, pa.timestamp("ns", "Europe/Berlin")),
        "price": column(lambda n: decimal.Decimal(n) / 100, pa.decimal128(20, 2)),
        "list": column(lambda n: [n, None] * (n % 3), pa.list_(pa.int32())),
        "record": column(lambda n: {"a": n, "b": None if n % 2 else [str(n)]}, pa.struct({"a": pa.int64(), "b": pa.list_(pa.string())})),
        "word": column(lambda n: f"word {n % 5}", pa.string()).dictionary_encode(),
    })


def write_arrow(path, table, format, compression):
    options = pa.ipc.IpcWriteOptions(compression=compression)
    new = pa.ipc.new_file if format == "arrow" else pa.ipc.new_stream
    with new(path, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=700)


def read_arrow(path, format):
    with pa.OSFile(path) as file:
        reader = (pa.ipc.open_file if format == "arrow" else pa.ipc.open_stream)(file)
        return reader.read_all()


def plain(column):
    """Texts instead of numbers of texts, which each writer gives as it likes."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def arrow_files(folder):
    random, sizes = generator("arrow"), {}
    table = some_table(random)
    for format in ["arrow", "arrowstream"]:
        for compression in [None, "lz4", "zstd"]:
            path = os.path.join(folder, f"in-{compression}.{format}")
            write_arrow(path, table, format, compression)
            for written in ["none", "lz4_frame", "zstd"]:
                out = os.path.join(folder, f"out-{compression}-{written}.{format}")
                run(folder, source(format, path), sink(format, out, compression=written), parallelism=random.choice([1, 2]))
                found = read_arrow(out, format)
                found.validate(full=True)
                assert found.schema == table.schema, f"{out}: {found.schema}"
                # Two subtasks write batches in any order.
                found = found.take(pc.sort_indices(found["id"]))
                for name in table.column_names:
                    a, b = plain(found[name]), plain(table[name])
                    assert a.equals(b), f"{out}, column {name}: {a.slice(0, 9)}, expected {b.slice(0, 9)}"
                sizes[written] = os.path.getsize(out)
    assert max(sizes["lz4_frame"], sizes["zstd"]) < sizes["none"], f"nothing is compressed: {sizes}"
    return f"18 runs, {table.num_columns} columns, {table.num_rows} rows"


def nested_json(folder):
    random = generator("nested")
    rows = [
        {"id": id,
         "user": None if id % 11 == 0 else {"name": f"n{id % 5}", "tags": [f"t{n}" for n in range(random.randrange(4))]},
         "points": [{"x": n / 2, "y": None if n % 2 else n} for n in range(random.randrange(3))]}
        for id in range(2000)]
    path = write(os.path.join(folder, "in.jsonl"), "".join(json.dumps(row) + "\n" for row in rows).encode())
    list_of = lambda type: {"list": {"item": field("item", type)}}
    declared = [
        field("id", "int64"),
        field("user", {"struct": {"fields": [field("name", "utf8"), field("tags", list_of("utf8"))]}}),
        field("points", list_of({"struct": {"fields": [field("x", "float64"), field("y", "int64")]}}))]
    for schema in [declared, []]:
        arrow, back = os.path.join(folder, "out.arrow"), os.path.join(folder, "back.jsonl")
        run(folder, source("jsonlines", path, schema), sink("arrow", arrow, compression="zstd"))
        assert by_id(read_arrow(arrow, "arrow").to_pylist()) == rows, "into Arrow"
        run(folder, source("arrow", arrow), sink("jsonlines", back))
        with open(back) as file:
            assert by_id(lines(file.read())) == rows, "and back"


def directories(folder):
    random = generator("directories")
    table = some_table(random, 4000).select(["id", "f32", "text"])
    countries = pa.array([random.choice(["DE", "a b/c=d", "ß"]) for _ in range(4000)])
    table = table.append_column("country", countries)
    path = os.path.join(folder, "in.arrow")
    write_arrow(path, table, "arrow", None)
    for format, options in [("arrow", {}), ("arrow", {"compression": "lz4_frame"}), ("jsonlines", {"compression": "gzip"}), ("csv", {})]:
        out = os.path.join(folder, f"{format}-{len(options)}/")
        run(
            folder, source("arrow", path), sink(format, out, partitionBy=["country"], rollBytes=8000, **options), parallelism=2,
            batch_rows=100)
        files = pa.dataset.dataset(
            out, format={"jsonlines": "json"}.get(format, format),
            partitioning=pa.dataset.partitioning(pa.schema([("country", pa.string())]), flavor="hive"))
        # Bytes count as they are in the file, and gzip leaves few of them.
        assert len(files.files) > (2 if "gzip" in options.values() else 6), f"nothing was rolled: {files.files}"
        found = files.to_table(columns=["id", "country"]).sort_by("id")
        assert found["id"].to_pylist() == list(range(4000)), out
        assert found["country"].to_pylist() == countries.to_pylist(), out
        if format == "arrow":
            assert files.to_table(columns=["id", "f32", "text"]).sort_by("id").equals(table.select(["id", "f32", "text"])), out


def inference(folder):
    path = write(
        os.path.join(folder, "in.csv"), b"n,x,flag,day,at,text,none\n1,2,true,2024-01-31,2024-01-31T10:00:00Z,a,\n-7,2.5,false,,,1x,\n")
    out = os.path.join(folder, "out.arrow")
    run(folder, source("csv", path), sink("arrow", out))
    found = read_arrow(out, "arrow")
    kinds = {field.name: field.type for field in found.schema}
    assert kinds["n"] == pa.int64() and kinds["x"] == pa.float64() and kinds["flag"] == pa.bool_(), kinds
    assert kinds["day"] == pa.date32() and pa.types.is_timestamp(kinds["at"]) and kinds["text"] == pa.string(), kinds
    assert found["n"].to_pylist() == [1, -7] and found["x"].to_pylist() == [2, 2.5] and found["text"].to_pylist() == ["a", "1x"]
    path = write(os.path.join(folder, "in.jsonl"), b'{"n":1,"l":[1,2]}\n{"n":2.5,"s":{"a":"x"}}\n')
    run(folder, source("jsonlines", path), sink("arrow", out))
    rows = read_arrow(out, "arrow").to_pylist()
    assert rows == [{"n": 1.0, "l": [1, 2], "s": None}, {"n": 2.5, "l": None, "s": {"a": "x"}}], rows


def watching(folder, number):
    """Files that are there, moved in, written in place, compressed; and what is hidden or not closed, which is left."""
    arriving = os.path.join(folder, "arriving")
    os.mkdir(arriving)
    row = lambda id: json.dumps({"id": id}).encode() + b"\n"
    write(os.path.join(arriving, "0.jsonl"), row(0))
    words = harness.command(
        harness.plugin("plan-file"), codec=CODECS, parallelism=2, threads=2,
        parameters=plans.parameters(
            folder, source("jsonlines", arriving, [field("id", "int64")], watch=True), sink("stdout", format="jsonlines")))
    host = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    # A host that does not answer is ended, and its output with it.
    alarm = lambda *_: os.killpg(host.pid, signal.SIGKILL)
    signal.signal(signal.SIGALRM, alarm)
    signal.alarm(harness.PATIENCE)
    try:
        seen = []
        for step in range(30):
            name = os.path.join(arriving, f"{step}.jsonl")
            if step % 3 == 1:
                write(os.path.join(folder, "moved"), row(step))
                os.rename(os.path.join(folder, "moved"), name)
            elif step % 3 == 2:
                write(name, row(step))
            elif step > 0:
                write(os.path.join(folder, "moved"), gzip.compress(row(step)))
                os.rename(os.path.join(folder, "moved"), name + ".gz")
            write(os.path.join(arriving, f".hidden-{step}.jsonl"), row(-1))
            line = host.stdout.readline()
            assert line, f"the output ended after {seen}: {host.stderr.read().decode()}"
            seen.append(json.loads(line)["id"])
        with open(os.path.join(arriving, "open.jsonl"), "wb") as unfinished:
            unfinished.write(row(-2))
            unfinished.flush()
            os.killpg(host.pid, number)
            rest, stderr = host.communicate()
        seen += [line["id"] for line in lines(rest)]
        assert host.returncode == 0, f"exit code {host.returncode}: {stderr.decode()}"
        assert sorted(seen) == list(range(30)), seen
    finally:
        signal.alarm(0)
        host.kill()
        for pipe in [host.stdout, host.stderr]:
            pipe.close()


def functions(folder):
    random = generator("functions")
    rows = [
        {"id": id, "name": random.choice(["Anna", "bob", "Čeněk", ""]) + f"-{random.randrange(9)}-x", "n": random.randrange(-50, 50),
         "x": random.randrange(-999, 999) / 8, "at": f"2024-{random.randrange(1, 13):02}-{random.randrange(1, 29):02} 10:{id % 60:02}:00",
         "json": json.dumps({"a": [{"b": random.randrange(5)}]})}
        for id in range(4000)]
    table = pa.Table.from_pylist(rows)
    table = table.set_column(4, "at", pc.strptime(table["at"], "%Y-%m-%d %H:%M:%S", "us"))
    path, out = os.path.join(folder, "in.arrow"), os.path.join(folder, "out.arrow")
    write_arrow(path, table, "arrow", "lz4")
    database = duckdb.connect()
    database.register("r", table)
    run(
        folder, source("arrow", path),
        filter(call("and", call("like", column("name"), "%n%-%"), call("in", column("n"), *range(-40, 40)))),
        select(
            id=column("id"), part=call("split_part", column("name"), "-", 2), shout=call("upper", column("name")),
            month=call("date_truncate", "month", column("at")), inner=call("json_extract_text", column("json"), "$.a[0].b"),
            digits=call("regex_replace", column("name"), "[0-9]+", "#")),
        sink("arrow", out), parallelism=2)
    wanted = database.execute("""
        select id, split_part(name, '-', 2) as part, upper(name) as shout, date_trunc('month', "at")::timestamp as month,
          json ->> '$.a[0].b' as inner, regexp_replace(name, '[0-9]+', '#', 'g') as digits
        from r where name like '%n%-%' and n between -40 and 39 order by id""").fetchall()
    found = [tuple(row.values()) for row in read_arrow(out, "arrow").sort_by("id").to_pylist()]
    assert found == wanted, next((pair for pair in zip(found, wanted) if pair[0] != pair[1]), (len(found), len(wanted)))
    run(
        folder, source("arrow", path), key_by("n"),
        aggregate(
            count=("count", None), some=("count", None, {"filter": call("greater_than", column("x"), 0.0)}),
            names=("count_distinct", column("name")), about=("approx_count_distinct", column("name")),
            deviation=("stddev_samp", column("x")), top=("arg_max", column("id"), {"by": column("id")}),
            middle=("approx_quantile", column("x"), {"fraction": 0.5}), ever=("bool_or", call("greater_than", column("x"), 120.0))),
        sink("arrow", out), parallelism=2, batch_rows=97)
    names = ["n", "count", "some", "names", "top", "ever"]
    wanted = {row[0]: row for row in database.execute("""
        select n, count(*), count(*) filter (x > 0), count(distinct name), max(id), bool_or(x > 120), stddev_samp(x), quantile_disc(x, 0.5)
        from r group by n""").fetchall()}
    last = {}
    for row in read_arrow(out, "arrow").to_pylist():
        if row["n"] not in last or last[row["n"]]["count"] < row["count"]:
            last[row["n"]] = row
    assert len(last) == len(wanted)
    for key, row in last.items():
        want = wanted[key]
        assert tuple(row[name] for name in names) == want[:6], (row, want)
        assert row["about"] == row["names"], f"a few values are counted exactly: {row}"
        assert abs(row["deviation"] - want[6]) < 1e-9 * abs(want[6]), (row, want)
        assert row["middle"] == want[7], f"of a few values the quantile is exact: {row}, {want}"


def many_folders(folder):
    """More files open at once than the soft limit that most systems give."""
    rows = [{"id": id, "part": id % 300} for id in range(3000)]
    path, out = os.path.join(folder, "in.jsonl"), os.path.join(folder, "out/")
    write(path, "".join(json.dumps(row) + "\n" for row in rows).encode())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        schema = [field("id", "int64"), field("part", "int64")]
        run(folder, source("jsonlines", path, schema), sink("csv", out, partitionBy="part", maxOpenFiles=400), batch_rows=100)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    table = pa.dataset.dataset(out, format="csv", partitioning="hive").to_table().sort_by("id")
    assert table.select(["id", "part"]).to_pylist() == rows, f"{table.num_rows} rows"


def dead_letters(folder):
    path = write(os.path.join(folder, "in.csv"), b"id\n1\nx\n2\ny\n")
    plan = source("csv", path, [field("id", "int64")])
    plan["source"]["badRecords"] = {"deadLetter": {"path": os.path.join(folder, "bad.jsonl")}}
    report = run(folder, plan, sink("blackhole")).report
    assert report["dead_letters"] == 2 and report["rows_out"] == 2, report
    path = write(os.path.join(folder, "in.jsonl"), b'{"id":1,"other":2}\n{"id":2}\n{"other":3}\n')
    report = run(folder, source("jsonlines", path, [field("id", "int64")]), sink("blackhole")).report
    assert report["stages"][0]["counters"] == {"members not in the schema": 2}, report


def checks(suite):
    suite.check("text in gzip, LZ4 frames and Zstandard is read, and written so that others read it", compressed_text)
    suite.check("a codec, file or option that is not there and data that is cut short are refused in a sentence", refusals)
    suite.check("Arrow files and streams, compressed and not, are read and written as pyarrow does", arrow_files)
    suite.check("nested JSON comes into Arrow and back", nested_json)
    suite.check("rolled files in folders by value are a dataset to pyarrow", directories)
    suite.check("files of more folders are open than the soft limit allows", many_folders)
    suite.check("the report counts dead letters, and members that no column takes", dead_letters)
    suite.check("columns are found in CSV and JSON", inference)
    for name, number in [("SIGTERM", signal.SIGTERM), ("Ctrl-C", signal.SIGINT)]:
        suite.check(f"each file that appears is read once, until {name}", watching, number)
    suite.check("functions and aggregates give what DuckDB gives", functions)
