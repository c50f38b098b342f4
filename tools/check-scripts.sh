#!/bin/sh
# Has shellcheck read every shell script of the repository. Templates of scripts are rendered and
# read by the tests of internal/config, scripts that kinds write by those of internal/kind.
set -eu
cd "$(dirname "$0")/.."
command -v shellcheck >/dev/null || { echo "shellcheck is missing: make deps installs it" >&2; exit 1; }
# Found by their first line; documents of the tests are not scripts of the project.
list=$(find . \( -name .git -o -name bin -o -name testdata -o -name '*.tmpl' \) -prune -o -type f -size -200k -print |
  while IFS= read -r f; do
    # Binary files have NUL bytes in their first line.
    case $(head -c 64 "$f" | tr '\000' ' ' | head -n 1) in
      '#!/bin/sh'* | '#!/bin/bash'* | '#!/usr/bin/env bash'*) echo "$f" ;;
    esac
  done)
test -n "$list"
# shellcheck disable=SC2086 # a list of files
shellcheck $list
