#!/bin/sh
# Runs every fuzz target of the program, one after the other, each for FUZZTIME (30s). Names of
# targets as arguments choose among them.
set -eu
cd "$(dirname "$0")/.."
found=$(mktemp)
trap 'rm -f "$found"' EXIT
grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort >"$found"
[ -s "$found" ] || { echo "no fuzz target was found" >&2; exit 1; }
while IFS=: read -r file words; do
  name=${words#func }
  case " $* " in "  " | *" $name "*) ;; *) continue ;; esac
  echo "$(dirname "$file") $name"
  "${GO:-go}" test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-30s}" "$(dirname "$file")"
done <"$found"
