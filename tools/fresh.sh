#!/bin/bash
# Runs commands in a copy of this repository's HEAD on a fresh Debian 12: a folder that holds only
# Go, git, make and certificates, its own /tmp and home, no cache. As root:
#
#   tools/fresh.sh 'make up' 'bin/haprov up' 'bin/haprov down --yes'
#
# With PACKAGE=FILE.deb there is neither a copy nor Go: the package is installed as its users do it.
# RELEASE=trixie takes Debian 13.
#
#   PACKAGE=dist/haprov_1.2.0_amd64.deb RELEASE=trixie tools/fresh.sh 'haprov up' 'haprov down --yes'
#
# apt, certificates and Go's module proxy are configured as on this machine; nothing of that is
# kept. The folder is removed afterwards, or kept with KEEP=1.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
test "$(id -u)" = 0 || { echo "fresh.sh needs root: it makes a root file system" >&2; exit 1; }
command -v mmdebstrap >/dev/null || { echo "missing: apt-get install mmdebstrap" >&2; exit 1; }
test $# -gt 0 || set -- 'make up'
release=${RELEASE:-bookworm}
package=${PACKAGE:+$(realpath "$PACKAGE")}
include=git,make,ca-certificates
[ -z "$package" ] || include=ca-certificates

base=$(mktemp -d "${TMPDIR:-/var/tmp}/haprov-fresh.XXXXXX")
root=$base/root
trap '[ -n "${KEEP:-}" ] || rm -rf --one-file-system "$base"' EXIT

# This machine's own archives for the release, as deb lines.
sources=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
  awk -v r="$release" '($2 == r || $2 == r "-updates" || $2 == r "-security") && $3 == "main" && !seen[$0]++ { print "deb", $1, $2, $3 }')
# Of a release that is not this machine's, the archive is the same.
test -n "$sources" || sources=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
  awk -v r="$release" '$2 == "bookworm" && $3 == "main" { print "deb", $1, r, $3; exit }')
test -n "$sources" || sources="deb http://deb.debian.org/debian $release main"
echo "$sources" | mmdebstrap --quiet --variant=minbase --include=$include "$release" "$root" -

cp -a /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
rm -f "$root"/etc/apt/apt.conf.d/docker-*
for f in /etc/resolv.conf /etc/hosts; do cp -L "$f" "$root$f"; done
mkdir -p "$root/etc/apt/auth.conf.d" && cp -a /etc/apt/auth.conf.d/. "$root/etc/apt/auth.conf.d/" 2>/dev/null || :
mkdir -p "$root/etc/ssl/certs" && tar -C /etc/ssl/certs -ch . | tar -x -C "$root/etc/ssl/certs"
for f in ${SSL_CERT_FILE:-} ${GIT_SSL_CAINFO:-}; do install -D "$f" "$root$f"; done
if [ -n "$package" ]; then
  cp "$package" "$root/root/haprov.deb"
  printf '#!/bin/bash\nset -e\ncd /root\napt-get -q update >/dev/null\napt-get -y -q install ./haprov.deb >/dev/null\n' >"$root/root/run"
else
  cp -a "$(go env GOROOT)" "$root/usr/local/go"
  git -C "$repo" archive --format=tar HEAD | { mkdir -p "$root/root/haprov" && tar -x -C "$root/root/haprov"; }
  printf '#!/bin/bash\nset -e\ncd /root/haprov\ngit init -q . 2>/dev/null\n' >"$root/root/run"
fi
for c in "$@"; do
  printf 'echo %q; begun=$SECONDS; %s; echo "took $((SECONDS - begun)) s"\n' "== $c" "$c" >>"$root/root/run"
done
# Processes that outlive a command (a lab's supervisor and machines) end with the namespace.
unshare --mount --pid --fork --kill-child bash -euc '
  mount --bind "$1" "$1" # a root that is a mount, as on a machine: namespaces in there want it
  mount --rbind /dev "$1/dev"; mount -t proc proc "$1/proc"; mount -t sysfs -o ro sys "$1/sys"; mount -t tmpfs tmpfs "$1/tmp"
  exec chroot "$1" /usr/bin/env -i PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    GOPROXY="$2" GOSUMDB="$3" SSL_CERT_FILE="${SSL_CERT_FILE:-}" GIT_SSL_CAINFO="${GIT_SSL_CAINFO:-}" GOFLAGS=-buildvcs=false bash /root/run
' _ "$root" "$(go env GOPROXY)" "$(go env GOSUMDB)"
