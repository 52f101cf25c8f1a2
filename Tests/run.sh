#!/usr/bin/env bash
# Installs what is missing and runs every test, in stages whose seconds are printed. Documented in Tests/README.md.
#
#   Tests/run.sh            everything
#   Tests/run.sh STAGE…     these stages only: lint host unit plugins endtoend chaos address thread fuzz bench package
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/needs.sh
need_swift
need_packages gcc libc6-dev libstdc++-12-dev binutils librocksdb-dev libssl-dev libnghttp2-dev nghttp2-client curl python3 python3-pip libpython3-dev graphviz util-linux procps zlib1g-dev liblz4-dev libzstd-dev
need_python pyarrow duckdb xxhash h2 grpc_tools=grpcio-tools prometheus_client
need_program prometheus

logs=.build/test-logs
mkdir -p "$logs"
passed=0
failed=0
failures=()
summary=()
wanted=("$@")

# The three builds that are warmed for tests; a trap in a test's child is expected, and its backtrace only costs time.
export SWIFT_BACKTRACE=enable=no
strict=(-Xswiftc -warnings-as-errors --explicit-target-dependency-import-check error)

lint() {
  git ls-files -z '*.swift' ':!sdk/Template/*' | xargs -0 swift format lint --strict && Tests/readme-samples.py
}

# Prints where the release host is. Always the same flags, or it would be built again.
host() {
  deploy/build-host.sh -Xswiftc -warnings-as-errors
}

# Tests of one process that run at a time. Most of what a test does is wait, so a few more than there are processors keep these busy;
# all at once, as the runner has it by default, would each take so long that deadlines within a test pass.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$((3 * $(nproc)))

# Tests of the network run by themselves: their servers work in tasks, whose few threads the others hold while they wait for processes.
network='NetworkingTests|FlightTests'

unit() {
  swift build --build-tests "${strict[@]}" && swift test --skip-build "${strict[@]}" --skip "$network" &&
    swift test --skip-build "${strict[@]}" --filter "$network"
}

# Every plugin as its author would build and test it; they share a scratch path, so the SDK is compiled once.
plugins() {
  local host
  host=$(host) && VOLLEY_HOST=$host Plugins/test.sh
}

# Whole runs of the release host: plugins side by side, results beside DuckDB's, delay, stops.
endtoend() {
  Tests/end-to-end/run.sh "$(host)"
}

# Jobs with checkpoints that are killed 240 times; thousands are for hands.
chaos() {
  local host
  host=$(host) && VOLLEY_HOST=$host Tests/chaos.sh --kills 240 --minutes 20
}

# Sanitizers find what a passing test hides: memory at the boundary, and races between threads.
address() {
  local -x LSAN_OPTIONS=suppressions=$PWD/Tests/leaks.txt:print_suppressions=0
  sanitized address 'ArrowTests|PluginLoadingTests|AsyncOperator|KeyedProcess'
}

# Not with code of the SDK's: it locks with `Mutex`, which the thread sanitizer does not see, and would tell of races there.
thread() {
  sanitized thread 'DataflowTests|AsyncOperator'
}

# The suites that a filter chooses, and those of the network, with a sanitizer.
sanitized() {
  swift test --sanitize="$1" --scratch-path ".build/$1" --filter "$2" &&
    swift test --skip-build --sanitize="$1" --scratch-path ".build/$1" --filter "$network"
}

# A short run over the committed inputs and what becomes of them; hours are for hands.
fuzz() {
  Tests/fuzz/run.sh --seconds 15
}

# Shows that every benchmark runs and that its results are right; its figures mean nothing on a busy machine.
bench() {
  local host
  host=$(host) && Plugins/bench/build.sh && Plugins/nexmark/build.sh &&
    "$host" bench --rows 20000000 --repeat 1 --json --plugin Plugins/bench/libbench.so &&
    "$host" bench process --rows 100000 --repeat 1 --json --plugin Plugins/bench/libbench.so &&
    "$host" bench state --case session-window-10k --case interval-join-10k --case timer-10k --json &&
    "$host" bench state --case dirty-keys-100k --case epoch-each-second-1k --case restore-to-speed-1m --seconds 2 --json &&
    "$host" bench windows --rows 100000 --json &&
    "$host" bench flight --bytes 33554432 --repeat 1 --json &&
    "$host" bench nexmark --events 200000 --threads 2 --repeat 1 --json --plugin Plugins/nexmark/libnexmark.so &&
    Tests/columns-peers.py "$host" --rows 200000 --repeat 1
}

# A package from `volley-host new`, with the binary moved and the checkout hidden.
package() {
  Tests/new-package.sh "$(host)"
}

run_stage() {
  local name=$1 start=$SECONDS status counted broken
  if [ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]} " != *" $name "* ]]; then return; fi
  "$name" >"$logs/$name.log" 2>&1
  status=$?
  # Tests that ran, as Swift Testing and the scripts here count them; a stage without any counts as one.
  counted=$(sed -n -e 's/.*Test run with \([0-9]*\) tests\{0,1\}.* passed.*/\1/p' \
    -e 's/^\([0-9]*\) passed, [0-9]* failed$/\1/p' "$logs/$name.log" | paste -sd+ | bc)
  broken=$(sed -n 's/^[0-9]* passed, \([0-9]*\) failed$/\1/p' "$logs/$name.log" | paste -sd+ | bc)
  if [ "$counted" = 0 ]; then
    echo "error: the stage ran no test" >>"$logs/$name.log"
    status=1
  fi
  if [ $status -eq 0 ]; then
    passed=$((passed + ${counted:-1}))
    summary+=("$(printf '%-8s ok      %4d s  %s' "$name" $((SECONDS - start)) "${counted:+$counted tests}")")
    echo "${summary[-1]}"
  else
    passed=$((passed + ${counted:-0}))
    failed=$((failed + (${broken:-0} > 0 ? ${broken:-0} : 1)))
    failures+=("$name")
    summary+=("$(printf '%-8s FAILED  %4d s' "$name" $((SECONDS - start)))")
    echo "${summary[-1]}"
    grep -E '✘|error:|Fatal|FAILED' "$logs/$name.log" | head -n 60 | cut -c1-2000
    echo "--- the end of $logs/$name.log"
    tail -n 40 "$logs/$name.log" | cut -c1-2000
  fi
}

# Each stage and each failure once more, with a few lines of what it said: the end of a long log is what is seen of it.
recall() {
  local name
  echo "--- stages:"
  printf '%s\n' "${summary[@]}"
  for name in "${failures[@]}"; do
    echo "--- failed in $name:"
    # What the checks here say stands behind their mark, indented; Swift Testing's is in the line.
    awk '/✘/ { left = 7; print; next } left > 0 && /^  / { left--; print; next } { left = 0 } /error:|Fatal|FAILED/' \
      "$logs/$name.log" | cut -c1-300 | head -n 40
  done
}

need_packages bc git
for stage in lint host unit plugins endtoend chaos address thread fuzz bench package; do run_stage $stage; done

recall
echo "in all $SECONDS s"
[ ${#failures[@]} -eq 0 ] || echo "failed stages: ${failures[*]}"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
