#!/usr/bin/env bash
# Builds the plugin for release: libmeters.so, here, with the Swift runtime inside, so that it runs where no Swift is
# installed. Further arguments go to `swift build`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
resources=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
flags=(
  -c release --product meters
  # Both are needed: the first alone links the shared runtime, the second alone leaves symbols undefined.
  --static-swift-stdlib -Xswiftc -static-stdlib -Xlinker "-L${resources%/swift}/swift_static/linux"
  # A symbol that is missing fails here rather than in the host.
  -Xlinker -z -Xlinker defs
)
swift build "${flags[@]}" "$@"
# A host may run the old file: it is replaced, not written over.
cp "$(swift build "${flags[@]}" "$@" --show-bin-path)/libmeters.so" .libmeters.so.new
mv .libmeters.so.new libmeters.so
