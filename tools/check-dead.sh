#!/bin/sh
# Fails when the program cannot reach a function, unless tools/dead-allowed names it with a reason.
set -eu
cd "$(dirname "$0")/.."
${GO:-go} tool -modfile=tools/go.mod deadcode ./cmd/... |
  awk 'NR == FNR { if (!/^#/ && NF) allowed[$1 " " $2] = 1; next }
       { split($1, at, ":") }
       !(at[1] " " $NF ":" in allowed) { print; bad = 1 }
       END { exit bad }' tools/dead-allowed - ||
  { echo "nothing uses this: take it out, or give the reason in tools/dead-allowed" >&2; exit 1; }
