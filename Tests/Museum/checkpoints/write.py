#!/usr/bin/env python3
"""Keeps a checkpoint that a host of today writes: Tests/Museum/checkpoints/write.py HOST ABI [LAYOUT], once for each released format,
and for each layout of the databases in it. ABI is the version of volley.h that the plugin is built against, such as 1.0.

A folder of the format's number and of the layout's name appears, with the plan, the input, the checkpoint of a job that was killed in
its midst, what it had written until then, hidden files included, and what it would have written without that. It is never written again.
"""

import glob
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import job

sys.path.insert(0, os.path.join(job.HERE, "../.."))
from waiting import wait_until


def main():
    host = os.path.abspath(sys.argv[1])
    folder = tempfile.mkdtemp(prefix="volley-museum-")
    plugin = os.path.join(folder, "job.so")
    job.compile(sys.argv[2], plugin)
    with job.home() as place:
        job.prepare(place)
        subprocess.run(job.command(host, plugin), cwd=place, check=True, stderr=subprocess.DEVNULL)
        expected = job.output(place)
    with job.home() as place:
        job.prepare(place)
        flags = ["--checkpoint-dir", "checkpoints", "--checkpoint-interval", "300ms", "--retain", "1"]
        layout = "".join(f"-{name}" for name in sys.argv[3:])
        keep(place, job.command(host, plugin, *flags), expected, layout)
    shutil.rmtree(folder)


def keep(place, words, expected, layout):
    manifests = lambda: glob.glob(f"{place}/checkpoints/epoch-*/manifest.json")
    number = lambda path: int(path.split("epoch-")[1].split("/")[0])

    def start(rows):
        running = subprocess.Popen(
            words, cwd=place, stderr=subprocess.DEVNULL, env={**os.environ, "MUSEUM_PACE": "20000"}, start_new_session=True)
        # The single file is written row by row.
        hidden = f"{place}/out/single/.rows.jsonl.volley-epoch"
        is_there = lambda: rows_of(hidden) >= rows
        assert wait_until(is_there, "the rows", 60, goes_on=lambda: running.poll() is None), "the job has ended too early"
        return running

    # A life that is stopped, and one that is killed behind an epoch, with rows that are of none.
    running = start(len(expected["single"]) // 8)
    running.send_signal(signal.SIGTERM)
    assert running.wait() == 0, "the job has failed"
    (last,) = manifests()
    running = start(len(expected["single"]) // 4)
    is_kept = lambda: len(manifests()) == 1 and number(manifests()[0]) > number(last)
    assert wait_until(is_kept, "an epoch", 60, goes_on=lambda: running.poll() is None), "the job has ended before it was killed"
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert is_kept(), "it was killed between two epochs; once more, please"
    with open(manifests()[0]) as file:
        manifest = json.load(file)
    target = os.path.join(job.HERE, f"format-{manifest['format']}{layout}")
    assert not os.path.exists(target), f"{target} is there: a layout of a format has one checkpoint, for good"
    assert manifest["kind"] == "checkpoint", manifest["kind"]
    # What belongs to a running host, and to the plugin, which the matrix builds anew; and files of epochs that are none.
    named = {file["content"] for stage in manifest["stages"] for part in stage["subtasks"] for file in part["files"]}
    others = [path for path in glob.glob(f"{place}/checkpoints/files/*") if os.path.basename(path) not in named]
    shutil.copytree(
        place, target, ignore=shutil.ignore_patterns("state", "lock", "lease", "plugins", *map(os.path.basename, others)))
    with open(os.path.join(target, "expected.json.gz"), "wb") as file:
        file.write(gzip.compress(json.dumps(expected).encode(), mtime=0))
    written, whole = (sum(map(len, rows.values())) for rows in (job.output(place), expected))
    print(f"{target}: epoch {manifest['epoch']}, {written} of {whole} rows were written")


def rows_of(path):
    if not os.path.exists(path):
        return 0
    with open(path, "rb") as file:
        return file.read().count(b"\n")


if __name__ == "__main__":
    main()
