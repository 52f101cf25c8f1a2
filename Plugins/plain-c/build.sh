#!/usr/bin/env bash
# Builds libplain-c.so, here.
set -euo pipefail
make -C "$(dirname "${BASH_SOURCE[0]}")"
