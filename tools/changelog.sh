#!/bin/sh
# Writes the changelog to stdout, as Markdown: what is in changelog/unreleased under the version
# given, then each folder changelog/VERSION, the newest first. One file is one change, AREA-SLUG.md.
#
#   tools/changelog.sh 1.2.0
#
# After a release: git mv changelog/unreleased changelog/1.2.0
set -eu
cd "$(dirname "$0")/.."
test $# = 1 || { echo "changelog.sh: expected a version" >&2; exit 1; }
section() {
  echo "## $2"
  echo
  for f in "$1"/*.md; do
    test -s "$f" || continue
    # its first line is the list's item, the others are indented beneath it
    sed '1s/^/- /; 2,$s/^\(.\)/  \1/' "$f"
  done
  echo
}
echo "# Changes of haprov"
echo
test ! -d changelog/unreleased || section changelog/unreleased "$1"
for d in $(find changelog -mindepth 1 -maxdepth 1 -type d ! -name unreleased | sort -rV); do
  section "$d" "${d#changelog/}"
done
