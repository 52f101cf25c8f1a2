#!/usr/bin/env bash
# Builds the plugins beside it and runs them in a host, over random data; DuckDB and pyarrow say what is right.
#
#   Tests/end-to-end/run.sh HOST [MODULE…]      modules: versions results delay stop files nexmark
set -euo pipefail
host=$(readlink -f "$1")
shift
[ -x "$host" ] || { echo "$host is no program: build it with deploy/build-host.sh" >&2; exit 64; }
cd "$(dirname "${BASH_SOURCE[0]}")"

plugins=$(mktemp -d /tmp/volley-plugins-XXXXXX)
trap 'rm -rf "$plugins"' EXIT
plugins/build.sh results self-contained "$plugins/libresults.so"
for colour in red blue; do
  for runtime in self-contained shared; do
    plugins/build.sh twin-$colour $runtime "$plugins/libtwin-$colour-$runtime.so"
  done
done
../../Plugins/plain-c/build.sh
cp ../../Plugins/plain-c/libplain-c.so "$plugins"
plugins/plan-file/build.sh "$plugins/libplan-file.so"
../../Plugins/codecs/build.sh
cp ../../Plugins/codecs/libcodecs.so "$plugins"
../../Plugins/nexmark/build.sh
cp ../../Plugins/nexmark/libnexmark.so "$plugins"

[ $# -gt 0 ] || set -- versions results delay stop files nexmark
VOLLEY_HOST=$host VOLLEY_PLUGINS=$plugins python3 -B main.py "$@"
