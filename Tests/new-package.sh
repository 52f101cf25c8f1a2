#!/usr/bin/env bash
# A package from `volley-host new` builds, tests and runs on a machine without this repository: the host is moved, the
# checkout is hidden behind an empty file system in a mount namespace, and no cache of a former build is used.
#
#   Tests/new-package.sh HOST
set -Eeuo pipefail

if [ "${2:-}" != hidden ]; then
  host=$(readlink -f "$1")
  [ -x "$host" ] || { echo "$1 is no program: build it with deploy/build-host.sh" >&2; exit 64; }
  script=$(readlink -f "${BASH_SOURCE[0]}")
  folder=$(mktemp -d /tmp/volley-package-XXXXXX)
  trap 'rm -rf "$folder"' EXIT
  cp "$host" "$folder/volley-host"
  cp "$script" "$folder/new-package.sh"
  # A user namespace gives the right to mount to those who are not root.
  own=()
  if [ "$(id -u)" -ne 0 ]; then own=(--map-root-user); fi
  cd "$folder"
  VOLLEY_CHECKOUT=$(dirname "$(dirname "$script")") unshare --mount "${own[@]}" \
    "$folder/new-package.sh" "$folder/volley-host" hidden
  exit
fi

passed=0
check() {
  echo "✔ $*"
  passed=$((passed + 1))
}
fail() {
  echo "FAILED: $*"
  echo "$passed passed, 1 failed"
  trap - ERR
  exit 1
}
trap 'fail "line $LINENO: $BASH_COMMAND"' ERR

mount -t tmpfs hidden "$VOLLEY_CHECKOUT"
[ -z "$(ls -A "$VOLLEY_CHECKOUT")" ] || fail "$VOLLEY_CHECKOUT is not hidden"
cd "$(dirname "$1")"
export PATH="$PWD:$PATH" HOME="$PWD/home" XDG_CACHE_HOME="$PWD/home/cache"
mkdir "$HOME"
unset VOLLEY_HOST VOLLEY_SDK VOLLEY_PLUGIN

# check_plugin PLUGIN: one symbol, and no library of Swift's.
check_plugin() {
  local symbols needed
  symbols=$(nm -D --defined-only --extern-only "$1" | awk '{ print $3 }')
  [ "$symbols" = volley_plugin_root ] || fail "$1 shows $symbols"
  needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
  case $needed in *libswift* | *libFoundation*) fail "$1 is not self-contained, it needs $needed" ;; esac
}

# check_run PLUGIN: the last row of each user, sorted, is what the orders in data/ add up to.
check_run() {
  local shown
  shown=$(volley-host --plugin "$1" | awk 'NR > 1 { last[$1] = $1 " " $2 " " $3 } END { for (user in last) print last[user] }' | sort)
  [ "$shown" = $'ada 21.0 3\nbob 3.0 1\ncyd 40.0 1' ] || fail "$1 gave: $shown"
}

volley-host new my-pipe
(cd my-pipe && find . -type f -not -path './.volley-sdk/*' -exec sha256sum {} +) | sort >before
check "volley-host new, with the checkout hidden"

cd my-pipe
./build.sh
check_plugin libmy-pipe.so
check "build.sh makes a self-contained plugin that shows one symbol"

volley-host inspect --plugin libmy-pipe.so
check_run libmy-pipe.so
check "the plugin runs over the package's data"

tests=$(swift test 2>&1) || fail "swift test: $tests"
echo "$tests"
grep -q 'Test run with [1-9][0-9]* tests.* passed' <<<"$tests" || fail "swift test ran no test"
check "the package's own tests pass with the host in PATH"

# An SDK of another version, damaged: the update makes it this host's, and leaves what is the author's.
sed -i 's/^version .*/version 0.0.1/' .volley-sdk/VERSION
rm .volley-sdk/Sources/Volley/Exports.swift
echo 'this is no Swift' >.volley-sdk/Sources/Volley/Former.swift
updated=$(volley-host sdk update)
[[ "$updated" = *"before, it was 0.0.1 "* ]] || fail "sdk update said: $updated"
[ -f .volley-sdk/Sources/Volley/Exports.swift ] && [ ! -e .volley-sdk/Sources/Volley/Former.swift ] ||
  fail "sdk update left files of the former SDK"
(find . -type f -not -path './.volley-sdk/*' -not -path './.build/*' -not -name '*.so' -not -name Package.resolved \
  -exec sha256sum {} +) | sort | diff ../before - || fail "sdk update changed the author's files"
./build.sh
check_plugin libmy-pipe.so
check_run libmy-pipe.so
check "sdk update replaces the SDK and nothing else, and the package builds on"

cd ..
volley-host new other --sdk my-pipe/.volley-sdk
[ ! -e other/.volley-sdk ] || fail "new --sdk wrote an SDK of its own"
cd other
# The same SDK in the same scratch folder is not compiled again.
./build.sh --scratch-path ../my-pipe/.build
check_plugin libother.so
check_run libother.so
check "new --sdk PATH uses that SDK"

# On a machine without Swift the self-contained plugin runs all the same; the one for development is refused by name.
cd ../my-pipe
runtime=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
toolchain=$(readlink -f "$runtime/../..")
development=$(readlink -f .build/debug/libmy-pipe.so)
if [ "$toolchain" = /usr ]; then
  mount -t tmpfs hidden "$runtime"
else
  mount -t tmpfs hidden "$toolchain"
fi
[ ! -e "$runtime/linux/libswiftCore.so" ] || fail "$runtime is not hidden"
check_run libmy-pipe.so
check "the plugin runs where the toolchain is hidden"

status=0
refusal=$(volley-host --plugin "$development" 2>&1 >/dev/null) || status=$?
[ "$status" -eq 69 ] && grep -q 'libswift.*\.so' <<<"$refusal" ||
  fail "without its runtime the development plugin gave $status: $refusal"
check "there, a plugin for development is refused by the name of what it lacks"

echo "$passed passed, 0 failed"
