#!/bin/bash
# Builds a release into dist/: static binaries and Debian packages for amd64 and arm64, what each
# binary is made of (CycloneDX), the changelog, and SHA256SUMS over all of them.
#
#   tools/release.sh              every architecture
#   tools/release.sh amd64        this one alone
#
# VERSION is what it is called; without it, one is made of the commit that sorts before every
# release (0.0.0~DATE.COMMIT). SOURCE_DATE_EPOCH is every date in it, the commit's by default. Two
# builds of one commit by one version of Go give the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022
export LC_ALL=C TZ=UTC CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOAMD64=v1 GOARM64=v8.0
go=${GO:-go} out=${OUT:-dist}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
day=$(date -d "@$SOURCE_DATE_EPOCH" +%Y%m%d)
export VERSION=${VERSION:-0.0.0~$day.$(git log -1 --format=%h --abbrev=10)}
# Debian Policy 5.6.12: digits first, and no hyphen, which would begin a revision
[[ $VERSION =~ ^[0-9][A-Za-z0-9.+~]*$ ]] || { echo "VERSION=$VERSION: expected digits first, then letters, digits and . + ~, such as 1.2.0 or 1.2.0~rc1" >&2; exit 1; }
[ $# -gt 0 ] || set -- amd64 arm64
for ARCH; do
  case $ARCH in amd64 | arm64) ;; *) echo "$ARCH: expected amd64 or arm64" >&2; exit 1 ;; esac
done

rm -rf "$out"
mkdir -p "$out"
stages=$(mktemp -d)
trap 'rm -rf "$stages"' EXIT
tool() { $go tool -modfile=tools/release/go.mod "$@"; }

tools/changelog.sh "$VERSION" >"$out/CHANGELOG.md"
for ARCH; do
  export ARCH STAGE=$stages/$ARCH
  binary=$out/haprov_${VERSION}_linux_$ARCH
  GOOS=linux GOARCH=$ARCH $go build -trimpath -ldflags "-s -w -buildid= -X haprov/internal/cli.version=$VERSION" -o "$binary" ./cmd/haprov

  doc=$STAGE/usr/share/doc/haprov
  install -D "$binary" "$STAGE/usr/bin/haprov"
  install -D -m 644 -t "$STAGE/usr/share/man/man1" docs/man/*.1
  install -D -m 644 docs/completions/haprov.bash "$STAGE/usr/share/bash-completion/completions/haprov"
  install -D -m 644 -t "$STAGE/usr/share/zsh/vendor-completions" docs/completions/_haprov
  install -D -m 644 -t "$STAGE/usr/share/fish/vendor_completions.d" docs/completions/haprov.fish
  install -D -m 644 -t "$doc" README.md SECURITY.md docs/*.md
  install -D -m 644 -t "$doc/reference" docs/reference/*.md
  install -D -m 644 -t "$doc/monitoring" docs/monitoring/*.yml
  for d in inventory recipes templates; do install -D -m 644 -t "$doc/$d" "$d"/*; done
  install -D -m 644 packaging/copyright "$doc/copyright"
  install -m 644 "$out/CHANGELOG.md" "$doc/changelog"
  gzip -9n "$STAGE"/usr/share/man/man1/*.1 "$doc/changelog" # Debian Policy 12.1, 12.7
  find "$STAGE" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

  tool nfpm package --config packaging/nfpm.yaml --packager deb --target "$out/haprov_${VERSION}_$ARCH.deb"
  tool cyclonedx-gomod bin -json -licenses=false -noserial -notimestamp -output "$binary.cdx.json" "$binary"
done
(cd "$out" && sha256sum -- * >SHA256SUMS)
touch -d "@$SOURCE_DATE_EPOCH" "$out"/*
ls -l "$out"
