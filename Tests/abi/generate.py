#!/usr/bin/env python3
"""Writes or checks the list of all that volley.h promises: constants, macros, and every slot with offset, size and signature.

    generate.py                  writes Tests/abi/volley.abi
    generate.py --check          compares the list with the header, and fails when a line of a released version changed
    generate.py --header PATH    reads another header

The facts come from clang: the syntax tree, and constant expressions that it evaluates for the machine of --target.
Lines are marked with the version that brought them. A version is released when Tests/Museum has a folder for it, and what it promised
stays: 1.0 took over all of 0.1 to 0.5, whose plugins it runs. An incompatible change would be another major, with a list of its own.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
default_header = os.path.join(here, "../../sdk/Sources/CVolley/include/volley.h")
default_list = os.path.join(here, "volley.abi")

# Structs that are fixed to the byte: they have no header that says their size, or are that header.
FIXED = {"volley_header", "volley_note", "ArrowSchema", "ArrowArray"}
# Constants that tell the version: they change with each.
VERSIONS = {"VOLLEY_ABI_MAJOR", "VOLLEY_ABI_MINOR", "VOLLEY_ABI_OLDEST_MINOR"}
LEAD = "# What volley.h promises, by the version that brought it. Written by Tests/abi/generate.py; see there.\n"


def clang(arguments, source):
    compiler = os.environ.get("CLANG", "clang")
    try:
        done = subprocess.run([compiler, "-std=c11", "-ffreestanding", "-x", "c", *arguments, "-"], input=source, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except FileNotFoundError:
        sys.exit("there is no '%s', which reads the header; it comes with the Swift toolchain: add that to PATH" % compiler)
    if done.returncode != 0:
        sys.exit("clang cannot read the header: %s" % done.stderr.strip())
    return done.stdout


def tree(target, header, more=""):
    source = '#include "%s"\n%s' % (header, more)
    return json.loads(clang(["-target", target, "-fsyntax-only", "-Xclang", "-ast-dump=json"], source))["inner"]


def constants_of(target, header, expressions):
    """The values of constant expressions, evaluated by the compiler."""
    more = "".join("enum { volley_value_%d = (int)(%s) };\n" % item for item in enumerate(expressions))
    values = {}

    def visit(node):
        if node.get("kind") == "EnumConstantDecl" and node["name"].startswith("volley_value_"):
            values[int(node["name"].rsplit("_", 1)[1])] = int(value(node))
        for child in node.get("inner", []):
            visit(child)

    def value(node):
        if node.get("kind") == "ConstantExpr":
            return node["value"]
        return next(filter(None, (value(child) for child in node.get("inner", []))), None)

    for node in tree(target, header, more):
        visit(node)
    return [values[index] for index in range(len(expressions))]


def macros(target, header):
    """Name, parameters (None for a constant) and body of each macro of the header's own."""
    base = set(clang(["-target", target, "-dM", "-E"], "#include <stddef.h>\n#include <stdint.h>\n").splitlines())
    for line in sorted(set(clang(["-target", target, "-dM", "-E"], '#include "%s"\n' % header).splitlines()) - base):
        name, parameters, body = re.match(r"#define (\w+)(\([^)]*\))? ?(.*)", line).groups()
        if body:
            yield name, parameters, " ".join(body.split())


def promises(target, header):
    """Each promise as a line without its version."""
    lines = []
    integers = []
    for name, parameters, body in macros(target, header):
        if parameters is not None:
            lines.append("macro %s%s %s" % (name, parameters, body))
        elif body.startswith('"'):
            lines.append("constant %s %s" % (name, body))
        elif body.startswith("__attribute__"):
            lines.append("macro %s %s" % (name, body))
        elif name != "VOLLEY_HOST_MINOR_MIN":
            integers.append(name)
    structs = []
    for node in tree(target, header):
        kind, name = node.get("kind"), node.get("name", "")
        if kind == "RecordDecl" and node.get("completeDefinition") and (name.startswith("volley_") or name in FIXED):
            fields = [(field["name"], field["type"]["qualType"]) for field in node["inner"] if field["kind"] == "FieldDecl"]
            structs.append((name, fields))
        if kind == "TypedefDecl" and name.startswith("volley_") and not node["type"]["qualType"].startswith("struct "):
            lines.append("type %s %s" % (name, node["type"]["qualType"]))
    asked = ["(long long)%s" % name for name in integers]
    for name, fields in structs:
        asked += ["sizeof(struct %s)" % name, "_Alignof(struct %s)" % name]
        for field, _ in fields:
            asked += ["offsetof(struct %s, %s)" % (name, field), "sizeof(((struct %s *)0)->%s)" % (name, field)]
    answers = iter(constants_of(target, header, asked))
    for name in integers:
        lines.append("constant %s %d" % (name, next(answers)))
    for name, fields in structs:
        lines.append("struct %s size %d align %d" % (name, next(answers), next(answers)))
        for field, signature in fields:
            lines.append("slot %s.%s offset %d size %d %s" % (name, field, next(answers), next(answers), signature))
    return lines


