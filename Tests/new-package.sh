#!/usr/bin/env bash
# A package from `volley-host new` builds, tests and runs on a machine without this repository: the host is moved, and the
# checkout is hidden behind an empty file system in a mount namespace.
#
#   Tests/new-package.sh HOST
set -euo pipefail
host=$(readlink -f "$1")
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [ "${2:-}" != hidden ]; then
  folder=$(mktemp -d /tmp/volley-package-XXXXXX)
  trap 'rm -rf "$folder"' EXIT
  cp "$host" "$folder/volley-host"
  cp "${BASH_SOURCE[0]}" "$folder/new-package.sh"
  # A user namespace gives the right to mount to those who are not root.
  own=()
  if [ "$(id -u)" -ne 0 ]; then own=(--map-root-user); fi
  unshare --mount "${own[@]}" env VOLLEY_CHECKOUT="$checkout" "$folder/new-package.sh" "$folder/volley-host" hidden
  exit
fi

mount -t tmpfs hidden "$VOLLEY_CHECKOUT"
[ -z "$(ls -A "$VOLLEY_CHECKOUT")" ]
cd "$(dirname "$host")"
export PATH="$PWD:$PATH" VOLLEY_HOST="$host"
volley-host new my-pipe
cd my-pipe
./build.sh
exported=$(nm -D --defined-only --extern-only libmy-pipe.so)
[ "$(wc -l <<<"$exported")" -eq 1 ] && grep -q ' volley_plugin_root$' <<<"$exported" ||
  { echo "FAILED: libmy-pipe.so exports more than volley_plugin_root:"; echo "$exported"; exit 1; }
volley-host inspect --plugin libmy-pipe.so
volley-host --plugin libmy-pipe.so --parallelism 1 >with-toolchain.txt
swift test
# The package moves on to another SDK without losing anything of its own.
volley-host sdk update
# On a machine without Swift the self-contained plugin runs all the same; the one for development is refused by name.
runtime=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
toolchain=$(readlink -f "$runtime/../..")
development=$(readlink -f .build/debug/libmy-pipe.so)
if [ "$toolchain" = /usr ]; then
  mount -t tmpfs hidden "$runtime"
else
  mount -t tmpfs hidden "$toolchain"
fi
[ ! -e "$runtime/linux/libswiftCore.so" ]
volley-host --plugin libmy-pipe.so --parallelism 1 >without-toolchain.txt
cmp with-toolchain.txt without-toolchain.txt
status=0
refusal=$(volley-host --plugin "$development" 2>&1 >/dev/null) || status=$?
[ "$status" -eq 69 ] && grep -q 'libswift.*\.so' <<<"$refusal" ||
  { echo "FAILED: without its runtime the development plugin gave $status: $refusal"; exit 1; }
echo "a package from 'volley-host new' builds, tests and runs"
