package lint

import (
	"path"
	"strings"

	"haprov/internal/shell"
)

// Source is one thing that facts are read from: a file of the host, or what a command says. Its name is
// that of the file in a collected folder.
type Source struct {
	Name  string   // or a pattern, as path.Match has it
	About string   // what is in it
	Files []string // on the host, patterns of the shell; empty: the answer to Shell
	Shell string   // a command that only reads
	Tool  string   // the program that must be there
}

// Sources is all of them. Nothing in it writes, on any host.
var Sources = []Source{
	{Name: "corosync.conf", About: "Corosync's configuration", Files: []string{"/etc/corosync/corosync.conf"}},
	{Name: "corosync-cmapctl.txt", About: "what the running Corosync was configured with", Shell: "corosync-cmapctl", Tool: "corosync-cmapctl"},
	{Name: "corosync-qdevice-tool.txt", About: "the quorum device as the node sees it", Shell: "corosync-qdevice-tool -s", Tool: "corosync-qdevice-tool"},
	{Name: "cib.xml", About: "Pacemaker's configuration: of cibadmin -Q, pcs cluster cib, or /var/lib/pacemaker/cib/cib.xml", Shell: "cibadmin -Q -l", Tool: "cibadmin"},
	{Name: "crm_mon.xml", About: "Pacemaker's state", Shell: "crm_mon -1 -r --output-as=xml", Tool: "crm_mon"},
	{Name: "crm_verify.txt", About: "what crm_verify -V says of the configuration without its status section, and a last line with its exit status: exit 0", Shell: verifyShell, Tool: "crm_verify"},
	{Name: "fence-history.xml", About: "which fencings there were", Shell: "stonith_admin --history '*' --verbose --output-as=xml", Tool: "stonith_admin"},
	{Name: "*.res", About: "DRBD's resources", Files: []string{"/etc/drbd.d/*.res"}},
	{Name: "drbd.conf", About: "DRBD's main file", Files: []string{"/etc/drbd.conf"}},
	{Name: "global_common.conf", About: "DRBD's common section", Files: []string{"/etc/drbd.d/*.conf"}},
	{Name: "drbd-proc.txt", About: "/proc/drbd: the module's version, and its state with version 8.4", Shell: "cat /proc/drbd", Tool: "drbdadm"},
	{Name: "drbd-module.txt", About: "two lines: loaded VERSION, file VERSION", Shell: "echo \"loaded $(cat /sys/module/drbd/version)\"; echo \"file $(modinfo -F version drbd)\"", Tool: "drbdadm"},
	{Name: "drbd-verified.txt", About: "a line now SECONDS, a line since SECONDS, how far the journal goes back, and a line MINOR SECONDS for each comparison that the kernel's log tells of; all since 1970", Shell: verifiedShell, Tool: "drbdadm"},
	{Name: "*.cnf", About: "MariaDB's option files", Files: []string{"/etc/my.cnf", "/etc/my.cnf.d/*.cnf", "/etc/mysql/my.cnf", "/etc/mysql/mariadb.cnf", "/etc/mysql/conf.d/*.cnf", "/etc/mysql/mariadb.conf.d/*.cnf"}},
	{Name: "variables.tsv", About: "SHOW GLOBAL VARIABLES, name and value parted by a tab (mariadb -N -B)", Shell: "mariadb -N -B -e 'SHOW GLOBAL VARIABLES' 2>&1", Tool: "mariadb"},
	{Name: "status.tsv", About: "SHOW GLOBAL STATUS in the same form", Shell: "mariadb -N -B -e 'SHOW GLOBAL STATUS' 2>&1", Tool: "mariadb"},
	{Name: "tables.tsv", About: "users' tables that are not of InnoDB or have no primary key: schema, name, engine, and 1 or 0 for the key", Shell: "mariadb -N -B -e " + shell.Quote(tablesSQL) + " 2>&1", Tool: "mariadb"},
	{Name: "schema.tsv", About: "users' databases: name, number of columns, and a sum over all their definitions", Shell: "mariadb -N -B -e " + shell.Quote(schemaSQL) + " 2>&1", Tool: "mariadb"},
	{Name: "accounts.tsv", About: "accounts without a password: user and host", Shell: "mariadb -N -B -e " + shell.Quote(accountsSQL) + " 2>&1", Tool: "mariadb"},
	{Name: "grastate.dat", About: "what a Galera member knows of its position", Files: []string{"/var/lib/mysql/grastate.dat"}},
	{Name: "haproxy*.cfg", About: "HAProxy's configuration, or any *.cfg in a folder haproxy", Files: []string{"/etc/haproxy/*.cfg"}},
	{Name: "haproxy-stat.csv", About: "show stat, of HAProxy's runtime socket", Shell: "for s in /run/haproxy/admin.sock /var/lib/haproxy/stats; do [ ! -S $s ] || exec socat -T5 - UNIX-CONNECT:$s; done <<'ASK'\nshow stat\nASK\nexit 1", Tool: "socat"},
	{Name: "keepalived.conf", About: "keepalived's configuration", Files: []string{"/etc/keepalived/keepalived.conf"}},
	{Name: "sbd", About: "SBD's settings", Files: []string{"/etc/default/sbd", "/etc/sysconfig/sbd"}},
	{Name: "fstab", About: "what is mounted at boot", Files: []string{"/etc/fstab"}},
	{Name: "logind.conf", About: "what the power key does", Files: []string{"/etc/systemd/logind.conf"}},
	{Name: "hostname", About: "the node's name: uname -n", Shell: "uname -n", Tool: "uname"},
	{Name: "machine.txt", About: "three lines: kernel RELEASE, memory KIB, cpus NUMBER", Shell: "echo \"kernel $(uname -r)\"; sed -n 's/^MemTotal: *\\([0-9]*\\).*/memory \\1/p' /proc/meminfo; echo \"cpus $(nproc)\"", Tool: "nproc"},
	{Name: "addresses.txt", About: "the host's addresses: ip -o addr", Shell: "ip -o addr", Tool: "ip"},
	{Name: "links.txt", About: "a line for each network interface: NAME SPEED, in Mbit/s", Shell: "for n in /sys/class/net/*; do s=$(cat \"$n/speed\" 2>/dev/null) && [ \"${s:--1}\" -gt 0 ] && echo \"${n##*/} $s\"; done; true", Tool: "sh"},
	{Name: "units.txt", About: "a line for each unit: NAME enabled|disabled|...", Shell: "for u in " + strings.Join(watchedUnits, " ") + "; do s=$(systemctl is-enabled $u 2>/dev/null); [ -z \"$s\" ] || [ \"$s\" = not-found ] || echo \"$u $s\"; done", Tool: "systemctl"},
	{Name: "packages.txt", About: "a line for each package: NAME VERSION", Shell: packagesShell, Tool: "sh"},
	{Name: "sysctl.txt", About: "lines of NAME = VALUE", Shell: "sysctl net.ipv4.ip_nonlocal_bind", Tool: "sysctl"},
	{Name: "clock.txt", About: "timedatectl show -p NTPSynchronized, and a line Virtualization= with what systemd-detect-virt prints", Shell: "timedatectl show -p NTPSynchronized; echo \"Virtualization=$(systemd-detect-virt)\"", Tool: "timedatectl"},
	{Name: "df.txt", About: "df -P -k -l", Shell: "df -P -k -l 2>/dev/null; true", Tool: "df"},
	{Name: "modes.txt", About: "a line for each file with a secret: MODE OWNER GROUP DIGEST NAME; the digest is SHA-256 of Corosync's key, - of others", Shell: modesShell, Tool: "stat"},
	{Name: "certificates.txt", About: "a line for each certificate: NAME|notBefore=...|notAfter=...", Shell: certificatesShell, Tool: "openssl"},
}

