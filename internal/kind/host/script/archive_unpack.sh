#!/bin/sh
# Unpacks an archive into a folder of its own below the one that it is for, and refuses whatever could
# reach out of it. Runs as the owner of the files.
#
#   archive_unpack.sh FOLDER BYTES STRIP <ARCHIVE 3<PATHS
#
# PATHS are those that an archive may replace in FOLDER, sorted; standard output gets those of this
# one, sorted. What was unpacked is below FOLDER/.haprov-new/0.
set -eu
export LC_ALL=C
cd / # where this was started may be closed to the owner
umask 022
folder=$1 limit=$2 strip=$3
new=$folder/.haprov-new
packed=$new/packed
refuse() {
  rm -rf -- "$new"
  printf '%s\n' "$*" >&2
  exit 1
}
tool() { command -v "$1" >/dev/null || refuse "$1 is not there: package $2"; }

rm -rf -- "$new"
mkdir -m 0700 -- "$new"
cat <&3 >"$new/may"
cat >"$packed"
root=$new/0
mkdir -- "$root"
ulimit -f $((limit / 512 + 1))

# bounded passes on what it reads, up to the limit; what comes after it makes the archive incomplete.
bounded() {
  head -c "$limit"
  [ "$(head -c 1 | wc -c)" = 0 ] || echo "the archive unpacks to more than $limit bytes" >&2
}
untar() { bounded | tar -x -f - -C "$root" --no-same-owner --no-same-permissions || refuse 'the archive was not unpacked'; }
case $(od -An -N4 -tx1 -- "$packed" | tr -d ' \n') in
1f8b*) gzip -dc <"$packed" | untar ;;
425a68*) tool bzip2 bzip2 && bzip2 -dc <"$packed" | untar ;;
fd377a58) tool xz xz-utils && xz -dc <"$packed" | untar ;;
28b52ffd) tool zstd zstd && zstd -dc <"$packed" | untar ;;
504b0304)
  tool unzip unzip
  total=$(unzip -Zt "$packed" | tail -n 1 | cut -d ' ' -f 3)
  [ "$total" -le "$limit" ] || refuse "the archive unpacks to more than $limit bytes"
  unzip -q -d "$root" "$packed" </dev/null >&2 || refuse 'the archive was not unpacked'
  ;;
*) untar <"$packed" ;;
esac

chmod -R a-st,u=rwX,go=rX -- "$root"
bad=$(find "$root" ! -type f ! -type d ! -type l -print -quit)
[ -z "$bad" ] || refuse "it holds what is no file, folder or link: ${bad#"$root/"}"
[ -z "$(find "$root" -name '*[[:cntrl:]]*' -print -quit)" ] || refuse 'it holds a name with a line break or the like'

while [ "$strip" -gt 0 ]; do
  inner=$(find "$root" -mindepth 1 -maxdepth 1)
  [ -d "$inner" ] && [ ! -L "$inner" ] || refuse 'strip: expected one folder that holds all the rest'
  mv -T -- "$inner" "$new/1"
  rmdir -- "$root"
  mv -T -- "$new/1" "$root"
  strip=$((strip - 1))
done

at=$(realpath -- "$root")
find "$root" -type l | while IFS= read -r link; do
  to=$(readlink -- "$link")
  case $to in /*) refuse "a link leads out of the folder: ${link#"$root/"} -> $to" ;; esac
  case $(realpath -m -- "$link")/ in
  "$at"/*) ;;
  *) refuse "a link leads out of the folder: ${link#"$root/"} -> $to" ;;
  esac
done

# What is in the way stays: a link for a folder, a folder for a file, a file that no archive put there. In a
# folder of somebody else, names may change meanwhile.
find "$root" -mindepth 1 -type d -printf '%P\n' | while IFS= read -r p; do
  if [ -L "$folder/$p" ] || { [ -e "$folder/$p" ] && [ ! -d "$folder/$p" ]; }; then
    refuse "$folder/$p is there already, and is no folder"
  fi
  [ ! -d "$folder/$p" ] || printf '%s\n' "$p"
done >"$new/folders"
cd -- "$folder"
strange=$(tr '\n' '\0' <"$new/folders" | xargs -0 -r stat -c '%u %n' -- | grep -v "^$(id -u) " | head -n 1 | cut -d ' ' -f 2-)
[ -z "$strange" ] || refuse "$folder/$strange is there already, and belongs to somebody else"
find "$root" ! -type d -printf '%P\n' | sort >"$new/paths"
[ -s "$new/paths" ] || refuse 'the archive holds no file'
while IFS= read -r p; do
  [ ! -e "$folder/$p" ] && [ ! -L "$folder/$p" ] || printf '%s\n' "$p"
done <"$new/paths" >"$new/there"
while IFS= read -r p; do
  [ ! -d "$folder/$p" ] || [ -L "$folder/$p" ] || refuse "$folder/$p is there already, and is a folder"
done <"$new/there"
comm -23 -- "$new/there" "$new/may" | while IFS= read -r p; do
  [ ! -L "$folder/$p" ] && [ ! -L "$root/$p" ] && cmp -s -- "$folder/$p" "$root/$p" || refuse "$folder/$p is there already, and another archive or somebody else put it there"
done
cat -- "$new/paths"
