#!/bin/sh
# Makes of an image's root what a Vagrant box wants: a boot loader, the user vagrant, DHCP.
#   box.sh ROOT WORK
# WORK/vagrant.pub is Vagrant's well-known key, which Vagrant replaces at the first boot. WORK
# receives boot.img and core.img, for the master boot record and the gap behind it.
set -eu
root=$1 work=$2

# -- the user that Vagrant logs in as (developer.hashicorp.com/vagrant/docs/boxes/base)
chroot "$root" useradd --create-home --shell /bin/bash vagrant
install -d -m 0700 "$root/home/vagrant/.ssh"
install -m 0600 "$work/vagrant.pub" "$root/home/vagrant/.ssh/authorized_keys"
chroot "$root" chown -R vagrant:vagrant /home/vagrant/.ssh
echo 'vagrant ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/vagrant"
chmod 0440 "$root/etc/sudoers.d/vagrant"
echo localhost >"$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 localhost.localdomain\n::1 localhost ip6-localhost\n' >"$root/etc/hosts"

# -- host keys are each machine's own: made at its first boot
mkdir -p "$root/etc/systemd/system/ssh.service.d"
cat >"$root/etc/systemd/system/ssh.service.d/host-keys.conf" <<'CONF'
[Service]
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -A
ExecStartPre=/usr/sbin/sshd -t
CONF

# -- the first interface is Vagrant's, with DHCP; the others it configures by itself
cat >"$root/etc/systemd/network/10-first.network" <<'CONF'
[Match]
Name=eth0
[Network]
DHCP=yes
CONF
chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install systemd-resolved
rm -f "$root/etc/resolv.conf" "$root/etc/systemd/system/systemd-timesyncd.service" "$root/etc/systemd/system/getty@tty1.service"
ln -s /run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"

# -- Debian's own archive, after the packages that are at hand
suite=$(sed -n "s/^VERSION_CODENAME=//p" "$root/etc/os-release")
cat >"$root/etc/apt/sources.list.d/debian.sources" <<CONF
Types: deb
URIs: https://deb.debian.org/debian
Suites: $suite $suite-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: https://deb.debian.org/debian-security
Suites: $suite-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
CONF

# -- GRUB, whose modules and configuration lie on the root file system. grub-mkimage writes the
# core's own length into its first sector and expects the rest in the sectors that follow, so it
# can be put behind the boot record by copying; no device is asked for.
mkdir -p "$root/boot/grub/i386-pc"
cp "$root"/usr/lib/grub/i386-pc/*.mod "$root"/usr/lib/grub/i386-pc/*.lst "$root/boot/grub/i386-pc/"
chroot "$root" grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' -o /boot/grub/core.img biosdisk part_msdos ext2 normal linux
cp "$root/boot/grub/core.img" "$root/usr/lib/grub/i386-pc/boot.img" "$work/"
cat >"$root/etc/default/grub" <<'CONF'
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="net.ifnames=0 console=tty0 console=ttyS0"
GRUB_TERMINAL="console serial"
CONF
# The links /vmlinuz and /initrd.img lead to the newest kernel that is installed.
cat >"$root/boot/grub/grub.cfg" <<'CONF'
set timeout=0
menuentry "Debian" {
	linux /vmlinuz root=LABEL=haprov-root ro net.ifnames=0 console=tty0 console=ttyS0
	initrd /initrd.img
}
CONF