// verifyShell leaves the state out: crm_verify -L ends with 78 for a node that is away, too.
const verifyShell = `cib=$(cibadmin -Q -l) || exit
printf '%s\n' "$cib" | sed '/<status>/,/<\/status>/d' | crm_verify -V -p 2>&1
echo "exit $?"`

// tablesSQL lists what Galera cannot replicate well. A server with very many tables is not kept busy: it
// gives up before the client does.
const tablesSQL = "SET STATEMENT max_statement_time=8 FOR SELECT t.table_schema, t.table_name, t.engine, EXISTS(SELECT 1 FROM information_schema.table_constraints c WHERE c.table_schema=t.table_schema AND c.table_name=t.table_name AND c.constraint_type='PRIMARY KEY') AS k FROM information_schema.tables t WHERE t.table_type='BASE TABLE' AND t.table_schema NOT IN ('mysql','sys','information_schema','performance_schema') HAVING k=0 OR engine<>'InnoDB' LIMIT 1000"

// schemaSQL gives a number for each database that is the same where its tables are the same, whatever
// their order.
const schemaSQL = "SET STATEMENT max_statement_time=8 FOR SELECT table_schema, COUNT(*), SUM(CRC32(CONCAT_WS('|', table_name, column_name, ordinal_position, column_type, is_nullable, IFNULL(column_default, 'NONE'), column_key))) FROM information_schema.columns WHERE table_schema NOT IN ('mysql','sys','information_schema','performance_schema') GROUP BY table_schema"

