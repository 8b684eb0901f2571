#!/bin/sh
# Installs what is missing and nothing else: npm packages always, and the programs that are named.
#   sh build/setup.sh [redis-server] [systemd-analyze] [spin] [gcc] [ip] [debootstrap] [systemd-nspawn] [dpkg-deb] [readelf]
#     [bench-packages] [mutation-packages]
# bench-packages and mutation-packages are npm packages too: those of test/bench and of test/mutation, which the product
# does not carry.
# A machine needs Node.js, npm and git; everything else comes from here.
set -eu
cd "$(dirname "$0")/.."

# Installs the npm packages of one directory, unless they are as new as its lock file.
npm_packages() {
  # npm writes node_modules/.package-lock.json last, so it is as new as the last install that finished.
  installed="$1/node_modules/.package-lock.json"
  if [ ! -e "$installed" ] || [ "$1/package-lock.json" -nt "$installed" ]; then
    echo "setup: installing npm packages$2" >&2
    # Not "npm ci": it refuses a lock file without every other platform's binaries, and not every mirror serves those.
    (cd "$1" && npm install --no-save --include=dev --no-audit --no-fund --loglevel=error >&2)
    touch "$installed"
  fi
}

npm_packages . ""

missing=""
for program in "$@"; do
  case "$program" in
    bench-packages | mutation-packages)
      npm_packages "test/${program%-packages}" " of test/${program%-packages}"
      continue
      ;;
  esac
  command -v "$program" >/dev/null 2>&1 && continue
  case "$program" in
    systemd-analyze) missing="$missing systemd" ;;
    # Only recommended by gcc, and it compiles nothing without.
    gcc) missing="$missing gcc libc6-dev" ;;
    # Only root can do with it what it is for, and finds it in its PATH.
    ip) [ "$(id -u)" != 0 ] || missing="$missing iproute2" ;;
    systemd-nspawn) missing="$missing systemd-container" ;;
    dpkg-deb) missing="$missing dpkg" ;;
    readelf) missing="$missing binutils" ;;
    *) missing="$missing $program" ;;
  esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "setup: installing$missing with apt-get" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null
  # shellcheck disable=SC2086 # one word for each package
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
  exit 0
fi
echo "setup:$missing is missing and can't be installed without root and apt-get. On Debian or Ubuntu type:" >&2
echo "  sudo apt-get update && sudo apt-get install -y$missing" >&2
exit 1
