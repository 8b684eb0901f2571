#!/bin/sh
# The two-minute proof: set up, build, kill a brain, and see the account flat and trading halted.
set -eu
cd "$(dirname "$0")/.."
sh build/setup.sh redis-server
PATH="$PWD/node_modules/.bin:$PATH"
bun build/build.ts
exec ./quantum chaos --sandbox "$@"
