# Installs what is missing on a Debian 12 machine. Sourced by demo.sh and Tests/run.sh, not run.

# need_swift: stops when there is no Swift 6.3 or later, which Debian does not package.
need_swift() {
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
  if [ -z "$version" ] || [ "$(printf '%s\n6.3\n' "$version" | sort -V | head -n 1)" != 6.3 ]; then
    echo "Swift 6.3 or later is needed, found ${version:-none}; install it from swift.org and put it into PATH" >&2
    exit 69
  fi
}

# need_packages NAME…: Debian packages, installed with apt-get when one is missing.
need_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
  "${as_root[@]}" apt-get update -q
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# need_python MODULE[=PACKAGE]…: Python modules, installed with pip into a folder of the project's own when one is missing.
need_python() {
  local missing=() module
  export PYTHONPATH="$PWD/.build/python${PYTHONPATH:+:$PYTHONPATH}"
  for module in "$@"; do
    python3 -c "import ${module%%=*}" 2>/dev/null || missing+=("${module##*=}")
  done
  [ ${#missing[@]} -eq 0 ] && return
  python3 -m pip install -q --disable-pip-version-check --root-user-action ignore --target .build/python "${missing[@]}"
}
