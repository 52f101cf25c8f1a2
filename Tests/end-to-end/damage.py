"""Checkpoint directories that are damaged: a clear sentence, and nothing damaged further."""

import glob
import hashlib
import json
import os
import shutil
import signal
import subprocess

import harness
import plans
import replacement

ROWS = 60_000


def plan(folder):
    """Sums of a bounded source; it is slow, so that it is killed while rows flow."""
    return replacement.sums(folder, source_node=replacement.source(rate=20_000, rows=ROWS))


def fast(folder):
    """The same pipeline without the pace, with which it goes on."""
    return replacement.sums(folder, "fast", source_node=replacement.source(rate=10_000_000, rows=ROWS))


def totals(folder):
    """The last total of each key."""
    last = {}
    for path in glob.glob(os.path.join(folder, "out", "*")):
        with open(path) as file:
            for row in map(json.loads, file):
                last[row["k"]] = max(last.get(row["k"], 0), row["total"])
    return last


def read(path):
    with open(path, "rb") as file:
        return file.read()


def contents(checkpoints):
    """By path, the digest of what is in it; the lease changes with every run, and the state directory counts for nothing."""
    return {
        path: hashlib.sha256(read(path)).hexdigest() for path in glob.glob(f"{checkpoints}/**", recursive=True)
        if os.path.isfile(path) and "/lease/" not in path and "/state/" not in path}


def manifests(checkpoints):
    """Those of complete epochs, by number."""
    found = {}
    for path in glob.glob(f"{checkpoints}/epoch-*/manifest.json"):
        with open(path) as file:
            document = json.load(file)
        if "seal" not in document:
            found[int(path.split("epoch-")[1].split("/")[0])] = document
    return found


def state_files(manifest):
    """By content, the names that databases have for it."""
    return {
        file["content"]: file["name"] for stage in manifest["stages"] for subtask in stage["subtasks"]
        for file in subtask.get("files", [])}


def missing(path):
    os.remove(path)