def key(line):
    """What a line speaks of."""
    words = line.split(" ")
    return words[0] + " " + words[1].split("(")[0]


def version_of(lines, name):
    return int(next(line.rsplit(" ", 1)[1] for line in lines if line.startswith("constant %s " % name)))


def committed(path):
    """Version and text of each line of the list."""
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [tuple(line.rstrip("\n").split(" ", 1)) for line in file if line.strip() and not line.startswith("#")]


def written(lines, former):
    """The lines with versions: that of the committed list where nothing changed, else today's."""
    today = "%d.%d" % (version_of(lines, "VOLLEY_ABI_MAJOR"), version_of(lines, "VOLLEY_ABI_MINOR"))
    known = {text: version for version, text in former}
    return [(known.get(line, today), line) for line in lines]


def ends(former):
    """By struct, where its last released slot ends."""
    ends = {}
    for _, line in former:
        if line.startswith("slot "):
            words = line.split(" ")
            struct = words[1].split(".")[0]
            ends[struct] = max(ends.get(struct, 0), int(words[3]) + int(words[5]))
    return ends


def breaks(lines, former, released):
    """What a released version promised and the header no longer holds, and what was added in a wrong place."""
    today = (version_of(lines, "VOLLEY_ABI_MAJOR"), version_of(lines, "VOLLEY_ABI_MINOR"))
    # Lines of a version that is still being written may change.
    former = [(tuple(map(int, version.split("."))), line) for version, line in former]
    held = [(version, line) for version, line in former if version in released and version <= today]
    now = {key(line): line for line in lines}
    for version, line in held:
        promise = "version %d.%d promised '%s'" % (*version, line)
        name = line.split(" ")[1]
        new = now.get(key(line))
        if new == line or name in VERSIONS:
            continue
        if new is None:
            yield "%s, which is gone; put it back" % promise
        elif line.startswith("struct ") and name not in FIXED:
            words, new_words = line.split(" "), new.split(" ")
            if int(new_words[3]) < int(words[3]) or new_words[5] != words[5]:
                yield "%s, found '%s'; a table only grows" % (promise, new)
        else:
            yield "%s, found '%s'; change it back and add what is new at the end" % (promise, new)
    known, last = {key(line) for _, line in held}, ends(held)
    for line in lines:
        if not held or key(line) in known or line.split(" ")[1] in VERSIONS:
            continue
        struct = line.split(" ")[1].split(".")[0]
        # What this header, an older one, has smaller than a later version does, or in other words.
        if line.startswith("struct ") and any(version > today and key(other) == key(line) for version, other in former):
            continue
        if today in released:
            yield "'%s' is new in version %d.%d, which is released; raise VOLLEY_ABI_MINOR" % (line, *today)
        if line.startswith("slot ") and struct in last and (struct in FIXED or int(line.split(" ")[3]) < last[struct]):
            yield "'%s' is new and not at the end of %s; append it" % (line, struct)


def released_versions():
    """Those that have a folder in the museum."""
    folders = os.listdir(os.path.join(here, "../Museum"))
    matches = (re.fullmatch(r"abi-(\d+)\.(\d+)", name) for name in folders)
    return {(int(match[1]), int(match[2])) for match in matches if match}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--header", default=default_header)
    parser.add_argument("--list", default=default_list)
    options = parser.parse_args()
    header = os.path.abspath(options.header)
    lines = promises("x86_64-unknown-linux-gnu", header)
    former = committed(options.list)
    problems = list(breaks(lines, former, released_versions()))
    if promises("aarch64-unknown-linux-gnu", header) != lines:
        problems.append("the header promises other things on aarch64 than on x86_64; use fixed-width types only")
    text = LEAD + "".join("%s %s\n" % line for line in written(lines, former))
    today = (version_of(lines, "VOLLEY_ABI_MAJOR"), version_of(lines, "VOLLEY_ABI_MINOR"))
    # An older header lacks what came since, and has no list of its own.
    is_older = any(tuple(map(int, version.split("."))) > today for version, _ in former)
    if options.check:
        if not problems and not is_older and (not os.path.exists(options.list) or open(options.list).read() != text):
            problems.append("the list is not up to date; run Tests/abi/generate.py and commit it")
    elif not problems:
        with open(options.list, "w") as file:
            file.write(text)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
