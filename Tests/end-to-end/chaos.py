"""Jobs that are killed again and again, the worker, the supervisor or both, write what they would have written without.

The report counts kills by what they met: rows on their way before a barrier, a snapshot that was being taken, a manifest whose sinks had
not committed yet, a recovery.
"""

import argparse
import collections
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import chaos_kills as kills
import chaos_works as works
import harness

# How often each phase and each victim is met at least in a campaign, in percent of its kills.
LEAST_PHASE, LEAST_VICTIM = 4, 15
# After that many a run is left alone, so that it comes to its end.
KILLS_A_RUN = 40
MEMORY = "/dev/shm"


class Run:
    """A job from its first start to its end, over all that befalls it."""

    def __init__(self, work, generator, changes_parallelism):
        self.work = work
        self.generator = generator
        # In memory epochs and recoveries take a few milliseconds, on a disk some hundreds, of which some are between any two steps.
        self.is_on_disk = generator.random() < 0.25 or not os.path.isdir(MEMORY)
        self.changes_parallelism = changes_parallelism
        self.place = tempfile.mkdtemp(prefix="volley-chaos-run-", dir=None if self.is_on_disk else MEMORY)
        self.checkpoints = os.path.join(self.place, "checkpoints")
        self.log = os.path.join(self.place, "log.jsonl")
        self.parameters = work.parameters(self.place)
        self.parallelism = []
        # Kills, each with the epoch that was the newest then.
        self.kills = []
        # Files in the folders of sinks, as they were when they were seen first.
        self.seen = {}
        self.start()

    def start(self):
        self.parallelism.append(self.generator.choice([1, 2, 3]) if self.changes_parallelism else 2)
        words = harness.command(
            harness.plugin("plan-file"), parameters=self.parameters, checkpoint_dir=self.checkpoints, checkpoint_interval="40ms",
            parallelism=self.parallelism[-1], threads=2, batch_rows=32, restart_limit=1_000_000, restart_delay="1ms",
            restart_delay_limit="1ms")
        self.job = kills.Job(words, self.checkpoints, self.log)

    def await_epoch(self):
        before = kills.newest_epoch(self.checkpoints)
        kills.wait(lambda: kills.newest_epoch(self.checkpoints) > before, self.job, 60)

    def kill(self, target, who):
        """What the kill met; none when there was nothing to kill."""
        kills.aim(self.job, self.generator, target, 0.6 if self.is_on_disk else 0.1)
        self.look()
        met = kills.strike(self.job, who)
        if met:
            self.kills.append((kills.newest_epoch(self.checkpoints), who, met))
            if who != kills.WORKER:
                # Its worker may still be about to die when the next one asks for the directory.
                self.job.process.wait()
                self.job.close()
                self.start()
        return met

    def finish(self, whole):
        """Lets the job come to its end, and compares what it wrote."""
        code = self.job.process.wait(harness.PATIENCE)
        with open(self.log) as file:
            tail = "".join(file.readlines()[-20:])
        assert code == 0, f"{self}: ended with {code}:\n{tail}"
        self.look(is_over=True)
        found = self.work.read(self.place)
        for name, lines in whole.items():
            lost = collections.Counter(lines) - collections.Counter(found[name])
            more = collections.Counter(found[name]) - collections.Counter(lines)
            assert not lost and not more, (
                f"{self}: {name}: {lost.total()} lines lost, such as {sorted(lost)[:5]}, "
                f"{more.total()} too many, such as {sorted(more)[:5]}")
        verified = subprocess.run(
            [harness.HOST, "checkpoints", "verify", "--checkpoint-dir", self.checkpoints], capture_output=True, text=True)
        assert verified.returncode == 0, f"{self}: {verified.stdout}{verified.stderr}"

    def look(self, is_over=False):
        """What a file in a folder was like when it was first seen it is for ever; at the end nothing hidden is left."""
        for name in self.work.outputs:
            for folder, _, files in os.walk(os.path.join(self.place, name)):
                for each in files:
                    path = os.path.join(folder, each)
                    if each.startswith("."):
                        assert not is_over, f"{self}: {path} is left"
                        continue
                    status = os.stat(path)
                    state = (status.st_ino, status.st_size, status.st_mtime_ns)
                    assert self.seen.setdefault(path, state) == state, f"{self}: {path} has changed after it was shown"
        if is_over:
            for path in self.seen:
                assert os.path.exists(path), f"{self}: {path} is gone after it was shown"

    def __str__(self):
        return f"the run in {self.place} with parallelism {self.parallelism}, killed {len(self.kills)} times, last {self.kills[-8:]}"


