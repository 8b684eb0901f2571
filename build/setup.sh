#!/bin/sh
# Installs what is missing and nothing else: npm packages always, redis-server if asked for with "redis".
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

[ "${1:-}" = redis ] || exit 0
command -v redis-server >/dev/null 2>&1 && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "setup: installing redis-server with apt-get" >&2
  # Only the program: a drill starts its own, and a test machine needs no service.
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2
  apt-get install -y -qq --no-install-recommends redis-server >&2
  exit 0
fi
echo "setup: redis-server is missing and can't be installed without root. Type:" >&2
echo "  sudo apt-get update && sudo apt-get install -y redis-server" >&2
exit 1
