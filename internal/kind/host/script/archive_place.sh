#!/bin/sh
# Moves what archive_unpack.sh has unpacked to its place, and removes what an older archive had and
# this one has not. Runs as the owner of the files.
#
#   archive_place.sh FOLDER
#
# Standard input has the paths that older archives put there, sorted; standard output gets a line for
# each path of this one: type and mode, time of change, size, owner, path.
set -eu
export LC_ALL=C
cd / # where this was started may be closed to the owner
umask 022
folder=$1
new=$folder/.haprov-new
root=$new/0
cat >"$new/may"
find "$root" -type d -printf '%P\n' | while IFS= read -r d; do
  [ -d "$folder/$d" ] || mkdir -- "$folder/$d"
  find "$root/$d" -mindepth 1 -maxdepth 1 ! -type d -exec mv -f -t "$folder/$d" -- {} +
done
at=$(realpath -- "$folder")
comm -23 -- "$new/may" "$new/paths" | while IFS= read -r p; do
  # A folder that has become a link since leads to files that no archive brought.
  case $(realpath -m -- "$folder/$(dirname -- "$p")")/ in
  "$at"/*) [ -d "$folder/$p" ] || rm -f -- "$folder/$p" ;;
  esac
done
cd -- "$folder"
tr '\n' '\0' <.haprov-new/paths | xargs -0 -r stat -c '%f %Y %s %U:%G %n' --
rm -rf -- .haprov-new
