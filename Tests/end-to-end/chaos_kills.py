"""Kills a host, and tells what it was doing: it is stopped first, so that its files and threads can be looked at as they were."""

import glob
import json
import os
import signal
import subprocess
import time

import recovery
from recovery import waiting

BEFORE, SNAPSHOT, COMMIT, RECOVERY = PHASES = [
    "before the barrier", "in the snapshot", "between manifest and sink commit", "in recovery"]
WORKER, SUPERVISOR, BOTH = VICTIMS = ["worker", "supervisor", "both"]


def newest_epoch(checkpoints):
    return max(recovery.complete_epochs(checkpoints), default=0)


def begun_epoch(checkpoints):
    """The highest number that was used."""
    try:
        return max((int(name[6:]) for name in os.listdir(checkpoints) if name.startswith("epoch-")), default=0)
    except FileNotFoundError:
        return 0


def has_document(checkpoints, epoch):
    """Whether the number has a manifest or a seal."""
    return os.path.exists(f"{checkpoints}/epoch-{epoch}/manifest.json")


def is_committed(checkpoints, epoch):
    """Whether every file that the epoch's sinks were to show has its name."""
    try:
        with open(f"{checkpoints}/epoch-{epoch}/manifest.json") as file:
            manifest = json.load(file)
    except (OSError, ValueError):
        return True
    for stage in manifest.get("stages", []):
        for subtask in stage["subtasks"]:
            for text in subtask["transactions"]:
                transaction = json.loads(text)
                for name in transaction.get("files", []):
                    if not os.path.exists(os.path.join(transaction["folder"], name)):
                        return False
    return True


def threads(pid):
    """Name and state of each, as far as they live."""
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/stat"):
        try:
            with open(path) as file:
                text = file.read()
        except OSError:
            continue
        found.append((text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2]))
    return found


class Job:
    """A supervisor and its worker, whose log goes to a file."""

    def __init__(self, words, checkpoints, log):
        self.checkpoints = checkpoints
        self.file = open(log, "ab")
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=self.file, process_group=0)

    def workers(self):
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
                return [int(each) for each in file.read().split()]
        except OSError:
            return []

    def is_running(self):
        """Whether all that belongs to the job is restored and open: then epochs are taken."""
        return any(name == "epochs" for worker in self.workers() for name, _ in threads(worker))

    def is_over(self):
        return self.process.poll() is not None

    def close(self):
        if not self.is_over():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.file.close()

    def phase(self):
        """What a worker that stands still was doing."""
        if not self.is_running():
            return RECOVERY
        newest, begun = newest_epoch(self.checkpoints), begun_epoch(self.checkpoints)
        if newest and not is_committed(self.checkpoints, newest):
            return COMMIT
        return BEFORE if has_document(self.checkpoints, begun) else SNAPSHOT


def wait(condition, job, seconds, pause=0.001):
    """False when it did not come."""
    return waiting.comes(condition, seconds, goes_on=lambda: not job.is_over(), pause=pause)


def aim(job, generator, target, recovery_seconds):
    """Waits for the moment of a phase, as well as it can be hit from outside."""
    if target == RECOVERY:
        wait(job.workers, job, 5)
        waiting.any_moment(generator, recovery_seconds)
        return
    wait(job.is_running, job, 20)
    if target == BEFORE:
        waiting.any_moment(generator, 0.08)
        return
    folder = f"{job.checkpoints}/epoch-{begun_epoch(job.checkpoints) + 1}"
    wait(lambda: os.path.isdir(folder), job, 5, pause=0)
    if target == SNAPSHOT:
        waiting.any_moment(generator, generator.random() * 0.01)
    else:
        wait(lambda: os.path.exists(f"{folder}/manifest.json"), job, 5, pause=0)


def strike(job, who):
    """Stops what is to die, looks, and kills it. The phase that it was in; none when there was nothing to kill."""
    workers = job.workers()
    if job.is_over() or not workers:
        return None
    victims = {WORKER: workers, SUPERVISOR: [job.process.pid], BOTH: [job.process.pid, *workers]}[who]
    stopped = workers if who == WORKER else [job.process.pid, *workers]
    tell(stopped, signal.SIGSTOP)
    end = time.monotonic() + 5
    while any(state not in "TtZX" for pid in stopped for _, state in threads(pid)) and time.monotonic() < end:
        pass
    if any(state in "ZX" for pid in stopped for _, state in threads(pid)) or not all(threads(pid) for pid in stopped):
        # It was about to end by itself.
        tell(stopped, signal.SIGCONT)
        return None
    found = job.phase()
    tell(victims, signal.SIGKILL)
    return found


def tell(processes, number):
    for pid in processes:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
