#!/usr/bin/env bash
# Builds the plugin where it is told.
#
#   build.sh PLUGIN.so [CFLAG…]      as in -DPLAN_VERSION='"2.0"' -DPLAN_DEED=1
set -euo pipefail
target=$(realpath -m "$1")
shift
cd "$(dirname "${BASH_SOURCE[0]}")"
${CC:-cc} -std=c11 -O2 -Wall -Wextra -Werror -fPIC -shared -I ../../../../sdk/Sources/CVolley/include \
  -Wl,--version-script=exports.map -Wl,-z,defs "$@" -o "$target" plan.c
