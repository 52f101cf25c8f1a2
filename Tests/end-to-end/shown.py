"""Epochs that are damaged after their rows were shown in a folder: a job that goes on from an older one shows every row once."""

import glob
import json
import os
import random
import subprocess

import damage
import harness
import plans
import waiting
from recovery import FIELDS, Host, command, complete_epochs, computed, expected, manifests, plan, read_output, windows


def transactions(manifest):
    """The files of the sinks' transactions."""
    found = set()
    for stage in manifest["stages"]:
        for subtask in stage["subtasks"]:
            for text in subtask["transactions"]:
                content = json.loads(text)
                found |= {content["folder"] + name for name in content["files"]}
    return found


def shown(manifest):
    return {path for path in transactions(manifest) if os.path.exists(path)}


class Job:
    """Windows that are written to a folder, killed and run again with the same directories."""

    def __init__(self, folder):
        self.folder = folder
        self.out, self.checkpoints = os.path.join(folder, "out/"), os.path.join(folder, "checkpoints")
        self.parameters = windows(folder, self.out)

    def start(self, stdin=None, **flags):
        return Host(command(self.parameters, self.checkpoints, retain=20, **{"parallelism": 2, "threads": 2, **flags}), stdin)

    def kill_behind_rows(self, epochs=4, **flags):
        """After some more epochs, of which the last ones have shown rows."""
        host = self.start(**flags)
        before = complete_epochs(self.checkpoints)

        def enough():
            new = sorted(complete_epochs(self.checkpoints) - before)
            return len(new) >= epochs and any(shown(manifests(self.checkpoints).get(epoch, {"stages": []})) for epoch in new[2:])
        assert host.wait_for(enough, "epochs that show rows"), host.finish()
        host.kill()
        return host

    def harm(self, how):
        """Damages the newest epochs down to one that has shown rows; gives those, and the one that is left to go on from."""
        found = manifests(self.checkpoints)
        numbers = sorted(found, reverse=True)
        harmed = []
        for number, former in zip(numbers, numbers[1:]):
            harmed.append(number)
            how(self, found, number, set(numbers) - set(harmed))
            if shown(found[number]) - transactions(found[former]):
                return harmed, former
        raise AssertionError(f"no epoch has shown rows: {numbers}")

    def finish(self, **flags):
        result = self.start(**flags).finish()
        assert result.code == 0, result
        return result

    def has_every_row_once(self, result):
        found, whole = computed(windows, read_output(self.out)), expected(windows, self.folder)
        assert found == whole, f"{len(found)} rows, expected DuckDB's {len(whole)}: {result}"
        hidden = glob.glob(f"{self.out}.*")
        assert not hidden, f"hidden files are left: {hidden}"


def state_file(job, found, number, others):
    """A bit in a file that the epochs which are to stay whole do not have."""
    kept = {content for other in others for content in damage.state_files(found[other])}
    content = sorted(set(damage.state_files(found[number])) - kept)[0]
    path = f"{job.checkpoints}/files/{content}"
    # Epochs that are damaged together may share it: a bit flipped twice is none.
    damage.shortened(path) if content in job.__dict__.setdefault("flipped", set()) else damage.flipped(path)
    job.flipped.add(content)


def manifest_file(how):
    return lambda job, found, number, others: how(f"{job.checkpoints}/epoch-{number}/manifest.json")


def restored(result):
    """The epoch that it went on from at first; on a busy machine a worker may lose its lease, and start again."""
    return result.event("checkpoint.restored")[0]["epoch"]


def once(folder, parallelism):
    job = Job(folder)
    job.kill_behind_rows()
    harmed, former = job.harm(state_file)
    result = job.finish(parallelism=parallelism)
    assert restored(result) == former, result
    job.has_every_row_once(result)
    return f"{len(harmed)} damaged"


def killed_again(folder):
    """While it goes back, at any moment of the start and behind it, again and again."""
    generator = random.Random(harness.SEED)
    job = Job(folder)
    job.kill_behind_rows()
    job.harm(state_file)
    for moment in (b"checkpoint.damaged", *[b"checkpoint.restored"] * 4):
        host = job.start(parallelism=generator.choice([1, 2, 3]))
        assert host.wait_for(lambda: moment in host.text, moment), host.finish()
        waiting.any_moment(generator, 0.02)
        host.kill()
    job.has_every_row_once(job.finish())


def damaged_again(folder):
    """The epochs that were taken after the damaged ones are damaged in their turn: both are passed over, and neither shows."""
    job = Job(folder)
    job.kill_behind_rows()
    _, former = job.harm(state_file)
    job.kill_behind_rows(parallelism=3)
    # The epochs after the return; below them are those that were damaged before.
    found = manifests(job.checkpoints)
    newer = [number for number in sorted(found, reverse=True) if number > former]
    kept = {number for number in found if number <= former}
    for number in newer:
        state_file(job, found, number, kept)
    result = job.finish(parallelism=1)
    assert restored(result) == former, result
    job.has_every_row_once(result)


def later_epochs_stay(folder):
    """What good epochs have shown behind a damaged one stays, however often the job is started again."""
    job = Job(folder)
    job.kill_behind_rows()
    job.harm(state_file)
    job.kill_behind_rows()
    files = set(glob.glob(f"{job.out}*"))
    host = job.start()
    assert host.wait_for(lambda: b"checkpoint.restored" in host.text, "the start"), host.finish()
    host.kill()
    assert files <= set(glob.glob(f"{job.out}*")), "files of good epochs are gone"
    job.has_every_row_once(job.finish())


