"""Random rows, as CSV, as JSON lines and as an Arrow table, and sinks' files read back."""

import datetime
import glob
import json
import math

import pyarrow as pa
import pyarrow.csv

EPOCH = datetime.datetime(1970, 1, 1)
SCHEMA = pa.schema([
    pa.field("id", pa.int64(), nullable=False), ("k", pa.string()), ("i32", pa.int32()), ("i64", pa.int64()),
    ("f", pa.float64()), ("g", pa.float64()), ("s", pa.string()), ("b", pa.bool_()), ("t", pa.timestamp("us")),
])
TEXTS = [
    "", "x", " ", "a b", "a  b ", "comma, comma", 'say "so"', '"', '""', "line\nend", "car\rriage", "cr\r\nlf", "tab\tbed",
    "Straße", "日本語 のテキスト", "👩‍👩‍👧 family", "e\u0301 combined", " \u0301", "null", "NULL", "\\N", "\\", "a\\nb", "\u0000nul"[1:],
    "\u2028 line separator", "\ufeffbom", "0", "true", "#", "'", ";", "x" * 300, "\x7f", "\x01control",
]


def random_rows(generator, count, first=0):
    """Floats that are summed (`f`) are multiples of 1/64, so that every order of adding gives the same sum."""

    def maybe(value, nulls=0.15):
        return None if generator.random() < nulls else value()

    def text():
        if generator.random() < 0.5:
            return generator.choice(TEXTS)
        return "".join(generator.choice("abc xyz,\"'éß€😀\n") for _ in range(generator.randrange(12)))

    def moment():
        return generator.randrange(-8_000_000_000_000_000, 8_000_000_000_000_000) // 10 ** generator.randrange(7)

    return [
        {
            "id": first + index,
            "k": maybe(lambda: generator.choice(["", "red", "green", "blue", "größer", "k,1", 'k"2', "k\n3"])),
            "i32": maybe(lambda: generator.choice([0, 1, -1, 2**31 - 1, -(2**31) + 1, generator.randrange(-999, 999)])),
            "i64": maybe(lambda: generator.randrange(-1000, 1000) * generator.choice([1, 1, 1, 10**9])),
            "f": maybe(lambda: generator.randrange(-(2**26), 2**26) / 64),
            "g": maybe(lambda: generator.choice([1e22, -0.1, 5e-324, 1e-300]) if generator.random() < 0.05 else generator.uniform(-1e3, 1e3)),
            "s": maybe(text),
            "b": maybe(lambda: generator.random() < 0.5),
            "t": maybe(moment),
        }
        for index in range(count)
    ]


def arrow(rows):
    return pa.Table.from_pylist(
        [{**row, "t": None if row["t"] is None else EPOCH + datetime.timedelta(microseconds=row["t"])} for row in rows],
        schema=SCHEMA)


def moment_text(generator, microseconds):
    text = (EPOCH + datetime.timedelta(microseconds=microseconds)).isoformat(generator.choice("T "), "microseconds")
    return text + generator.choice(["", "Z"])


def write_csv(generator, path, rows):
    """A null is an empty field, an empty text a pair of quotes; quotes, line ends and the columns' order vary."""
    names = SCHEMA.names[:]
    generator.shuffle(names)
    end = generator.choice(["\n", "\r\n"])

    def field(name, value):
        if value is None:
            return ""
        if name == "t":
            value = generator.choice([str(value), moment_text(generator, value)])
        elif isinstance(value, bool):
            value = "true" if value else "false"
        elif not isinstance(value, str):
            value = repr(value)
        needs = value == "" or any(character in value for character in ',"\r\n')
        if needs or (name == "s" and generator.random() < 0.3):
            return '"' + value.replace('"', '""') + '"'
        return value

    lines = [",".join(names)] + [",".join(field(name, row[name]) for name in names) for row in rows]
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.write(end.join(lines) + (end if generator.random() < 0.7 else ""))


def write_json(generator, path, rows):
    """Members in any order, nulls spelt or left out, text escaped or not."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        for row in rows:
            row = {name: value for name, value in row.items() if value is not None or generator.random() < 0.5}
            if row.get("t") is not None and generator.random() < 0.7:
                row["t"] = moment_text(generator, row["t"])
            names = list(row)
            generator.shuffle(names)
            spaces = generator.choice([(",", ":"), (", ", ": "), (" ,  ", " :\t")])
            file.write(json.dumps({name: row[name] for name in names}, ensure_ascii=generator.random() < 0.5, separators=spaces))
            file.write(generator.choice(["\n", "\r\n"]))


def read_json(paths):
    """The objects of a sink's file, or of all files of its folder, in order; times as microseconds."""
    rows = []
    for path in parts(paths, "jsonl"):
        with open(path, encoding="utf-8", newline="\n") as file:
            rows += [json.loads(line) for line in file.read().split("\n")[:-1]]
    return rows


def read_csv(path, schema):
    """The rows of a sink's file, as pyarrow reads them: a null is an empty field that is not quoted."""
    rows = []
    for part in parts(path, "csv"):
        table = pyarrow.csv.read_csv(
            part, parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=schema, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]))
        assert table.schema.names == schema.names, f"{part} has the columns {table.schema.names}"
        rows += table.to_pylist()
    return rows


def parts(path, suffix):
    if not path.endswith("/"):
        return [path]
    found = sorted(glob.glob(f"{glob.escape(path)}*"))
    wanted = [f"{path}part-{index}.{suffix}" for index in range(len(found))]
    assert found == sorted(wanted), f"{path} has {found}"
    return wanted


def canonical(value):
    """One spelling for values that are equal: times and their text, integers and booleans apart from floats."""
    if isinstance(value, datetime.datetime):
        return ("t", (value - EPOCH) // datetime.timedelta(microseconds=1))
    if isinstance(value, float):
        return ("f", "nan" if math.isnan(value) else (value + 0.0).hex())
    return (type(value).__name__, value)


def canonical_rows(rows, names, floats=(), times=()):
    """Rows as tuples. `floats` and `times` name the columns whose numbers and texts JSON has no types for."""

    def convert(name, value):
        if value is not None and name in floats:
            value = float(value)
        if value is not None and name in times and isinstance(value, str):
            value = datetime.datetime.fromisoformat(value)
        return canonical(value)

    return [tuple(convert(name, row[name]) for name in names) for row in rows]


def same(found, wanted, where):
    """Fails with the first rows that are in one list only; the order does not count."""
    from collections import Counter

    found, wanted = Counter(found), Counter(wanted)
    if found != wanted:
        extra, missing = list((found - wanted).elements()), list((wanted - found).elements())
        raise AssertionError(
            f"{where}: {sum(found.values())} rows, expected {sum(wanted.values())}\n"
            f"{len(extra)} that should not be there: {sorted(map(str, extra))[:3]}\n"
            f"{len(missing)} that are missing: {sorted(map(str, missing))[:3]}")
