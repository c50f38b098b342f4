#!/bin/sh
# Which of test/vm's long suites runs today, after the core. Every one has its day within as many
# days as there are.
#
#   tools/suites.sh [BEGAN]   the arguments for make test-vm; nothing when tests that began at BEGAN
#                             (seconds since 1970) have taken so long that it would be too much
#   tools/suites.sh left-out  the suites that do not run today, each with its command
#
# SUITE_TODAY=NAME or none overrides the choice; TODAY=N is another day's number.
set -eu
all='galera kills drills starve stacks box libvirt calibrate arbiter rotate debian13 upgrade backup documents mysql repair vagrant replace mysql-drbd'
enough=2700 # a suite takes up to 25 minutes, on a slow machine 40
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
took=$(($(date +%s) - ${1:-$(date +%s)}))
if [ "$took" -gt "$enough" ] && [ -z "${SUITE_TODAY:-}" ]; then
  echo "left out today: suite $name, for the tests before it took $((took / 60)) minutes (make test-vm SUITE=$name)" >&2
  exit 0
fi
case $name in
none) ;;
kills) echo SUITE=kills KILLS=12 ;; # all 50 take 38 minutes
starve) echo SUITE=starve ROUNDS=6 ;; # all 50 take hours
mysql-drbd) echo SUITE=mysql-drbd ;; # the core has run a part of the same test
*) echo "SUITE=$name WITHOUT=core" ;;
esac
