"""Checkpoints of each format that was released, with plugins of each boundary that was: today's host goes on from them, with the
rows of a run that was never stopped. What is in the museum is never written again; see Tests/Museum/checkpoints.
"""

import glob
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

import harness

MUSEUM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Museum")
sys.path.insert(0, os.path.join(MUSEUM, "checkpoints"))
import job

# The first version of the boundary with all kinds of code that a job has.
FIRST, FIRST_WITH_ENDS = (0, 4), (0, 5)
CHECKPOINTS = ["--checkpoint-dir", "checkpoints", "--restart-limit", "10", "--restart-delay", "1ms"]


def versions(format):
    # Sources and sinks of plugins are in those that were kept later.
    with open(os.path.join(MUSEUM, "checkpoints", format, "plan.json")) as file:
        first = FIRST_WITH_ENDS if '"function": "ledger"' in file.read() else FIRST
    names = [re.fullmatch(r"abi-(\d+)\.(\d+)", name) for name in os.listdir(MUSEUM)]
    found = sorted((int(match[1]), int(match[2])) for match in names if match)
    return [f"{major}.{minor}" for major, minor in found if (major, minor) >= first]


def formats():
    return sorted(os.path.basename(path) for path in glob.glob(os.path.join(MUSEUM, "checkpoints/format-*")))


def put(format, place):
    """The job as it was when it was stopped."""
    shutil.copytree(os.path.join(MUSEUM, "checkpoints", format), place, dirs_exist_ok=True)
    job.settle(place)


def expected(format):
    path = os.path.join(MUSEUM, "checkpoints", format, "expected.json")
    with gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb") as file:
        return json.load(file)


def attempt(place, plugin, *flags, parallelism=2):
    words = job.command(harness.HOST, plugin, *flags, parallelism=parallelism)
    done = subprocess.run(words, cwd=place, capture_output=True, timeout=harness.PATIENCE)
    return harness.Run(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode())


def same(place, format):
    found, right = job.output(place), expected(format)
    assert list(found) == list(right), f"there are {list(found)}, expected {list(right)}"
    for name, rows in right.items():
        assert found[name] == rows, (
            f"{name}: {len(found[name])} rows, expected {len(rows)}; of one only: {sorted(set(found[name]) ^ set(rows))[:4]}")


def goes_on(folder, format, version):
    plugin = os.path.join(folder, "libjob.so")
    job.compile(version, plugin)
    with job.home() as place:
        put(format, place)
        before = sum(map(len, job.output(place).values()))
        result = attempt(place, plugin, *CHECKPOINTS, "--checkpoint-interval", "100ms")
        assert result.code == 0, result
        restored = result.event("checkpoint.restored")[0]
        same(place, format)
    after = sum(map(len, expected(format).values()))
    assert before < after, "nothing was left to do"
    return f"from epoch {restored['epoch']}, {before} of {after} rows were there"


def with_more_subtasks(folder, format):
    """The state of another version is also shared out anew."""
    plugin = os.path.join(folder, "libjob.so")
    job.compile(versions(format)[-1], plugin)
    with job.home() as place:
        put(format, place)
        result = attempt(place, plugin, *CHECKPOINTS, parallelism=3)
        assert result.code == 0, result
        same(place, format)


def never_stopped(folder, format, version):
    """Today's host computes what that of the format did."""
    plugin = os.path.join(folder, "libjob.so")
    job.compile(version, plugin)
    with job.home() as place:
        put(format, place)
        shutil.rmtree(os.path.join(place, "out"))
        shutil.rmtree(os.path.join(place, "checkpoints"))
        job.make_output(place)
        result = attempt(place, plugin)
        assert result.code == 0, result
        same(place, format)


def newer_format(folder, format):
    """One that this host does not know is refused, with both numbers, and left as it is."""
    plugin = os.path.join(folder, "libjob.so")
    job.compile(versions(format)[-1], plugin)
    with job.home() as place:
        put(format, place)
        (path,) = glob.glob(os.path.join(place, "checkpoints/epoch-*/manifest.json"))
        with open(path, "rb") as file:
            content = file.read()
        number = int(re.search(rb'"format":(\d+)', content)[1])
        changed = re.sub(rb'"format":\d+', b'"format":%d' % 999, content, count=1)
        digest = re.match(rb'\{"sha256":"([0-9a-f]{64})"', changed)[1]
        changed = changed.replace(digest, b"0" * 64, 1)
        changed = changed.replace(b"0" * 64, hashlib.sha256(changed).hexdigest().encode(), 1)
        with open(path, "wb") as file:
            file.write(changed)
        result = attempt(place, plugin, *CHECKPOINTS)
        assert result.code != 0, result
        assert "has format 999 and this version reads 1 to" in result.stderr, result
        with open(path, "rb") as file:
            assert file.read() == changed, "the manifest was written"
    return f"{format} is {number}"


def checks(suite):
    assert formats(), "there is no checkpoint in the museum"
    for format in formats():
        for version in versions(format):
            suite.check(f"a checkpoint of {format} and a plugin of ABI {version} go on", goes_on, format, version)
        suite.check(f"a checkpoint of {format} goes on with more subtasks", with_more_subtasks, format)
        suite.check(f"the job of {format} gives the same rows today", never_stopped, format, versions(format)[-1])
    suite.check("a checkpoint of a newer format is refused", newer_format, formats()[-1])
