#!/bin/sh
# Which suites of test/vm run today: the core, and in turn one of those that would make each run too
# long. Every one has its day within as many days as there are.
#
#   tools/suites.sh           the arguments for make test-vm
#   tools/suites.sh left-out  the suites that do not run today, each with its command
#
# SUITE_TODAY=NAME or none overrides the choice; TODAY=N is another day's number.
set -eu
all='galera kills drills starve stacks box libvirt calibrate arbiter rotate debian13 upgrade backup documents mysql repair vagrant replace'
today=${TODAY:-$(($(date +%s) / 86400))}
name=${SUITE_TODAY:-}
if [ -z "$name" ]; then
  # shellcheck disable=SC2086 # a list of names
  set -- "${1:-}" $all
  n=$((today % ($# - 1)))
  first=$1
  shift $((n + 1))
  name=$1
  set -- "$first"
fi
case " $all none " in
*" $name "*) ;;
*) echo "SUITE_TODAY=$name: expected none or one of: $all" >&2; exit 1 ;;
esac
if [ "${1:-}" = left-out ]; then
  for s in $all; do
    [ "$s" = "$name" ] || echo "left out today: suite $s (make test-vm SUITE=$s)"
  done
  [ "$name" != kills ] || echo "left out today: most of suite kills, 12 of 50 run (make test-vm SUITE=kills)"
  [ "$name" != drills ] || echo "left out today: drills that are not quick (make test-vm SUITE=drills DRILLS=full)"
  [ "$name" != starve ] || echo "left out today: most of suite starve, 6 of 50 rounds run (make test-vm SUITE=starve)"
  exit 0
fi
case $name in
none) echo SUITE=core ;;
kills) echo SUITE=core,kills KILLS=12 ;; # all 50 take 38 minutes
starve) echo SUITE=core,starve ROUNDS=6 ;; # all 50 take hours
*) echo "SUITE=core,$name" ;;
esac
