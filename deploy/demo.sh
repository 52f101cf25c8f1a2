#!/usr/bin/env bash
# Installs what is missing, builds the host and the plugin Plugins/revenue, runs it over the orders in the repository and
# shows the result.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/needs.sh
need_swift
need_packages gcc libc6-dev libstdc++-12-dev binutils librocksdb-dev libssl-dev libnghttp2-dev

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "1. The host: deploy/build-host.sh"
host=$(deploy/build-host.sh)
"$host" version

say "2. The plugin: Plugins/revenue/build.sh"
Plugins/revenue/build.sh
ls -l Plugins/revenue/librevenue.so

cd Plugins/revenue
say "3. What it is: volley-host inspect --plugin librevenue.so"
"$host" inspect --plugin librevenue.so

say "4. Running it over the 600 orders in data/: volley-host --plugin librevenue.so"
"$host" --plugin librevenue.so
