"""How long a line that is typed takes to the console."""

import os
import select
import statistics
import subprocess
import time

import harness

LINES = 30
PROMISED = 0.050
# What a busy machine may add; the figure that is printed tells the truth.
TOLERATED = 0.250


class Typist:
    """A running host whose standard input and output are pipes."""

    def __init__(self, pipeline, **flags):
        words = harness.command(harness.plugin("results"), pipeline, **flags)
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.shown = b""

    def type(self, text):
        """Writes a line, waits until it is shown, and returns the seconds that took."""
        start = time.monotonic()
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()
        while not any(line.split()[:1] and line.split()[0].rstrip(b"!") == text.encode() for line in self.shown.split(b"\n")[:-1]):
            ready, _, _ = select.select([self.process.stdout], [], [], harness.PATIENCE)
            assert ready, f"'{text}' was not shown within {harness.PATIENCE} s"
            more = os.read(self.process.stdout.fileno(), 65536)
            assert more, f"the output ended before '{text}'"
            self.shown += more
        return time.monotonic() - start

    def end(self):
        self.process.stdin.close()
        self.process.stdin = None
        out, err = self.process.communicate(timeout=harness.PATIENCE)
        result = harness.Run(self.process.returncode, (self.shown + out).decode(), err.decode())
        assert result.code == 0, result
        return result


def typed(folder, pipeline, flags):
    typist = Typist(pipeline, **flags)
    try:
        # The first line waits for the host to start.
        typist.type("first")
        times = [typist.type(f"line{index}") for index in range(LINES)]
        result = typist.end()
    finally:
        typist.process.kill()
    assert result.report["rows_in"] == LINES + 1 and result.report["rows_out"] == LINES + 1, result.report
    median = statistics.median(times)
    assert median < TOLERATED, f"the median is {median * 1e3:.1f} ms, of {[f'{time * 1e3:.1f}' for time in times]}"
    late = "" if median < PROMISED else f" (more than the promised {PROMISED * 1e3:.0f} ms: is the machine busy?)"
    return f"median {median * 1e3:.1f} ms, longest {max(times) * 1e3:.1f} ms{late}"


def longer(folder):
    """The delay is what --batch-delay says: a batch waits for more rows, but not for ever."""
    typist = Typist("typed", batch_delay="300ms", threads=1)
    try:
        typist.type("first")
        times = [typist.type(f"line{index}") for index in range(3)]
        typist.end()
    finally:
        typist.process.kill()
    assert min(times) > 0.2, f"{times}: --batch-delay 300ms was not waited for"
    return f"{min(times) * 1e3:.0f} to {max(times) * 1e3:.0f} ms"


def checks(suite):
    for threads in [1, 2]:
        suite.check(f"a typed line is shown at once, {threads} threads", typed, "typed", {"threads": threads})
    suite.check(
        "a typed line is shown at once behind a keyed step", typed, "typed-totals", {"threads": 2, "parallelism": 2})
    suite.check("--batch-delay is waited for", longer)
