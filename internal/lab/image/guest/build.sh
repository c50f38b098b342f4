#!/bin/sh
# Runs as mmdebstrap's last hook, as (real or mapped) root: makes an installed Debian a lab image.
#   build.sh ROOT WORK SIZE PACKAGE...
# WORK holds the files of this folder (guest/), the kernel's modules (modules/, for a kernel that
# is not a package), and receives root.ext4, vmlinuz and initrd. With vagrant.pub in it the image is
# a Vagrant box's; see box.sh.
set -eu
root=$1 work=$2 size=$3
shift 3

# -- packages the recipes will ask for: a repository in the image itself. file: lets apt install
# without a copy and without a network; trusted, because apt checked each package's signature
# when it was fetched, and nothing but this script writes there.
repo=/var/cache/haprov/repo
archives=/var/cache/apt/archives
mkdir -p "$root$repo/partial"
apt() { chroot "$root" apt-get -q -y "$@"; }
# fetch PACKAGE...: into the repository, with all that they need and what is installed lacks.
fetch() {
	apt -o Dir::Cache::archives="$repo" --print-uris install "$@" | awk '/^\047/ { print $2 }' >"$work/wanted"
	while read -r deb; do
		[ ! -e "$root$archives/$deb" ] || ln -f "$root$archives/$deb" "$root$repo/$deb"
	done <"$work/wanted"
	apt -o Dir::Cache::archives="$repo" --download-only install "$@"
}
if [ $# -eq 0 ]; then
	:
elif apt -s install "$@" >"$work/simulated" 2>/dev/null; then
	echo "haprov: fetching the recipes' packages"
	# Their libraries and Python modules are installed at once: they set up nothing, and take half
	# the time that an installation in a machine would. What has a service or a configuration of
	# its own, and what a recipe names, is left to the recipes.
	named=" $* "
	libraries=$(awk '$1 == "Inst" { print $2 }' "$work/simulated" | xargs -r chroot "$root" apt-cache show --no-all-versions |
		awk -v named="$named" '/^Package: / { name = $2 }
			/^Section: (libs|oldlibs|python|perl)$/ && !index(named, " " name " ") { print name }')
	# shellcheck disable=SC2086
	[ -z "$libraries" ] || apt install $libraries
	fetch "$@"
else
	# Not all of them can be on one machine, or some are not in the archive.
	echo "haprov: fetching the recipes' packages one by one"
	for package; do
		fetch "$package" || echo "haprov: Debian's archive has no package $package that can be installed"
	done
fi
rm -rf "$root$repo/partial" "$root$repo/lock"
sh "$work/guest/debs.sh" out "$root" "$work"
(cd "$root$repo" && apt-ftparchive -o APT::FTPArchive::AlwaysStat=true packages . >Packages && apt-ftparchive release . >Release)
rm -rf "$root"/var/lib/apt/lists/* "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
mkdir -p "$root/var/lib/apt/lists/partial"
echo "deb [trusted=yes] file:$repo ./" >"$root/etc/apt/sources.list.d/haprov.list"
chroot "$root" apt-get -q update

# -- settings
install -D -m 0755 "$work/guest/init" "$root/usr/lib/haprov/init"
cat >"$root/etc/apt/apt.conf.d/90haprov" <<'CONF'
APT::Install-Recommends "false";
Acquire::Languages "none";
Dpkg::Use-Pty "false";
Acquire::PDiffs "false";
Acquire::http::Timeout "120";
CONF
# The archive is made of packages that can be installed again; a database's own files are never
# written by dpkg, so this does not weaken what a power cut must prove.
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/haprov"
cat >"$root/etc/dpkg/dpkg.cfg.d/haprov-paths" <<'CONF'
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/info/*
CONF
echo 'LABEL=haprov-root / ext4 noatime 0 1' >"$root/etc/fstab"
rm -f "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$root"/etc/ssh/ssh_host_* "$root/etc/hostname"
: >"$root/etc/machine-id"
mkdir -p "$root/etc/ssh/sshd_config.d" "$root/etc/systemd/journald.conf.d" "$root/etc/systemd/network" "$root/root/.ssh"
chmod 0700 "$root/root/.ssh"
cat >"$root/etc/ssh/sshd_config.d/haprov.conf" <<'CONF'
PermitRootLogin prohibit-password
PasswordAuthentication no
UseDNS no
MaxSessions 64
MaxStartups 64
CONF
cat >"$root/etc/systemd/journald.conf.d/haprov.conf" <<'CONF'
[Journal]
Storage=persistent
SystemMaxUse=64M
CONF
# A vector NIC has no name the kernel could predict, and the command line says net.ifnames=0.
ln -sf /dev/null "$root/etc/systemd/network/99-default.link"

link() { mkdir -p "$root/etc/systemd/system/$2.wants" && ln -sf "/lib/systemd/system/$1" "$root/etc/systemd/system/$2.wants/$1"; }
link ssh.service multi-user.target
link systemd-networkd.service multi-user.target
for unit in apt-daily.timer apt-daily-upgrade.timer apt-daily.service apt-daily-upgrade.service dpkg-db-backup.timer \
	e2scrub_all.timer e2scrub_reap.service fstrim.timer man-db.timer systemd-networkd-wait-online.service \
	systemd-timesyncd.service systemd-pstore.service getty@tty1.service systemd-firstboot.service rescue-ssh.target; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"

# -- kernel
if [ -d "$work/modules" ]; then
	mkdir -p "$root/lib/modules"
	cp -r "$work/modules/." "$root/lib/modules/"
	for version in "$work"/modules/*; do chroot "$root" depmod "${version##*/}"; done
else
	cp -L "$root/vmlinuz" "$work/vmlinuz"
	cp -L "$root/initrd.img" "$work/initrd"
	chmod 0644 "$work/vmlinuz" "$work/initrd"
	[ -e "$work/vagrant.pub" ] || rm -f "$root"/boot/initrd.img-*
fi

rm -rf "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root"/usr/share/info/* \
	"$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/log/apt/* "$root"/var/log/dpkg.log
rm -f "$root/etc/resolv.conf"
: >"$root/etc/resolv.conf"
[ ! -e "$work/vagrant.pub" ] || sh "$work/guest/box.sh" "$root" "$work"

echo "haprov: writing the disk"
# A second view of the root without what is mounted in it (proc, sys, dev).
mkdir "$work/bare"
mount --bind "$root" "$work/bare"
mke2fs -q -t ext4 -L haprov-root -m 1 -E lazy_itable_init=1,root_owner=0:0 -d "$work/bare" "$work/root.ext4" "$size"
umount "$work/bare"
rmdir "$work/bare"
chmod 0644 "$work/root.ext4"
