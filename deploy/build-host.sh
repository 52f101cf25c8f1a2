#!/usr/bin/env bash
# Builds the release host: volley-host with the Swift runtime inside, so that it runs where no Swift is installed; of other
# libraries it needs Debian's librocksdb7.8, libssl3 and libnghttp2-14 there, and librocksdb-dev, libssl-dev and libnghttp2-dev here.
# Prints the path of the binary. Further arguments go to `swift build`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
runtime=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
flags=(-c release --product volley-host --static-swift-stdlib -Xlinker "-L${runtime%/swift}/swift_static/linux"
  --explicit-target-dependency-import-check error)
swift build "${flags[@]}" "$@" >&2
echo "$(swift build "${flags[@]}" "$@" --show-bin-path)/volley-host"
