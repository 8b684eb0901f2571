#!/bin/sh
# Installs what is missing and nothing else: npm packages always, and the programs that are named.
#   sh build/setup.sh [redis-server] [systemd-analyze]
# A machine needs Node.js, npm and git; everything else comes from here.
set -eu
cd "$(dirname "$0")/.."

# npm writes node_modules/.package-lock.json last, so it is as new as the last install that finished.
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "setup: installing npm packages" >&2
  # Not "npm ci": it refuses a lock file without every other platform's binaries, and not every mirror serves those.
  npm install --no-save --include=dev --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.package-lock.json
fi

missing=""
for program in "$@"; do
  command -v "$program" >/dev/null 2>&1 && continue
  case "$program" in
    systemd-analyze) missing="$missing systemd" ;;
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
