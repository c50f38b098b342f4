#!/bin/bash
# How the benchmark starts haprov: tool.sh SCENARIO (first, noop, change, check, big, bignoop).
# GEN is the folder of the generated plays, STATE the benchmark's own; gen.py filled $GEN/haprov.
# HAPROV is the binary; unset: the one that `make build` made here.
here=$(cd "$(dirname "$0")/../.." && pwd)
: "${HAPROV:=$here/bin/haprov}"
: "${GEN:?}" "${STATE:?}"
export HAPROV_STATE=$GEN/haprov/state
case $1 in
  big*)
    mkdir -p "$GEN/haprov/big/files"
    ln -f "$STATE/big.bin" "$GEN/haprov/big/files/big.bin"
    exec "$HAPROV" up --yes -i "$GEN/haprov/big/inventory.hcl" ;;
  check) exec "$HAPROV" plan -i "$GEN/haprov/inventory.hcl" ;;
  *) exec "$HAPROV" up --yes -i "$GEN/haprov/inventory.hcl" ;;
esac
