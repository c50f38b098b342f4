#!/bin/sh
# Fails when docs/reference, docs/lint.md, docs/man or docs/completions are not what `make generate` writes.
set -eu
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
${GO:-go} run ./cmd/haprov reference "$fresh"
for d in reference lint.md man completions; do
  diff -ru "docs/$d" "$fresh/$d" || { echo "docs/$d is not what the program says: run make generate" >&2; exit 1; }
done
