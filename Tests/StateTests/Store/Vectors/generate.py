"""Writes the test vectors of stored rows and keys of entries from the written formats, with another implementation of each.

The files are a disk format: they are only ever added to. Usage: python3 generate.py, in this folder.
"""

import json
import random
import struct

import xxhash

# By type: struct's letter, or bytes of an integer that struct has no letter for.
FIXED = {
    "int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q",
    "date32": "i", "date64": "q", "time32": "i", "time64": "q", "timestamp": "q", "duration": "q", "decimal128": 16,
}
# Of floats the bits are given, in hexadecimal digits.
FLOATS = {"float16": 2, "float32": 4, "float64": 8}
TEXT = {"utf8", "large_utf8", "utf8_view"}
BYTES = {"binary", "large_binary", "binary_view"}


def kind(type_):
    """The name of a type, and its parameters."""
    if isinstance(type_, str):
        return type_, {}
    return next(iter(type_.items()))


def fixed(type_, value):
    """The bytes of a value of fixed width; None as zeros; None for other types."""
    name, parameters = kind(type_)
    if name == "dictionary":
        return fixed(parameters["value"], value)
    if name == "bool":
        return bytes([1 if value else 0])
    if name in FLOATS:
        return int(value or "0", 16).to_bytes(FLOATS[name], "little")
    if name == "fixed_size_binary":
        return bytes.fromhex(value) if value is not None else bytes(parameters["width"])
    if name == "interval":
        months, days, rest = value or (0, 0, 0)
        if parameters["unit"] == "year_month":
            return struct.pack("<i", months)
        if parameters["unit"] == "day_time":
            return struct.pack("<ii", days, rest)
        return struct.pack("<iiq", months, days, rest)
    if name in FIXED:
        letter = FIXED[name]
        if isinstance(letter, int):
            return (int(value or 0)).to_bytes(letter, "little", signed=True)
        return struct.pack("<" + letter, int(value or 0))
    return None


def varying(type_, value):
    """The bytes of a value of varying length."""
    name, parameters = kind(type_)
    if name == "dictionary":
        return varying(parameters["value"], value)
    if value is None:
        return b""
    if name in TEXT:
        return value.encode()
    if name in BYTES:
        return bytes.fromhex(value)
    if name == "map":
        entry = {"struct": {"fields": [parameters["key"], parameters["value"]]}}
        return struct.pack("<I", len(value)) + b"".join(item(entry, pair) for pair in value)
    return struct.pack("<I", len(value)) + b"".join(item(parameters["item"]["type"], one) for one in value)


def item(type_, value):
    """An item of a list, or a field of a struct in one."""
    return b"\x00" if value is None else b"\x01" + nested(type_, value)


def nested(type_, value):
    name, parameters = kind(type_)
    if name == "dictionary":
        return nested(parameters["value"], value)
    if name == "struct":
        return b"".join(item(field["type"], one) for field, one in zip(parameters["fields"], value))
    if name in TEXT | BYTES:
        content = varying(type_, value)
        return struct.pack("<I", len(content)) + content
    content = fixed(type_, value)
    return varying(type_, value) if content is None else content


