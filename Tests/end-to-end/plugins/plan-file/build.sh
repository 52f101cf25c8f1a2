#!/usr/bin/env bash
# Builds the plugin where it is told.
#
#   build.sh PLUGIN.so
set -euo pipefail
target=$(realpath -m "$1")
cd "$(dirname "${BASH_SOURCE[0]}")"
${CC:-cc} -std=c11 -O2 -Wall -Wextra -Werror -fPIC -shared -I ../../../../sdk/Sources/CVolley/include \
  -Wl,--version-script=exports.map -Wl,-z,defs -o "$target" plan.c
