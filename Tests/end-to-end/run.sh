#!/usr/bin/env bash
# Builds the plugins beside it and runs them in a host, over random data; DuckDB and pyarrow say what is right.
#
#   Tests/end-to-end/run.sh HOST [MODULE…]      modules: versions results delay stop files nexmark quarantine traps recovery
#                                               lease replacement verdicts damage places shown replay meters boundary museum memory
#                                               health flight hostile
#                                               by hand: takeover
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
for version in 1 2 3; do
  COUNTER_VERSION=$version plugins/build.sh counter shared "$plugins/libcounter-$version.so"
done
../../Plugins/plain-c/build.sh
cp ../../Plugins/plain-c/libplain-c.so "$plugins"
plugins/plan-file/build.sh "$plugins/libplan-file.so"
plugins/plan-file/build.sh "$plugins/libplan-falls.so" -DPLAN_FALLS
plugins/plan-file/build.sh "$plugins/libplan-mended.so" -DPLAN_FALLS -DFALLS_MENDED
deed=0
for name in lives traps-at-once traps-at-first-batch traps-when-asked throws; do
  plugins/plan-file/build.sh "$plugins/libplan-$name.so" -DPLAN_VERSION='"2.0.0"' -DPLAN_DEED=$deed
  deed=$((deed + 1))
done
# In the scratch path of Plugins/test.sh, so that the SDK is compiled once.
for package in codecs nexmark enrichment meters; do
  ../../Plugins/$package/build.sh --scratch-path "$PWD/../../.build/plugins" --disable-build-manifest-caching
  cp ../../Plugins/$package/lib$package.so "$plugins"
done

[ $# -gt 0 ] || set -- versions results delay stop files nexmark quarantine traps recovery lease replacement verdicts damage places shown replay \
  meters boundary museum memory health flight hostile
VOLLEY_HOST=$host VOLLEY_PLUGINS=$plugins python3 -B main.py "$@"
