#!/bin/sh
# Runs the core's tests on one mutant, those that import the changed file or begin with its word first: most mutants end there.
set -eu
mutant="${__STRYKER_ACTIVE_MUTANT__:-}"
if [ -n "$mutant" ]; then
  changed="$(basename "$(grep -l "(\"$mutant\")" src/core/*.ts)")"
  nearest="$( (grep -l "src/core/$changed" test/core/*.test.ts; ls "test/core/${changed%%[-.]*}"*.test.ts) 2>/dev/null | sort -u || true)"
  # shellcheck disable=SC2086 # one word for each file
  [ -z "$nearest" ] || bun test --bail=1 $nearest
fi
exec bun test --bail=1 test/core
