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

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo --preserve-env=DEBIAN_FRONTEND "$@"; fi
}

# need_packages NAME…: Debian packages, installed with apt-get when one is missing.
need_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return
  as_root apt-get update -q
  DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -q --no-install-recommends "${missing[@]}"
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

# need_program NAME: a program of the Debian package of that name, unpacked into a folder of the project's own: installed, the package
# would start a service.
need_program() {
  local folder=$PWD/.build/programs
  export PATH="$folder/usr/bin:$PATH"
  command -v "$1" >/dev/null && return
  mkdir -p "$folder"
  (cd "$folder" && { apt-get download -q "$1" || { as_root apt-get update -q && apt-get download -q "$1"; }; } &&
    dpkg -x "$1"_*.deb . && rm "$1"_*.deb)
}