def row(types, values):
    """A stored row, as the documentation of StoredRows gives it."""
    places, bits, tails = [], [], []

    def add(type_, value):
        name, parameters = kind(type_)
        bits.append(value is None)
        if name == "null":
            return
        if name == "struct":
            for index, field in enumerate(parameters["fields"]):
                add(field["type"], None if value is None else value[index])
            return
        content = fixed(type_, value)
        if content is not None:
            places.append(content)
        else:
            places.append(None)
            tails.append(varying(type_, value))

    for type_, value in zip(types, values):
        add(type_, value)
    null_bytes = bytearray((len(bits) + 7) // 8)
    for index, bit in enumerate(bits):
        null_bytes[index // 8] |= bit << (index % 8)
    end = 1 + sum(4 if place is None else len(place) for place in places) + len(null_bytes)
    head, rest = bytearray([1]), iter(tails)
    for place in places:
        if place is None:
            end += len(next(rest))
            place = struct.pack("<I", end)
        head += place
    return bytes(head) + bytes(null_bytes) + b"".join(tails)


def field(name, type_, nullable=True):
    return {"name": name, "type": type_, "nullable": nullable}


def list_of(type_):
    return {"list": {"item": field("item", type_)}}


INTERVALS = {"year_month": (-5, 0, 0), "day_time": (0, 3, -7), "month_day_nano": (1, -2, 3_000_000_000)}
DICTIONARY = {"dictionary": {"index": "int32", "value": "utf8", "ordered": False}}
STRUCT = {"struct": {"fields": [field("a", "int64"), field("b", "utf8")]}}
MAP = {"map": {"key": field("key", "utf8", False), "value": field("value", "int32"), "keysSorted": False}}
COLUMNS = [
    ("null", None), ("bool", True), ("bool", False), ("int8", "-128"), ("int16", "-300"), ("int32", "70000"),
    ("int64", "-9000000000"), ("uint8", "255"), ("uint16", "65535"), ("uint32", "4294967295"),
    ("uint64", "18446744073709551615"), ("float16", "3c01"), ("float32", "7fc00001"), ("float64", "8000000000000000"),
    ("utf8", ""), ("utf8", "grüße, 世界"), ("large_utf8", "x" * 40), ("utf8_view", "seventeen letters"),
    ("binary", "00ff00"), ("large_binary", ""), ("binary_view", "0102030405060708090a0b0c0d"),
    ({"fixed_size_binary": {"width": 3}}, "000102"), ("date32", "-1"), ("date64", "86400000"),
    ({"time32": {"unit": "ms"}}, "86399999"), ({"time64": {"unit": "ns"}}, "1"),
    ({"timestamp": {"unit": "us"}}, "-62135596800000000"), ({"timestamp": {"unit": "ns", "timezone": "UTC"}}, "7"),
    ({"duration": {"unit": "s"}}, "-5"), ({"decimal128": {"precision": 38, "scale": 4}}, "-" + "9" * 38),
    *(({"interval": {"unit": unit}}, value) for unit, value in INTERVALS.items()),
    (list_of("int32"), []), (list_of("int32"), ["1", None, "-3"]), (list_of("utf8"), ["", None, "abc"]),
    ({"large_list": {"item": field("item", "float64")}}, ["3ff0000000000000"]),
    ({"fixed_size_list": {"item": field("item", "int16"), "size": 3}}, ["1", None, "3"]),
    (STRUCT, ["8", "eight"]), (STRUCT, [None, ""]), (STRUCT, ["9", None]), (MAP, [["k", "1"], ["l", None]]),
    (DICTIONARY, "named"), (list_of(STRUCT), [["1", "a"], None, [None, None]]), (list_of(list_of("bool")), [[True, None], None, []]),
]


def key_encoding(type_, value):
    if value is None:
        return b"\x00"
    if type_ == "int64":
        return b"\x01" + struct.pack(">Q", int(value) + 2**63)
    return b"\x01" + value.encode().replace(b"\x00", b"\x00\xff") + b"\x00\x00"


def hash_of(types, values):
    if len(values) > 1:
        return xxhash.xxh3_64_intdigest(b"".join(map(key_encoding, types, values)))
    if values[0] is None:
        return xxhash.xxh3_64_intdigest(b"volley null")
    content = struct.pack("<q", int(values[0])) if types[0] == "int64" else values[0].encode()
    return xxhash.xxh3_64_intdigest(content)


def entry_key(scope, table, writer, groups, key, namespace):
    """The key of an entry, as the documentation of EntryKeys gives it; cells are pairs of type and value."""
    cells = b"".join(key_encoding(*cell) for cell in key + namespace)
    if scope == "subtask":
        return struct.pack(">HHI", 0xFFFF, table, writer) + cells
    group = hash_of(*zip(*key)) % groups if key else 0
    return struct.pack(">HH", group, table) + cells


def rows():
    """Each column alone, each as a null, and some beside each other."""
    for column in COLUMNS:
        yield [column]
        yield [(column[0], None)]
    generator = random.Random(5)
    for _ in range(60):
        chosen = generator.sample(COLUMNS, generator.randrange(2, 14))
        yield [(type_, None if generator.random() < 0.25 else value) for type_, value in chosen]
    yield []


def keys():
    generator = random.Random(6)
    for _ in range(40):
        scope = generator.choice(["key", "key", "key", "subtask"])

        def cells(least, most):
            found = []
            for _ in range(generator.randrange(least, most + 1)):
                type_ = generator.choice(["int64", "utf8"])
                value = str(generator.randrange(-(2**63), 2**63)) if type_ == "int64" else generator.choice(["", "a\0b", "ключ"])
                found.append((type_, None if generator.random() < 0.2 else value))
            return found

        key = cells(0, 2) if scope == "key" else []
        yield {
            "scope": scope, "table": generator.randrange(65535), "writer": generator.randrange(2**32),
            "groups": generator.choice([1, 128, 256, 1000, 32768]), "key": key, "namespace": cells(0, 2),
        }


with open("rows.jsonl", "w") as out:
    for columns in rows():
        types, values = [c[0] for c in columns], [c[1] for c in columns]
        print(json.dumps({"types": types, "values": values, "row": row(types, values).hex()}), file=out)
with open("keys.jsonl", "w") as out:
    for entry in keys():
        bytes_ = entry_key(*(entry[name] for name in ("scope", "table", "writer", "groups", "key", "namespace")))
        print(json.dumps({**entry, "bytes": bytes_.hex()}), file=out)
