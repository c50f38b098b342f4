#!/bin/sh
# Packages that were downloaded stay on this machine, for the next image.
#   debs.sh in ROOT WORK     before the first package is asked for: what WORK/debs holds is there
#   debs.sh out ROOT WORK    at the end: WORK/debs holds what was downloaded, too; ROOT names no archive
set -eu
root=$2 debs=$3/debs
archives=$root/var/cache/apt/archives
case $1 in
in)
	mkdir -p "$archives/partial"
	find "$debs" -name '*.deb' -exec cp -t "$archives" -- {} +
	;;
out)
	find "$root/var/cache" -name '*.deb' -exec cp -n -t "$debs" -- {} +
	chmod -R a+rX "$debs"
	rm -f "$root/etc/apt/sources.list"
	;;
esac
