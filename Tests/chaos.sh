#!/usr/bin/env bash
# Kills jobs with checkpoints again and again, the worker, the supervisor or both, and compares what they wrote with a run without faults.
#
#   Tests/chaos.sh [--minutes N] [--seed S] [--kills K] [--campaign NAME]      240 kills, in 10 minutes at most
#   Tests/chaos.sh --kills 0 --minutes 60                                      as many as there is time for
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/needs.sh
need_swift
need_packages gcc libc6-dev python3
need_python duckdb pyarrow
host=${VOLLEY_HOST:-$(deploy/build-host.sh -Xswiftc -warnings-as-errors)}
plugins=$(mktemp -d /tmp/volley-chaos-plugins-XXXXXX)
trap 'rm -rf "$plugins"' EXIT
Tests/end-to-end/plugins/plan-file/build.sh "$plugins/libplan-file.so"
cd Tests/end-to-end
VOLLEY_HOST=$(readlink -f "$host") VOLLEY_PLUGINS=$plugins python3 -B chaos.py "$@"
