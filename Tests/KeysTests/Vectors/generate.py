"""Writes the test vectors from the written formats, with another implementation of each.

The files are a disk format: they are only ever added to. Usage: python3 generate.py, in this folder.
"""

import random
import struct

import xxhash

NULL_HASH = xxhash.xxh3_64_intdigest(b"volley null")


def encode(kind, value):
    """The encoding of one cell, as the documentation of KeyEncoding gives it."""
    if value is None:
        return b"\x00"
    if kind == "bool":
        return b"\x01" + bytes([value])
    if kind == "int32":
        return b"\x01" + struct.pack(">I", value + 2**31)
    if kind in ("int64", "timestamp"):
        return b"\x01" + struct.pack(">Q", value + 2**63)
    if kind == "float64":
        bits = normalised(value)
        return b"\x01" + struct.pack(">Q", bits ^ (2**64 - 1) if bits >> 63 else bits | 2**63)
    if kind in SIGNED:
        size = SIGNED[kind]
        return b"\x01" + (value + 2 ** (8 * size - 1)).to_bytes(size, "big")
    if kind in UNSIGNED:
        return b"\x01" + value.to_bytes(UNSIGNED[kind], "big")
    if kind in FLOATS:
        size, sign = FLOATS[kind][0], 2 ** (8 * FLOATS[kind][0] - 1)
        bits = normalised(value, kind)
        return b"\x01" + (bits ^ (2 * sign - 1) if bits & sign else bits | sign).to_bytes(size, "big")
    if kind == "fixed4":
        return b"\x01" + value
    return b"\x01" + value.replace(b"\x00", b"\x00\xff") + b"\x00\x00"


# Kinds that came after the first vectors: bytes of a value; of floats also struct's letter and the NaN.
SIGNED = {"int8": 1, "int16": 2, "date32": 4, "duration": 8, "decimal128": 16}
UNSIGNED = {"uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8}
FLOATS = {"float16": (2, "e", 0x7E00), "float32": (4, "f", 0x7FC00000)}


def normalised(bits, kind="float64"):
    """The bits of a float, with one zero and one NaN."""
    if kind in FLOATS:
        size, letter, nan = FLOATS[kind]
        value = struct.unpack("<" + letter, bits.to_bytes(size, "little"))[0]
        return nan if value != value else 0 if value == 0 else bits
    value = struct.unpack("<d", struct.pack("<Q", bits))[0]
    if value != value:
        return 0x7FF8000000000000
    return 0 if value == 0 else bits


def hash_of(cells):
    if len(cells) > 1:
        return xxhash.xxh3_64_intdigest(b"".join(encode(*cell) for cell in cells))
    kind, value = cells[0]
    if value is None:
        return NULL_HASH
    if kind == "bool":
        return xxhash.xxh3_64_intdigest(bytes([value]))
    if kind == "int32":
        return xxhash.xxh3_64_intdigest(struct.pack("<i", value))
    if kind in ("int64", "timestamp"):
        return xxhash.xxh3_64_intdigest(struct.pack("<q", value))
    if kind == "float64":
        return xxhash.xxh3_64_intdigest(struct.pack("<Q", normalised(value)))
    if kind in SIGNED:
        return xxhash.xxh3_64_intdigest(value.to_bytes(SIGNED[kind], "little", signed=True))
    if kind in UNSIGNED:
        return xxhash.xxh3_64_intdigest(value.to_bytes(UNSIGNED[kind], "little"))
    if kind in FLOATS:
        return xxhash.xxh3_64_intdigest(normalised(value, kind).to_bytes(FLOATS[kind][0], "little"))
    return xxhash.xxh3_64_intdigest(value)


def text(kind, value):
    if value is None:
        return f"{kind}=null"
    if kind == "float64":
        return f"{kind}={value:016x}"
    if kind in ("utf8", "binary", "fixed4"):
        return f"{kind}={value.hex()}"
    if kind in FLOATS:
        return f"{kind}={value:x}"
    return f"{kind}={int(value)}"


def double(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


EDGES = {
    "bool": [False, True],
    "int32": [-(2**31), -(2**31) + 1, -256, -1, 0, 1, 255, 256, 65536, 2**31 - 1],
    "int64": [-(2**63), -(2**63) + 1, -(2**32), -1, 0, 1, 255, 2**32, 2**63 - 1],
    "timestamp": [-1, 0, 1_700_000_000_000_000],
    "float64": [double(v) for v in (0.0, -0.0, 1.0, -1.0, 0.1, 1e308, -1e308, float("inf"), float("-inf"))]
    + [1, 2**63 + 1, 0x7FF8000000000000, 0x7FF0000000000001, 0xFFF8000000000000, 0xFFFFFFFFFFFFFFFF],
    "utf8": [b"", b"\x00", b"\x00\x00", b"a", b"a\x00", b"a\x00b", b"ab", "€".encode(), b"\xff", b"x" * 16, b"x" * 17]
    + [b"y" * 128, b"y" * 129, b"z" * 240, b"z" * 241, b"w" * 2000],
}


LATER = {kind: [-(2 ** (8 * size - 1)), -1, 0, 1, 77, 2 ** (8 * size - 1) - 1] for kind, size in SIGNED.items()}
LATER |= {kind: [0, 1, 77, 2 ** (8 * size) - 1] for kind, size in UNSIGNED.items()}
LATER |= {
    "float16": [0, 0x8000, 0x3C00, 0xBC00, 0x7C00, 0xFC00, 0x7E00, 0xFE01, 1, 0x8001],
    "float32": [0, 0x80000000, 0x3F800000, 0xBF800000, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00001, 1],
    "binary": [b"", b"\x00", b"\xff\x00", b"q" * 300],
    "fixed4": [b"\x00\x00\x00\x00", b"\xff\x00\x01\x02", b"abcd"],
}
# Powers of ten bound a decimal.
LATER["decimal128"] = [-(10**38) + 1, -1, 0, 1, 12345678901234567890123, 10**38 - 1]


def main():
    generator = random.Random(20240501)
    keys = [[(kind, value)] for kind in EDGES for value in [None] + EDGES[kind]]
    for _ in range(300):
        cells = []
        for _ in range(generator.randint(1, 4)):
            kind = generator.choice(list(EDGES))
            value = generator.choice([None] + EDGES[kind])
            if kind in ("int32", "int64") and generator.random() < 0.5:
                value = generator.randint(EDGES[kind][0], EDGES[kind][-1])
            if kind == "utf8" and generator.random() < 0.5:
                value = bytes(generator.randint(0, 3) for _ in range(generator.randint(0, 40)))
            cells.append((kind, value))
        keys.append(cells)
    keys += [[(kind, value)] for kind in LATER for value in [None] + LATER[kind]]
    every = EDGES | LATER
    for _ in range(300):
        kinds = [generator.choice(list(every)) for _ in range(generator.randint(1, 4))]
        keys.append([(kind, generator.choice([None] + every[kind])) for kind in kinds])
    with open("keys.txt", "w") as file:
        for cells in keys:
            encoding = b"".join(encode(*cell) for cell in cells)
            file.write(f"{','.join(text(*cell) for cell in cells)} {encoding.hex()} {hash_of(cells):016x}\n")
    with open("xxh3.txt", "w") as file:
        # Bytes 0, 1, 2, … modulo 251: the hash of the first n of them, by n.
        pattern = bytes(index % 251 for index in range(5000))
        for count in list(range(601)) + [1023, 1024, 1025, 2047, 2048, 2049, 4999, 5000]:
            file.write(f"{count} {xxhash.xxh3_64_intdigest(pattern[:count]):016x}\n")


main()