// accountsSQL lists accounts that anybody may log in to. Roles and the locked mariadb.sys are none; those
// of a plugin that asks the system (unix_socket) need no password.
const accountsSQL = "SELECT User, Host FROM mysql.user WHERE is_role='N' AND User<>'mariadb.sys' AND plugin IN ('', 'mysql_native_password', 'ed25519') AND authentication_string='' LIMIT 1000"

// watchedUnits are the services of which it matters whether they start at boot.
var watchedUnits = []string{"corosync", "pacemaker", "drbd", "mariadb", "mysql", "haproxy", "keepalived", "sbd", "corosync-qdevice"}

// watchedPackages should be of one version on all hosts that have them.
var watchedPackages = []string{"corosync", "pacemaker", "drbd-utils", "resource-agents", "fence-agents", "mariadb-server", "galera-4", "haproxy", "keepalived", "corosync-qdevice"}

var packagesShell = "if command -v dpkg-query >/dev/null; then dpkg-query -W -f='${db:Status-Abbrev} ${Package} ${Version}\\n' " + strings.Join(watchedPackages, " ") +
	" 2>/dev/null | sed -n 's/^.i *//p'; else rpm -q --qf '%{NAME} %{VERSION}-%{RELEASE}\\n' " + strings.Join(watchedPackages, " ") + " | grep -v ' is not installed'; fi; true"

const modesShell = `for f in /etc/corosync/authkey /etc/drbd.d/*.res /etc/mysql/*/key.pem /etc/mysql/*/*-key.pem /etc/keepalived/keepalived.conf /etc/haprov/*.password /etc/haprov/*.key; do
  [ -f "$f" ] || continue
  case $f in *.res) grep -q shared-secret "$f" || continue ;; *keepalived.conf) grep -q auth_pass "$f" || continue ;; esac
  d=-
  [ "$f" != /etc/corosync/authkey ] || d=$(sha256sum <"$f" | cut -c1-64)
  stat -c "%a %U %G ${d:--} %n" "$f"
done`

const certificatesShell = `for f in /etc/mysql/*/*.pem /etc/mysql/*.pem; do
  [ -f "$f" ] || continue
  t=$(openssl x509 -noout -startdate -enddate -in "$f" 2>/dev/null | tr '\n' '|') && [ -n "$t" ] && echo "$f|$t"
done; true`

// sourceOf finds the source that a file belongs to by the last part of its name.
func sourceOf(name string) (Source, bool) {
	base, dir := path.Base(name), path.Base(path.Dir(name))
	switch {
	case strings.HasPrefix(base, "openssl"):
		return Source{}, false // a .cnf of another make
	case dir == "drbd.d" && strings.HasSuffix(base, ".conf"):
		base = "global_common.conf"
	case dir == "haproxy" && strings.HasSuffix(base, ".cfg"):
		base = "haproxy.cfg"
	}
	for _, s := range Sources {
		if ok, _ := path.Match(s.Name, base); ok {
			return s, true
		}
	}
	return Source{}, false
}

// verifiedShell asks the journal; journalctl -k would show this boot alone.
const verifiedShell = `echo "now $(date +%s)"
echo "since $(journalctl -q -o short-unix 2>/dev/null | head -n 1 | cut -d. -f1)"
journalctl -q -o short-unix --since '-40 days' _TRANSPORT=kernel 2>/dev/null | sed -n 's/^\([0-9]*\)[.][0-9]* .* drbd\([0-9]*\): Online verify *done.*/\2 \1/p'
true`
