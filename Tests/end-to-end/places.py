"""Checkpoint and state directories on file systems that are full or read-only: a clear sentence, and nothing damaged."""

import os
import shutil
import subprocess

import damage
import harness
import replacement


def mounted(body):
    """Runs it over a small file system of its own."""
    def check(folder):
        place = os.path.join(folder, "mount")
        os.mkdir(place)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", place], capture_output=True, text=True)
        assert done.returncode == 0, f"a small file system cannot be mounted: {done.stderr.strip()}; run the tests as root"
        try:
            return body(folder, place)
        finally:
            subprocess.run(["umount", "-l", place], check=True)
    return check


@mounted
def read_only(folder, place):
    """A directory on a file system that is read-only: refused with its path, and whole when it can be written again."""
    killed, expected = damage.Killed(folder), damage.expected_totals(folder)
    there = os.path.join(place, "checkpoints")
    shutil.copytree(killed.checkpoints, there)
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    state = os.path.join(folder, "state")
    killed.is_refused(64, [there, "Read-only file system", "name another"], "read-only", checkpoint_dir=there, state_dir=state)
    for verb in (["list"], ["show"], ["verify"]):
        done = subprocess.run(
            [harness.HOST, "checkpoints", *verb, "--checkpoint-dir", there], capture_output=True, text=True, timeout=harness.PATIENCE)
        assert done.returncode == 0, done
    done = subprocess.run(
        [harness.HOST, "checkpoints", "prune", "--retain", "1", "--checkpoint-dir", there], capture_output=True, text=True,
        timeout=harness.PATIENCE)
    assert done.returncode == 64 and "Read-only file system" in done.stderr, done
    # A state directory that cannot be written is refused as clearly.
    killed.is_refused(64, [place, "Read-only file system"], "read-only state", state_dir=os.path.join(place, "state"))
    subprocess.run(["mount", "-o", "remount,rw", place], check=True)
    killed.goes_on(expected, "to be written again", checkpoint_dir=there, state_dir=state)


def verify(checkpoints):
    """Every file of every epoch is whole."""
    done = subprocess.run(
        [harness.HOST, "checkpoints", "verify", "--checkpoint-dir", checkpoints], capture_output=True, text=True,
        timeout=harness.PATIENCE)
    assert done.returncode == 0 and done.stdout, done


def fill(place):
    """Leaves no room."""
    path = os.path.join(place, "filler")
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    return path


@mounted
def full_while_running(folder, place):
    """Epochs are given up with a sentence, the job goes on without, and takes epochs again when there is room."""
    there, state = os.path.join(place, "checkpoints"), os.path.join(folder, "state")
    job = replacement.Job(folder, "plan-file", replacement.sums(folder), checkpoint_dir=there, state_dir=state)
    try:
        job.wait_for_epoch()
        filler = fill(place)
        job.wait_for(lambda: job.text.count(b"epoch.aborted") >= 2, "epochs that are given up")
        verify(there)
        os.remove(filler)
        job.wait_for_epoch()
        result = job.stop()
    finally:
        job.kill()
    assert result.code == 0 and not result.event("worker.restarting"), result
    aborted = result.event("epoch.aborted")
    assert all("No space left on device" in event["message"] and there in event["message"] for event in aborted), aborted
    verify(there)


@mounted
def full_at_start(folder, place):
    """A run that finds no room says so, ends, and has left what it found; with room it goes on."""
    killed, expected = damage.Killed(folder), damage.expected_totals(folder)
    there, state = os.path.join(place, "checkpoints"), os.path.join(folder, "state")
    shutil.copytree(killed.checkpoints, there)
    filler = fill(place)
    before = damage.contents(there)
    result = killed.go_on(checkpoint_dir=there, state_dir=state, restart_limit=1)
    assert result.code not in (0, 64, 65), result
    assert "No space left on device" in result.stderr and there in result.stderr, result
    assert all(damage.contents(there).get(path) == digest for path, digest in before.items()), "what was there has changed"
    os.remove(filler)
    killed.goes_on(expected, "with room again", checkpoint_dir=there, state_dir=state)


@mounted
def full_state(folder, place):
    """A state directory without room: a sentence, and with room the job goes on from its epochs."""
    killed, expected = damage.Killed(folder), damage.expected_totals(folder)
    state = os.path.join(place, "state")
    filler = fill(place)
    before = {path: digest for path, digest in damage.contents(killed.checkpoints).items() if "/plugins/" not in path}
    result = killed.go_on(state_dir=state, restart_limit=1)
    assert result.code not in (0, 65), result
    assert "No space left on device" in result.stderr and place in result.stderr, result
    now = damage.contents(killed.checkpoints)
    assert all(now.get(path) == digest for path, digest in before.items()), "the epochs have changed"
    os.remove(filler)
    killed.goes_on(expected, "with room again", state_dir=state)


def checks(suite):
    suite.check("a file system that is read-only", read_only)
    suite.check("a disk that is full while a job runs", full_while_running)
    suite.check("a disk that is full when a job starts", full_at_start)
    suite.check("a disk without room for a state", full_state)
