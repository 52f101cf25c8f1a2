#!/usr/bin/env bash
# Builds a package as an author would, and puts the plugin where it is told.
#
#   build.sh PACKAGE self-contained|shared PLUGIN.so
#
# `self-contained` is what the template's build.sh does for a release, `shared` a plain `swift build`. All packages use the
# scratch path of Plugins/test.sh, so that the SDK is compiled once a configuration.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
package=$1 runtime=$2 plugin=$3
flags=(--package-path "$package" --scratch-path ../../../.build/plugins --product "$package"
  # The scratch path remembers the package that was built last, and would take this one for it.
  --disable-build-manifest-caching)
if [ "$runtime" = self-contained ]; then
  resources=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
  flags+=(-c release --static-swift-stdlib -Xswiftc -static-stdlib
    -Xlinker "-L${resources%/swift}/swift_static/linux" -Xlinker -z -Xlinker defs)
fi
swift build "${flags[@]}"
cp "$(swift build "${flags[@]}" --show-bin-path)/lib$package.so" "$plugin"
