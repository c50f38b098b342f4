#!/bin/bash
# Runs commands in a copy of this repository's HEAD on a fresh Debian 12: a folder that holds only
# Go, git, make and certificates, its own /tmp and home, no cache. As root:
#
#   tools/fresh.sh 'make up' 'bin/haprov up' 'bin/haprov down --yes'
#
# apt, certificates and Go's module proxy are configured as on this machine; nothing of that is
# kept. The folder is removed afterwards, or kept with KEEP=1.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
test "$(id -u)" = 0 || { echo "fresh.sh needs root: it makes a root file system" >&2; exit 1; }
command -v mmdebstrap >/dev/null || { echo "missing: apt-get install mmdebstrap" >&2; exit 1; }
test $# -gt 0 || set -- 'make up'

base=$(mktemp -d "${TMPDIR:-/var/tmp}/haprov-fresh.XXXXXX")
root=$base/root
trap '[ -n "${KEEP:-}" ] || rm -rf --one-file-system "$base"' EXIT

# This machine's own archives for the release, as deb lines.
sources=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
  awk '$2 ~ /^(bookworm|bookworm-updates|bookworm-security)$/ && $3 == "main" && !seen[$0]++ { print "deb", $1, $2, $3 }')
test -n "$sources" || sources="deb http://deb.debian.org/debian bookworm main"
echo "$sources" | mmdebstrap --quiet --variant=minbase --include=git,make,ca-certificates bookworm "$root" -

cp -a /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
rm -f "$root"/etc/apt/apt.conf.d/docker-*
for f in /etc/resolv.conf /etc/hosts; do cp -L "$f" "$root$f"; done
mkdir -p "$root/etc/apt/auth.conf.d" && cp -a /etc/apt/auth.conf.d/. "$root/etc/apt/auth.conf.d/" 2>/dev/null || :
mkdir -p "$root/etc/ssl/certs" && tar -C /etc/ssl/certs -ch . | tar -x -C "$root/etc/ssl/certs"
for f in ${SSL_CERT_FILE:-} ${GIT_SSL_CAINFO:-}; do install -D "$f" "$root$f"; done
cp -a "$(go env GOROOT)" "$root/usr/local/go"
git -C "$repo" archive --format=tar HEAD | { mkdir -p "$root/root/haprov" && tar -x -C "$root/root/haprov"; }

printf '#!/bin/bash\nset -e\ncd /root/haprov\ngit init -q . 2>/dev/null\n' >"$root/root/run"
for c in "$@"; do
  printf 'echo %q; begun=$SECONDS; %s; echo "took $((SECONDS - begun)) s"\n' "== $c" "$c" >>"$root/root/run"
done
# Processes that outlive a command (a lab's supervisor and machines) end with the namespace.
unshare --mount --pid --fork --kill-child bash -euc '
  mount --rbind /dev "$1/dev"; mount -t proc proc "$1/proc"; mount -t sysfs -o ro sys "$1/sys"; mount -t tmpfs tmpfs "$1/tmp"
  exec chroot "$1" /usr/bin/env -i PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    GOPROXY="$2" GOSUMDB="$3" SSL_CERT_FILE="${SSL_CERT_FILE:-}" GIT_SSL_CAINFO="${GIT_SSL_CAINFO:-}" GOFLAGS=-buildvcs=false bash /root/run
' _ "$root" "$(go env GOPROXY)" "$(go env GOSUMDB)"
