#!/usr/bin/env python3
"""Writes the vectors of the sketches' encodings: an implementation of its own of the formats that
Sources/Sketches documents. Line: sketch, how many values, the encoding in hexadecimal."""
import math, os, struct

MASK = (1 << 64) - 1


def mix(z):
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def hyperloglog(hashes):
    def rank(h, p):
        rest = format(h, "064b")[p:]
        return len(rest) - len(rest.lstrip("0")) + 1

    precise = {}
    for h in hashes:
        index = h >> 38
        precise[index] = max(precise.get(index, 0), rank(h, 26))
    if len(precise) <= 1536:
        return bytes([1, 14, 0, 0]) + b"".join(struct.pack("<I", i << 6 | r) for i, r in sorted(precise.items()))
    registers = [0] * 16384
    for h in hashes:
        registers[h >> 50] = max(registers[h >> 50], rank(h, 14))
    packed = sum(r << 6 * i for i, r in enumerate(registers))
    return bytes([1, 14, 1, 0]) + packed.to_bytes(12288, "little")


class Quantiles:
    def __init__(self):
        self.list, self.levels, self.count = [], None, 0

    def capacity(self, level):
        size = 200.0
        return max(8, math.ceil(200 * 2 ** (len(self.levels) - 1 - level) / 3 ** (len(self.levels) - 1 - level)))

    def add(self, value):
        self.count += 1
        if self.levels is None:
            if len(self.list) < 200:
                self.list.append(value)
                return
            # In their order: whether the list was encoded in between makes no difference.
            self.list.sort()
            seed = 200
            for kept in self.list:
                seed = mix(seed ^ (kept & MASK))
            self.random, self.levels = seed, [[]]
            kept, self.list, self.all = self.list, [], []
            for old in kept:
                self.insert(old)
        self.insert(value)

    def insert(self, value):
        if sum(map(len, self.levels)) >= sum(self.capacity(i) for i in range(len(self.levels))):
            level = next(i for i, items in enumerate(self.levels) if len(items) >= self.capacity(i))
            if level + 1 == len(self.levels):
                self.levels.append([])
            items = sorted(self.levels[level])
            # Of an odd number the first one stays: in level 0 the least as well, because it was sorted.
            stay = items[: len(items) & 1]
            items = items[len(items) & 1 :]
            self.random = mix(self.random)
            self.levels[level + 1] = sorted(self.levels[level + 1] + items[self.random & 1 :: 2])
            self.levels[level] = stay
        self.levels[0].append(value)
        self.all.append(value)

    def encode(self):
        head = struct.pack("<BBHIQ", 1, 0 if self.levels is None else len(self.levels), 200, 0, self.count)
        if self.levels is None:
            return head + b"".join(struct.pack("<q", v) for v in sorted(self.list))
        head += struct.pack("<qqQ", min(self.all), max(self.all), self.random)
        head += b"".join(struct.pack("<I", len(level)) for level in self.levels)
        return head + b"".join(struct.pack("<q", v) for level in self.levels for v in sorted(level))


if __name__ == "__main__":
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "sketches.txt"), "w") as out:
        for n in [0, 1, 2, 7, 100, 1536, 1537, 20000]:
            out.write(f"hyperloglog {n} {hyperloglog([mix(i) for i in range(n)]).hex()}\n")
        for n in [0, 1, 5, 200, 201, 1000, 100000]:
            sketch = Quantiles()
            for i in range(n):
                v = mix(i) >> (i % 60)
                sketch.add(v - (1 << 64) if v >> 63 else v)
            out.write(f"quantiles {n} {sketch.encode().hex()}\n")
