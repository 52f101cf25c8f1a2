"""All checks of a host; run.sh builds the plugins and starts it.

Several modules run side by side, each in a process of its own, for most of what a check does is wait; those that measure time
run alone, before the others.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import time

import harness

ALONE = ["delay"]


def whole(module):
    """Runs a module in a process of its own: its output, without the totals, and how many checks passed and failed."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-B", __file__, module], env={**os.environ, "VOLLEY_TEST_SEED": str(harness.SEED)}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    *lines, last = done.stdout.splitlines() or [""]
    totals = re.fullmatch(r"(\d+) passed, (\d+) failed", last)
    # Nothing that passed, or another end than the totals tell, is a failure too.
    if totals is None or int(totals[1]) == 0 or (done.returncode == 0) != (int(totals[2]) == 0):
        return [*lines, last, f"✘ module '{module}' ended early, with exit code {done.returncode}"], 0, 1
    return [*lines, f"  {module}: {time.monotonic() - start:.0f} s"], int(totals[1]), int(totals[2])


def side_by_side(modules):
    passed = failed = 0
    alone = [module for module in modules if module in ALONE]
    for group, count in [(alone, 1), ([module for module in modules if module not in ALONE], os.cpu_count() + 1)]:
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            for future in concurrent.futures.as_completed([pool.submit(whole, module) for module in group]):
                lines, good, bad = future.result()
                print("\n".join(lines), flush=True)
                passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


modules = sys.argv[1:]
if len(modules) > 1:
    print(f"seed {harness.SEED}; VOLLEY_TEST_SEED replays it")
    side_by_side(modules)
suite = harness.Suite()
__import__(modules[0]).checks(suite)
suite.end()
