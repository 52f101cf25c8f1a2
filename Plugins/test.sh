#!/usr/bin/env bash
# Builds each plugin as its author would, looks at what came out, and runs its tests through the host that VOLLEY_HOST names.
# The packages share one scratch path, so that the SDK is compiled once a configuration.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
: "${VOLLEY_HOST:?set VOLLEY_HOST to the path of volley-host}"
scratch=$PWD/../.build/plugins

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# check_release PLUGIN: one symbol, and no library of Swift's.
check_release() {
  local symbols needed
  symbols=$(nm -D --defined-only --extern-only "$1" | awk '{ print $3 }')
  [ "$symbols" = volley_plugin_root ] || fail "$1 shows other symbols than volley_plugin_root: $symbols"
  needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
  case $needed in *libswift* | *libFoundation*) fail "$1 is not self-contained, it needs $needed" ;; esac
}

for package in word-count revenue enrichment visits meters bench codecs nexmark; do
  "$package/build.sh" --scratch-path "$scratch"
  check_release "$package/lib$package.so"
done

for package in word-count revenue enrichment visits codecs nexmark; do
  swift test --package-path "$package" --scratch-path "$scratch"
done

plain-c/build.sh
check_release plain-c/libplain-c.so
expected='item,capped
pen,2.0
lamp,19.99
mug,
chair,99.5'
actual=$(cd plain-c && "$VOLLEY_HOST" run --plugin libplain-c.so --pipeline plain-c --parallelism 1 2>/dev/null) || fail "plain-c did not run"
[ "$actual" = "$expected" ] || fail "plain-c wrote: $actual"
