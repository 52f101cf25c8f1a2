"""Runs volley-host, and counts what held and what did not."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import traceback

HOST = os.environ["VOLLEY_HOST"]
PLUGINS = os.environ["VOLLEY_PLUGINS"]
SEED = int(os.environ.get("VOLLEY_TEST_SEED") or random.SystemRandom().getrandbits(32))
# Many jobs run side by side: only those that are asked have a port.
os.environ.setdefault("VOLLEY_HEALTH_PORT", "0")
# Longer than any run takes on a busy machine; a run that needs it hangs.
PATIENCE = 120


def plugin(name):
    return os.path.join(PLUGINS, f"lib{name}.so")


class Run:
    """A finished run: exit code, output, and the events of standard error, one JSON object a line."""

    def __init__(self, code, stdout, stderr):
        self.code, self.stdout, self.stderr = code, stdout, stderr
        self.events = []
        for line in stderr.splitlines():
            try:
                self.events.append(json.loads(line))
            except ValueError:
                pass

    def event(self, name):
        return [event for event in self.events if event.get("event") == name]

    @property
    def report(self):
        (report,) = self.event("report")
        return report

    def __str__(self):
        return f"exit code {self.code}, standard error:\n{self.stderr}"


def command(plugin_path, pipeline=None, connectors=(), parameters=None, **flags):
    """The command line; flags are spelt with underscores, parameters become --set."""
    words = [HOST, "run", "--plugin", plugin_path, "--log-format", "json", "--report", "json"]
    if pipeline:
        words += ["--pipeline", pipeline]
    for connector in connectors:
        words += ["--connector", connector]
    for name, value in (parameters or {}).items():
        words += ["--set", f"{name}={value}"]
    for name, value in flags.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    return words


def attempt(*arguments, stdin=b"", **keywords):
    """Runs to the end, whatever it is."""
    done = subprocess.run(command(*arguments, **keywords), input=stdin, capture_output=True, timeout=PATIENCE)
    return Run(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode())


def run(*arguments, **keywords):
    """Runs to the end, which must be good."""
    result = attempt(*arguments, **keywords)
    assert result.code == 0, result
    return result


class Suite:
    """Named checks. Each runs in a folder of its own, which stays when it fails."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, body, *arguments):
        folder = tempfile.mkdtemp(prefix="volley-end-to-end-")
        try:
            note = body(folder, *arguments)
        except Exception as error:
            self.failed += 1
            print(f"✘ {name}: seed {SEED}, files in {folder}")
            text = str(error) if isinstance(error, AssertionError) else f"{error!r}\n{traceback.format_exc()}"
            print("  " + text.replace("\n", "\n  "))
        else:
            self.passed += 1
            print(f"✔ {name}{f': {note}' if note else ''}")
            shutil.rmtree(folder)
        sys.stdout.flush()

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed else 0)
