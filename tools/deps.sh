#!/bin/sh
# Installs the Debian packages that the tests need and that are missing, and those that are named:
# as root, or with sudo.
set -eu
missing=
# gcc and libc6-dev: the race detector links with them. nftables and iproute2: the firewalls are
# tried in network namespaces. uidmap: one test makes machines as an ordinary user. shellcheck: make
# check and the tests read the scripts with it. postgresql and mariadb-server: haprov sql and the clients
# of drills are tried against real servers. prometheus: promtool reads the metrics and tries the alerts.
# fence-agents, openipmi and ipmitool: a fence agent is tried against a simulated service processor;
# libvirt-daemon, libvirt-clients, fence-virt and fence-virtd: those of virtual machines against libvirt.
# xfsprogs: a volume's file system is made and read again. mariadb-backup and restic: the hosts' script
# of backups runs with the real programs. keepalived reads the recipe's file. corosync-qnetd and
# corosync-qdevice: an arbiter signs its members' certificates. pacemaker-cli-utils: its tools judge and change configurations. bzip2, unzip, xz-utils and zstd: archives are unpacked by them.
for p in openssh-server openssh-client gcc libc6-dev nftables iproute2 uidmap shellcheck postgresql prometheus fence-agents openipmi ipmitool libvirt-daemon libvirt-clients fence-virt fence-virtd xfsprogs mariadb-server mariadb-backup restic bzip2 unzip xz-utils zstd keepalived corosync corosync-qnetd corosync-qdevice libnss3-tools pacemaker-cli-utils "$@"; do
  dpkg-query -W -f='${db:Status-Abbrev}' "$p" 2>/dev/null | grep -q '^ii' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
as=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "missing packages, install them first: apt-get install$missing" >&2; exit 1; }
  as=sudo
fi
echo "installing:$missing"
# Nothing that is installed here is started.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap '$as rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' | $as tee $policy >/dev/null; $as chmod 755 $policy
fi
$as apt-get -q update
# shellcheck disable=SC2086 # a list of packages
$as env DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends install $missing