def flipped(path):
    data = bytearray(read(path))
    data[len(data) // 2] ^= 1
    with open(path, "r+b") as file:
        file.write(data)


def shortened(path):
    os.truncate(path, os.path.getsize(path) // 2)


class Killed:
    """A job that was killed with several epochs, a savepoint among them; what it left can be brought back any number of times."""

    def __init__(self, folder):
        self.folder = folder
        self.out, self.kept = os.path.join(folder, "out"), os.path.join(folder, "kept")
        job = replacement.Job(folder, "plan-file", plan(folder), retain=3)
        self.checkpoints = job.checkpoints
        try:
            job.wait_for_epoch()
            job.process.send_signal(signal.SIGUSR1)
            savepoint = lambda: any(one["kind"] == "savepoint" for one in manifests(job.checkpoints).values())
            job.wait_for(savepoint, "a savepoint")
            for _ in range(3):
                job.wait_for_epoch()
        finally:
            job.kill()
        assert job.process.returncode == -signal.SIGKILL, job.result()
        for place in (self.out, self.checkpoints):
            shutil.copytree(place, os.path.join(self.kept, os.path.basename(place)))

    def bring_back(self):
        for place in (self.out, self.checkpoints):
            shutil.rmtree(place)
            shutil.copytree(os.path.join(self.kept, os.path.basename(place)), place)

    def go_on(self, **flags):
        return replacement.Job(self.folder, "plan-file", fast(self.folder), **flags).end()

    def goes_on(self, expected, what, **flags):
        """To its end, with the totals of a run without faults."""
        result = self.go_on(**flags)
        assert result.code == 0, f"{what}: {result}"
        assert totals(self.folder) == expected, f"{what}: other totals: {result}"
        return result

    def is_refused(self, code, words, what, **flags):
        """With a sentence that has the words, and with everything as it was; again and again."""
        before, rows = contents(self.checkpoints), contents(self.out)
        for _ in range(2):
            result = self.go_on(**flags)
            last = result.stderr.strip().splitlines()[-1]
            assert result.code == code, f"{what}: expected exit code {code}: {result}"
            for word in words:
                assert word in last, f"{what}: '{word}' is not in: {last}"
            assert contents(self.checkpoints) == before, f"{what}: a refused run has changed the checkpoints"
            assert contents(self.out) == rows, f"{what}: a refused run has changed the output"

    def verify(self, path):
        """The verb finds it, without changing anything."""
        before = contents(self.checkpoints)
        done = subprocess.run(
            [harness.HOST, "checkpoints", "verify", "--checkpoint-dir", self.checkpoints], capture_output=True, text=True,
            timeout=harness.PATIENCE)
        assert done.returncode == 65 and os.path.basename(path) in done.stdout, f"{path}: {done}"
        assert contents(self.checkpoints) == before, "checkpoints verify has changed something"


def expected_totals(folder):
    place = os.path.join(folder, "unharmed")
    os.mkdir(place)
    harness.run(harness.plugin("plan-file"), parameters={"plan": fast(place)})
    return totals(place)


def told(result, path):
    return any(path in event["message"] for event in result.event("checkpoint.damaged"))


def state(folder):
    """Each kind of file of a database: the newest epoch without it is gone on from, and without one there is a refusal."""
    killed, expected = Killed(folder), expected_totals(folder)
    found = manifests(killed.checkpoints)
    newest = max(found)
    kinds = {}
    for content, name in sorted(state_files(found[newest]).items()):
        stem, extension = os.path.splitext(name)
        others = [epoch for epoch, manifest in found.items() if content not in state_files(manifest)]
        # Of each kind one that the newest epoch alone has, and one that all have.
        kinds.setdefault((extension or stem.rstrip("0123456789-"), bool(others)), (content, max(others, default=None)))
    assert {extension for extension, _ in kinds} >= {".sst", "CURRENT", "MANIFEST", "OPTIONS"}, kinds
    assert any(former is not None for _, former in kinds.values()), kinds
    assert any(former is None for _, former in kinds.values()), kinds
    for (kind, _), (content, former) in kinds.items():
        for damage in (missing, flipped, shortened):
            what = f"{kind} {damage.__name__}"
            killed.bring_back()
            path = f"{killed.checkpoints}/files/{content}"
            damage(path)
            killed.verify(path)
            if former is None:
                killed.is_refused(65, ["no epoch can be restored", path, "--from none"], what)
                continue
            result = killed.goes_on(expected, what)
            assert told(result, path), f"{what} is not told: {result}"
            restored = result.event("checkpoint.restored")[0]
            assert restored["epoch"] == former, f"{what}: {restored}, expected {former}"
    return f"{len(kinds)} files"


def manifest(folder):
    """Of the newest epoch: the one before it is gone on from. Of all: a refusal."""
    killed, expected = Killed(folder), expected_totals(folder)
    # The newest may have been complete so shortly that nothing but its manifest says so.
    numbers = [number for number in sorted(manifests(killed.checkpoints)) if os.path.exists(marker(killed, number))]
    for number in set(manifests(killed.checkpoints)) - set(numbers):
        shutil.rmtree(f"{killed.kept}/checkpoints/epoch-{number}")
    for damage in (missing, flipped, shortened):
        killed.bring_back()
        path = f"{killed.checkpoints}/epoch-{numbers[-1]}/manifest.json"
        damage(path)
        killed.verify(f"epoch-{numbers[-1]}")
        result = killed.goes_on(expected, f"manifest {damage.__name__}")
        assert told(result, path), result
        restored = result.event("checkpoint.restored")[0]
        assert restored["epoch"] == numbers[-2], restored
    for damage in (missing, flipped, shortened):
        killed.bring_back()
        for number in numbers:
            damage(f"{killed.checkpoints}/epoch-{number}/manifest.json")
        killed.is_refused(65, ["no epoch can be restored", "manifest.json", "--from none"], f"all manifests {damage.__name__}")


def marker(killed, number):
    """What says that the epoch has a manifest."""
    return f"{killed.checkpoints}/epoch-{number}/published"


def unfinished(folder):
    """An epoch without a manifest, of which nothing says that it had one: passed over, and told."""
    killed, expected = Killed(folder), expected_totals(folder)
    numbers = sorted(manifests(killed.checkpoints))
    killed.bring_back()
    for name in os.listdir(f"{killed.checkpoints}/epoch-{numbers[-1]}"):
        missing(f"{killed.checkpoints}/epoch-{numbers[-1]}/{name}")
    for verb in ("list", "verify"):
        done = subprocess.run(
            [harness.HOST, "checkpoints", verb, "--checkpoint-dir", killed.checkpoints], capture_output=True, text=True,
            timeout=harness.PATIENCE)
        (line,) = [line for line in done.stdout.splitlines() if line.startswith(f"epoch-{numbers[-1]} ")]
        assert done.returncode == 0 and "unfinished" in line, done
    result = killed.goes_on(expected, "an epoch without a manifest")
    told = [event["epoch"] for event in result.event("checkpoint.unfinished")]
    assert numbers[-1] in told, f"epoch {numbers[-1]} is not told: {result}"
    assert result.event("checkpoint.restored")[0]["epoch"] == numbers[-2], result


def savepoint(folder):
    """One that is asked for and damaged is refused; the newest epoch is none the worse for it."""
    killed, expected = Killed(folder), expected_totals(folder)
    found = manifests(killed.checkpoints)
    number = next(epoch for epoch, manifest in found.items() if manifest["kind"] == "savepoint")
    newest = state_files(found[max(found)])
    content = next(content for content in state_files(found[number]) if content not in newest)
    paths = [f"{killed.checkpoints}/epoch-{number}/manifest.json", f"{killed.checkpoints}/files/{content}"]
    for path in paths:
        for damage in (flipped, missing):
            killed.bring_back()
            damage(path)
            isManifest = path.endswith(".json")
            words = ["a savepoint is not there"] if isManifest else [f"epoch {number} cannot be restored", path]
            killed.is_refused(66 if isManifest else 65, words, f"savepoint's {os.path.basename(path)} {damage.__name__}",
                              **{"from": "savepoint"})
            killed.goes_on(expected, f"beside a damaged savepoint: {damage.__name__}")


def seal(folder):
    """The number that a run takes away from those before it: damaged, it is told, and the newest epoch is gone on from."""
    killed, expected = Killed(folder), expected_totals(folder)
    job = replacement.Job(folder, "plan-file", plan(folder), checkpoint_interval="1h")
    try:
        job.wait_for(lambda: b"checkpoint.restored" in job.text, "the start")
    finally:
        job.kill()
    number = max(int(path.split("epoch-")[1].split("/")[0]) for path in glob.glob(f"{killed.checkpoints}/epoch-*/manifest.json"))
    path = f"{killed.checkpoints}/epoch-{number}/manifest.json"
    assert b'"seal"' in read(path), path
    for place in (killed.out, killed.checkpoints):
        shutil.rmtree(os.path.join(killed.kept, os.path.basename(place)))
        shutil.copytree(place, os.path.join(killed.kept, os.path.basename(place)))
    for damage in (flipped, shortened, missing):
        killed.bring_back()
        newest = max(manifests(killed.checkpoints))
        damage(path)
        result = killed.goes_on(expected, f"seal {damage.__name__}")
        assert told(result, path), result
        restored = result.event("checkpoint.restored")[0]
        assert restored["epoch"] == newest, restored


def lease(folder):
    """Who owned the directory cannot be read any more: whoever has the lock takes it."""
    killed, expected = Killed(folder), expected_totals(folder)
    for damage in (missing, flipped):
        killed.bring_back()
        for path in glob.glob(f"{killed.checkpoints}/lease/*"):
            damage(path)
        killed.goes_on(expected, f"lease {damage.__name__}")


def kept_plugin(folder):
    """A damaged copy is written anew by a run of the plugin; a run that has to go back to it says so."""
    killed, expected = Killed(folder), expected_totals(folder)
    for damage in (flipped, missing):
        killed.bring_back()
        (path,) = glob.glob(f"{killed.checkpoints}/plugins/*.so")
        whole = read(path)
        damage(path)
        killed.goes_on(expected, f"plugin {damage.__name__}")
        assert read(path) == whole, "the kept plugin is not whole again"
        killed.bring_back()
        damage(path)
        plan = replacement.sums(folder, "dies", more=((None, replacement.ACT),), source_node=replacement.source(rows=ROWS))
        result = replacement.Job(folder, "plan-traps-at-once", plan).end()
        last = result.stderr.strip().splitlines()[-1]
        assert result.code == 69 and "the former plugin cannot run again" in last and path in last, result


def checks(suite):
    suite.check("damage: each kind of file of a state", state)
    suite.check("damage: manifests", manifest)
    suite.check("damage: epochs without a manifest", unfinished)
    suite.check("damage: savepoints", savepoint)
    suite.check("damage: seals", seal)
    suite.check("damage: leases", lease)
    suite.check("damage: plugins that are kept", kept_plugin)
