#!/usr/bin/env bash
# Builds the plugins beside it and runs them in a host, over random data; DuckDB and pyarrow say what is right.
#
#   Tests/end-to-end/run.sh HOST [MODULE…]      modules: results delay stop
set -euo pipefail
host=$(readlink -f "$1")
shift
[ -x "$host" ] || { echo "$host is no program: build it with deploy/build-host.sh" >&2; exit 64; }
cd "$(dirname "${BASH_SOURCE[0]}")"

plugins=$(mktemp -d /tmp/volley-plugins-XXXXXX)
trap 'rm -rf "$plugins"' EXIT
plugins/build.sh results self-contained "$plugins/libresults.so"

[ $# -gt 0 ] || set -- results delay stop
VOLLEY_HOST=$host VOLLEY_PLUGINS=$plugins python3 -B main.py "$@"
