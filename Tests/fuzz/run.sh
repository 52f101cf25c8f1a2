#!/usr/bin/env bash
# Reads hostile bytes, led by coverage, with the address sanitizer. Documented in Tests/README.md.
#
#   Tests/fuzz/run.sh [--runs N] [--seconds S] [--build] [FORMAT…]     formats: arrow csv flight grpc http1 http2 jsonlines patterns
#
# Inputs that were found are kept in .build/fuzz-corpus, those that fail in .build/fuzz-failures.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$here/../../.build
runs=-1
seconds=0
formats=()
only_build=
while [ $# -gt 0 ]; do
  case $1 in
    --runs) runs=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    --build) only_build=1; shift ;;
    arrow | csv | flight | grpc | http1 | http2 | jsonlines | patterns) formats+=("$1"); shift ;;
    *) echo "error: '$1' is no option and no format; expected --runs N, --seconds S, --build, arrow, csv, flight, grpc, http1, http2, jsonlines or patterns" >&2; exit 64 ;;
  esac
done
[ ${#formats[@]} -gt 0 ] || formats=(arrow csv flight grpc http1 http2 jsonlines patterns)
if [ "$runs" = -1 ] && [ "$seconds" = 0 ]; then seconds=60; fi

# Not `--sanitize`: of two the compiler takes the last alone, and nothing would count coverage.
swift build -c release --package-path "$here" --scratch-path "$build/fuzz" \
  -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing || exit 1
[ -z "$only_build" ] || exit 0
fuzz=$(swift build -c release --package-path "$here" --scratch-path "$build/fuzz" --show-bin-path)/fuzz

# What is never freed is looked for once, at the end.
export SWIFT_BACKTRACE=enable=no LSAN_OPTIONS=suppressions=$here/../leaks.txt:print_suppressions=0

passed=0
failed=0
for format in "${formats[@]}"; do
  found=$build/fuzz-corpus/$format
  mkdir -p "$found" "$build/fuzz-failures"
  # A hang is more than 10 s for one input; memory is bounded for one block and in all.
  if "$fuzz" "--format=$format" -runs="$runs" -max_total_time="$seconds" -max_len=4096 -timeout=10 \
    -malloc_limit_mb=256 -rss_limit_mb=2048 -detect_leaks=0 -use_value_profile=1 -print_final_stats=1 -verbosity=1 \
    -artifact_prefix="$build/fuzz-failures/$format-" "$found" "$here/corpus/$format"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "error: $format: an input failed; it is the newest file of $build/fuzz-failures"
  fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