class Campaign:
    """Kills the jobs of one pipeline until they have been killed often enough, over as many runs to the end as that takes."""

    def __init__(self, work, folder, generator):
        self.work = work
        self.generator = generator
        self.counts = collections.Counter()
        self.runs = 0
        self.changes = 0
        unharmed = os.path.join(folder, "unharmed")
        os.mkdir(unharmed)
        harness.run(harness.plugin("plan-file"), parameters=work.parameters(unharmed, is_paced=False), parallelism=2, threads=2)
        self.whole = work.read(unharmed)
        work.check(self.whole)

    @property
    def total(self):
        return self.counts.total()

    def count(self, what):
        return sum(count for key, count in self.counts.items() if what in key)

    def lacking(self, wanted):
        """What was not met often enough."""
        return [
            each for names, least in [(kills.PHASES, LEAST_PHASE), (kills.VICTIMS, LEAST_VICTIM)] for each in names
            if self.count(each) * 100 < least * wanted]

    def rarest(self, names):
        """One of them: the less often it was met, the sooner."""
        return min(names, key=lambda each: (self.count(each) + 1) * self.generator.random())

    def go_on(self, wanted, deadline):
        while (self.total < wanted or self.runs < 2 or self.lacking(wanted)) and time.monotonic() < deadline:
            # Every other one with as many subtasks as before.
            run = Run(self.work, self.generator, changes_parallelism=self.runs % 2 == 0)
            try:
                self.harm(run)
            finally:
                run.job.close()
            self.runs += 1
            self.changes += sum(before != after for before, after in zip(run.parallelism, run.parallelism[1:]))

    def harm(self, run):
        # Some are hit before there is an epoch at all.
        if self.generator.random() < 0.7:
            run.await_epoch()
        while not run.job.is_over() and len(run.kills) < KILLS_A_RUN:
            self.kill(run, self.rarest(kills.PHASES))
            # Some get on before they are hit again, and some do not.
            if self.generator.random() < 0.6:
                run.await_epoch()
        run.finish(self.whole)
        # One that has ended and is run again has nothing to add, whenever it dies.
        run.job.close()
        run.start()
        self.kill(run, kills.RECOVERY)
        run.finish(self.whole)
        shutil.rmtree(run.place)

    def kill(self, run, target):
        who = self.rarest(kills.VICTIMS)
        met = run.kill(target, who)
        if met:
            self.counts[who, met] += 1

    def report(self):
        phases = ", ".join(f"{self.count(each)} {each}" for each in kills.PHASES)
        victims = ", ".join(f"{self.count(each)} of {each}" for each in kills.VICTIMS)
        rows = sum(len(lines) for lines in self.whole.values())
        return (
            f"{self.work.name}: {self.total} kills in {self.runs} runs: {phases}; {victims}; parallelism changed {self.changes} times; "
            f"{rows} rows each time, as without faults")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="at most; fewer kills than asked for by then are a failure")
    parser.add_argument("--seed", type=int, default=harness.SEED)
    parser.add_argument("--kills", type=int, default=240, help="in all; 0: as many as there is time for")
    parser.add_argument("--campaign", action="append", choices=[each.name for each in works.ALL], help="absent: all of them")
    options = parser.parse_args()
    harness.SEED = options.seed
    print(f"seed {options.seed}", flush=True)
    chosen = [each for each in works.ALL if not options.campaign or each.name in options.campaign]
    start = time.monotonic()
    counts = collections.Counter()
    failed = 0
    for index, make in enumerate(chosen):
        folder = tempfile.mkdtemp(prefix="volley-chaos-")
        deadline = start + options.minutes * 60 * (index + 1) / len(chosen)
        wanted = -(-options.kills // len(chosen))
        try:
            campaign = Campaign(make(folder), folder, random.Random(f"{options.seed} {make.name}"))
            try:
                campaign.go_on(wanted or sys.maxsize, deadline)
            finally:
                counts += campaign.counts
            print(campaign.report(), flush=True)
            assert campaign.total >= wanted, f"{campaign.total} kills in time, expected {wanted}"
            lacking = campaign.lacking(wanted or campaign.total)
            assert not lacking, f"too few kills met: {', '.join(lacking)}"
        except Exception as error:
            failed += 1
            text = str(error) if isinstance(error, AssertionError) else repr(error)
            print(f"✘ {make.name}: seed {options.seed}, files in {folder}\n  {text}", flush=True)
        else:
            shutil.rmtree(folder)
    for each in [*kills.PHASES, *kills.VICTIMS]:
        print(f"{sum(count for key, count in counts.items() if each in key):6} {each}")
    print(f"{counts.total()} kills in {time.monotonic() - start:.0f} s")
    print(f"{len(chosen) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