def renamed(folder):
    """The sink has another uid than in the damaged epoch."""
    job = Job(folder)
    job.kill_behind_rows()
    job.harm(state_file)
    with open(job.parameters["plan"]) as file:
        plan = json.load(file)
    former = plan["nodes"][-1]["uid"]
    plan["nodes"][-1]["uid"] = "results"
    with open(job.parameters["plan"], "w") as file:
        json.dump(plan, file)
    job.has_every_row_once(job.finish(rename_uid=f"{former}=results"))


def asked_for(folder):
    """Whoever goes back to an older epoch on purpose keeps the files of the newer ones."""
    job = Job(folder)
    job.kill_behind_rows()
    found = manifests(job.checkpoints)
    numbers = sorted(found)
    files = set(glob.glob(f"{job.out}part-*"))
    assert shown(found[numbers[-1]]) | shown(found[numbers[-2]]) | shown(found[numbers[-3]]), numbers
    result = job.finish(**{"from": f"epoch-{numbers[0]}"})
    assert files <= set(glob.glob(f"{job.out}part-*")), "files are gone"
    assert not result.event("sink.taken-back"), result
    lines = computed(windows, read_output(job.out))
    whole = expected(windows, folder)
    assert sorted(set(lines)) == whole and len(lines) > len(whole), f"{len(lines)} rows"


def not_read_again(folder):
    """What came from standard input is nowhere but in what was shown: that stays."""
    job = Job(folder)
    with open(job.parameters["plan"]) as file:
        plan = json.load(file)
    plan["nodes"][0]["operator"] = plans.source("stdin", None, FIELDS, format="csv")
    with open(job.parameters["plan"], "w") as file:
        json.dump(plan, file)
    with open(os.path.join(folder, "rows-0.csv")) as rows:
        job.kill_behind_rows(stdin=rows)
    harmed, former = job.harm(state_file)
    files = set(glob.glob(f"{job.out}part-*"))
    result = job.finish(stdin=subprocess.DEVNULL)
    assert restored(result) == former, result
    (event,) = result.event("sink.rows-kept")
    assert "source 'node-0' does not give its rows again" in event["message"], event
    assert files <= set(glob.glob(f"{job.out}part-*")), "files are gone"


def archived(folder):
    """A file that only damaged epochs had read, and that somebody has taken away since: what came of it is nowhere else."""
    job = Job(folder)
    fields = [plans.field("v", "int64")]
    for index in range(200):
        with open(os.path.join(folder, f"input-{index:03}.csv"), "w") as file:
            file.write("v\n" + "".join(f"{index * 500 + row}\n" for row in range(500)))
    job.parameters = plan(
        folder, "archived", plans.source("csv", os.path.join(folder, "input-*.csv"), fields), plans.pace(20_000, fields),
        plans.key_by("v"), {"aggregate": {"aggregates": [{"function": "count", "name": "rows"}], "emission": "per-record"}},
        plans.sink("csv", job.out), parallelism={0: 1, 1: 1})
    job.kill_behind_rows()
    harmed, former = job.harm(state_file)
    found = manifests(job.checkpoints)

    def read(epoch):
        positions = [json.loads(position["position"]) for stage in found[epoch]["stages"] for subtask in stage["subtasks"]
                     for position in subtask.get("positions", [])]
        return {position["path"] for position in positions if position.get("done")}

    def begun(epoch):
        return {position["split"].split("@")[0] for stage in found[epoch]["stages"] for subtask in stage["subtasks"]
                for position in subtask.get("positions", [])}
    gone = sorted(read(harmed[0]) - begun(former))
    assert gone, "no file was read by damaged epochs alone"
    os.remove(gone[0])
    result = job.finish()
    assert restored(result) == former, result
    (event,) = result.event("sink.rows-kept")
    assert gone[0] in event["message"], event
    values = {int(line.split(",")[0]) for path in glob.glob(f"{job.out}*.csv") for line in open(path) if line[0].isdigit()}
    assert values == set(range(100_000)), f"{len(values)} values: {result}"


def unreadable(folder, how):
    """What such an epoch has shown is not known: told, and no row is lost."""
    job = Job(folder)
    job.kill_behind_rows()
    harmed, former = job.harm(manifest_file(how))
    # One that was complete when the job was killed may have nothing but its manifest to say so.
    known = [number for number in harmed if os.path.exists(f"{job.checkpoints}/epoch-{number}/published")]
    result = job.finish()
    assert restored(result) == former, result
    told = " ".join(event["message"] for event in result.event("checkpoint.unknown-rows"))
    assert harmed[-1] in known and all(f"epoch {number} " in told for number in known), f"not told: {result}"
    assert f"epoch {former} " in told, f"not told: {result}"
    assert sorted(set(computed(windows, read_output(job.out)))) == expected(windows, folder), f"other rows: {result}"


def checks(suite):
    for parallelism in (2, 1, 3):
        suite.check(f"shown: rows of a damaged epoch come once, parallelism {parallelism}", once, parallelism)
    suite.check("shown: killed while it goes back", killed_again)
    suite.check("shown: the next epochs are damaged too", damaged_again)
    suite.check("shown: later epochs keep their files", later_epochs_stay)
    suite.check("shown: the sink was renamed", renamed)
    suite.check("shown: an older epoch that is asked for", asked_for)
    suite.check("shown: a source that is not read again", not_read_again)
    suite.check("shown: a file that only damaged epochs had read is gone", archived)
    for how in (damage.flipped, damage.missing):
        suite.check(f"shown: a manifest that is {how.__name__}", unreadable, how)
