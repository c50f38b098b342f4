#!/bin/bash
# Builds this machine's part of a release twice and fails unless both are the same bytes, the package
# holds what it promises, and what is in it runs. Nothing is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
arch=$(dpkg --print-architecture)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1750000000} # also without a history
for n in 1 2; do
  OUT=$dir/$n VERSION=0.0.1~test tools/release.sh "$arch" >/dev/null
done
diff -r "$dir/1" "$dir/2" || { echo "two builds differ" >&2; exit 1; }
(cd "$dir/1" && sha256sum --quiet --check SHA256SUMS)

deb=$dir/1/haprov_0.0.1~test_$arch.deb
test "$(dpkg-deb -f "$deb" Package Version Architecture)" = "Package: haprov
Version: 0.0.1~test
Architecture: $arch" || { dpkg-deb -f "$deb"; exit 1; }
test -z "$(dpkg-deb -f "$deb" Depends)" || { echo "the binary is static: it depends on nothing" >&2; exit 1; }
listed=$(dpkg-deb -c "$deb")
for f in bin/haprov share/man/man1/haprov.1.gz share/man/man1/haprov-up.1.gz share/bash-completion/completions/haprov \
  share/zsh/vendor-completions/_haprov share/fish/vendor_completions.d/haprov.fish share/doc/haprov/copyright \
  share/doc/haprov/changelog.gz share/doc/haprov/README.md share/doc/haprov/reference/kinds.md \
  share/doc/haprov/inventory/mysql-drbd.hcl share/doc/haprov/monitoring/alerts.yml share/doc/haprov/recipes/galera.hcl share/doc/haprov/templates/fence_haprov; do
  grep -q " \./usr/$f\$" <<<"$listed" || { echo "the package has no /usr/$f" >&2; exit 1; }
done
bad=$(awk '$2 != "root/root" || $1 ~ /^.....w/ || $1 ~ /^........w/' <<<"$listed")
test -z "$bad" || { echo "owner or mode:"; echo "$bad"; exit 1; } >&2
dpkg-deb -x "$deb" "$dir/root"
case $("$dir/root/usr/bin/haprov" version) in
"haprov 0.0.1~test "*) ;;
*) "$dir/root/usr/bin/haprov" version; exit 1 ;;
esac
! file -L "$dir/root/usr/bin/haprov" 2>/dev/null | grep -q 'dynamically linked' || { echo "the binary is not static" >&2; exit 1; }
grep -q '"bomFormat": "CycloneDX"' "$dir"/1/*.cdx.json
grep -q 'github.com/hashicorp/hcl/v2' "$dir"/1/*.cdx.json
echo "release: two builds alike, the package is complete"
