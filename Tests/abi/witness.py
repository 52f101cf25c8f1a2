"""Counts the calls of every slot of volley.h that a plugin and its host make of each other: a plugin stands in between."""

import os
import re
import struct
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
INCLUDE = os.path.join(HERE, "../../sdk/Sources/CVolley/include")


def promises():
    with open(os.path.join(HERE, "volley.abi")) as file:
        return [line.rstrip("\n").split(" ", 1)[1] for line in file if not line.startswith("#")]


def slots():
    """All that can be called: (table, slot, offset), in the order of the list."""
    pattern = re.compile(r"slot (volley_\w+)\.(\w+) offset (\d+) size 8 .*\(\*\)")
    return [(match[1], match[2], int(match[3])) for match in map(pattern.match, promises()) if match]


def names():
    return [f"{table}.{slot}" for table, slot, _ in slots()]


def constants(prefix):
    pattern = re.compile(rf"constant {prefix}(\w+) (.*)")
    return {match[1].lower(): match[2] for match in map(pattern.match, promises()) if match}


def header():
    """slots.h of witness.c."""
    tables = {}
    for number, (table, slot, offset) in enumerate(slots()):
        tables.setdefault(table, []).append(f'{{"{slot}", {offset}, {number}}}')
    lines = [
        "struct slot { const char *name; uint32_t offset, number; };",
        "struct table_slots { uint32_t count; struct slot slots[32]; };",
        f"enum {{ SLOT_COUNT = {len(slots())}, VOLLEY_HOST_INTERFACE = {names().index('volley_host.interface')} }};"]
    for table, entries in tables.items():
        lines.append(f"__attribute__((unused)) static const struct table_slots slots_of_{table} = "
                     f"{{{len(entries)}, {{{', '.join(entries)}}}}};")
    interfaces = [f"{{{text}, &slots_of_volley_{name}}}" for name, text in constants("VOLLEY_INTERFACE_").items()]
    lines.append("static const struct { const char *id; const struct table_slots *slots; } interfaces[] = "
                 f"{{{', '.join(interfaces)}}};")
    # A codec's instance is a coder.
    kinds = [
        f"{{{number}, &slots_of_volley_{'coder' if name == 'codec' else name}}}"
        for name, number in constants("VOLLEY_KIND_").items()]
    lines.append("static const struct { uint32_t kind; const struct table_slots *slots; } kinds[] = "
                 f"{{{', '.join(kinds)}}};")
    return "\n".join(lines) + "\n"


def build(plugin, target):
    """Makes the plugin `target` that stands before `plugin`, and gives the file of its counters."""
    folder = target + ".witness"
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "slots.h"), "w") as file:
        file.write(header())
    counters = os.path.join(folder, "counters")
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-fvisibility=hidden",
         "-shared", "-pthread", "-I", INCLUDE, "-I", folder, f'-DWITNESSED="{os.path.abspath(plugin)}"', f'-DWITNESS="{counters}"',
         "-o", target, os.path.join(HERE, "witness.c")], check=True)
    return counters


def calls(counters):
    """How often each slot was called, by its name."""
    with open(counters, "rb") as file:
        data = file.read()
    return dict(zip(names(), struct.unpack(f"<{len(data) // 8}Q", data)))
