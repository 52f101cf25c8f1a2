#!/usr/bin/env bash
# Writes Sources/CSDKArchive/files.inc: the list of the SDK's files that the host carries for `volley-host new`.
# With --check it writes nothing and fails when the list is stale.
set -euo pipefail
cd "$(dirname "$0")/.."
list=Sources/CSDKArchive/files.inc

# All of sdk/ but its tests, what building leaves behind, and dot-files that are not part of the template.
files() {
  (cd sdk && find . -type f -not -path '*/.build/*' -not -path './Tests/*' -not -path './.*' \
    -not -name Package.resolved -not -name '*~' | sed 's|^\./||' | LC_ALL=C sort)
}

generate() {
  echo '// Generated: the files of sdk/. After adding or removing one, run deploy/embed-sdk.sh.'
  local number=0
  while IFS= read -r path; do
    printf '\nstatic const unsigned char file_%d[] = {\n#embed "../../sdk/%s" suffix(,)\n0};\n' $number "$path"
    number=$((number + 1))
  done < <(files)
  printf '\nstatic const sdk_archive_file files[] = {\n'
  number=0
  while IFS= read -r path; do
    local executable=0
    if [ -x "sdk/$path" ]; then executable=1; fi
    printf '  {"%s", %d, file_%d, sizeof file_%d - 1},\n' "$path" $executable $number $number
    number=$((number + 1))
  done < <(files)
  echo '};'
}

if [ "${1:-}" = --check ]; then
  generate | diff - "$list" || { echo "$list is stale: run deploy/embed-sdk.sh" >&2; exit 1; }
else
  generate >"$list"
fi
