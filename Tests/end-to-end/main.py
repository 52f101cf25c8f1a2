"""All checks of a host; run.sh builds the plugins and starts it."""

import sys

import harness

suite = harness.Suite()
print(f"seed {harness.SEED}; VOLLEY_TEST_SEED replays it")
for module in sys.argv[1:]:
    __import__(module).checks(suite)
suite.end()
