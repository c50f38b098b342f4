package lint

import (
	"slices"
	"strconv"
	"strings"

	"haprov/internal/cluster/mysql"
)

const noServer = "no option file and no answer of a MariaDB server"

var mariadbChecks = []Check{
	{ID: "durability", Group: "mariadb", Severity: Critical,
		Title:  "what is acknowledged is on the disk",
		Why:    "With any other value of innodb_flush_log_at_trx_commit a power cut takes acknowledged rows of the last second; without the doublewrite buffer it can leave pages that nothing repairs. A failover to the other side shows the same.",
		Source: "MariaDB, InnoDB system variables; Jepsen, MariaDB Galera Cluster 12.1.2 (2026)",
		Remedy: "[mysqld] innodb_flush_log_at_trx_commit = 1, innodb_doublewrite = ON, and take innodb_flush_method = nosync out", Command: "haprov up (with Galera, input durability = \"full\")",
		Excluded: noServer, Reads: []string{"*.cnf", "variables.tsv"}, judge: durability},
	{ID: "server-version", Group: "mariadb", Severity: Critical,
		Title:  "the server is of a version without known command injection",
		Why:    "Members of a Galera cluster, and whoever reaches their ports, ran commands on the hosts of earlier versions.",
		Source: "CVE-2026-49261, CVE-2026-44168, CVE-2026-48163, CVE-2026-48165",
		Remedy: "upgrade the package, one host after the other, in standby", Command: "haprov upgrade",
		Excluded: noServer + ", or of another make", Reads: []string{"variables.tsv", "packages.txt"}, judge: serverVersion},
	{ID: "binlog-durability", Group: "mariadb", Severity: Warning,
		Title:  "the binary log is on the disk with each transaction",
		Why:    "With sync_binlog other than 1 (the default is 0) replicas and restores to a point in time have, after a power cut, other transactions than the server.",
		Source: "MariaDB, sync_binlog",
		Remedy: "[mysqld] sync_binlog = 1", Command: "haprov up",
		Excluded: "the server writes no binary log", Reads: []string{"*.cnf", "variables.tsv"}, judge: binlogDurability},
	{ID: "binlog-on", Group: "mariadb", Severity: Advice,
		Title:  "the server writes a binary log",
		Why:    "Without it a restore ends at the last backup: there is no way back to the minute before a mistake.",
		Source: "MariaDB, point-in-time recovery",
		Remedy: "[mysqld] log_bin, sync_binlog = 1, expire_logs_days = 7", Command: "haprov up",
		Excluded: noServer, Reads: []string{"*.cnf", "variables.tsv"}, judge: binlogOn},
	{ID: "server-id", Group: "mariadb", Severity: Warning,
		Title:  "each server has a number of its own",
		Why:    "Servers with one server_id ignore each other's events in every replication.",
		Source: "MariaDB, server_id (default 1)",
		Remedy: "[mysqld] server_id = another number on each host", Command: "haprov up",
		Excluded: "there are not two servers", Reads: []string{"*.cnf", "variables.tsv"}, judge: serverID},
	{ID: "grants-on", Group: "mariadb", Severity: Critical,
		Title:  "the server checks passwords",
		Why:    "skip_grant_tables, left of a password that was reset, lets everybody do everything.",
		Source: "MariaDB, skip-grant-tables",
		Remedy: "take skip_grant_tables out and restart the server", Command: "haprov up",
		Excluded: noServer, Reads: []string{"*.cnf", "variables.tsv"}, judge: grantsOn},
	{ID: "accounts", Group: "mariadb", Severity: Critical,
		Title:  "each account has a password, or is the system's",
		Why:    "Accounts without a password, of an old installation or of a test, let anybody in who reaches the port.",
		Source: "MariaDB, mariadb-secure-installation; Trento check 790926",
		Remedy: "DROP USER, or ALTER USER ... IDENTIFIED BY", Command: "none: an account of nobody's recipe is not touched",
		Excluded: noServer + " where one runs", Reads: []string{"accounts.tsv"}, judge: accounts},
	{ID: "barriers", Group: "mariadb", Severity: Critical,
		Title:  "file systems keep their write barriers",
		Why:    "Mounted with nobarrier, a file system lets disks reorder writes across a flush: a power cut can destroy it and the database.",
		Source: "mount(8), ext4 barrier",
		Remedy: "take nobarrier and barrier=0 out of the Filesystem resource's options and of fstab, and mount again", Command: "haprov up",
		Excluded: "neither a Filesystem resource nor a fstab is here", Reads: []string{"cib.xml", "fstab"}, judge: barriers},
}

func durability(v *verdict, f *Facts) {
	for _, h := range f.databases() {
		h.both(v, "innodb_flush_log_at_trx_commit", "1", func(s setting) {
			v.Is(s.value == "1", s.at, "1", "innodb_flush_log_at_trx_commit is %.20s", s.value)
		})
		h.both(v, "innodb_doublewrite", "ON", func(s setting) { v.Is(!s.off(), s.at, "ON", "innodb_doublewrite is off") })
		h.both(v, "innodb_flush_method", "O_DIRECT", func(s setting) {
			v.Is(!strings.EqualFold(s.value, "nosync"), s.at, "O_DIRECT", "innodb_flush_method is nosync")
		})
	}
}

// floors are the first good versions of each series that is looked after, in order; as the recipe galera
// has them.
var floors = []string{"10.6.27", "10.11.18", "11.4.12", "11.8.8"}

func serverVersion(v *verdict, f *Facts) {
	for _, h := range f.databases() {
		version, where := h.Variables.Value["version"], at(h, h.Variables, 0)
		if version != "" && !strings.Contains(strings.ToLower(version+h.Variables.Value["version_comment"]), "mariadb") {
			v.None("%s runs another server than MariaDB", h.Name)
			continue
		}
		if version == "" {
			all, ok := need(v, h.Name, h.Packages, "packages.txt")
			if !ok {
				continue
			}
			where = at(h, h.Packages, 0)
			if version = all["mariadb-server"]; version == "" {
				v.Unknown(h.Name, "no package mariadb-server in packages.txt")
				continue
			}
		}
		have, ok := numbers(version)
		if !ok {
			v.Unknown(h.Name, "the server's version is no MariaDB's: %.40s", version)
			continue
		}
		good := false
		for i, x := range floors {
			floor, _ := numbers(x)
			good = good || have[0] == floor[0] && have[1] == floor[1] && have[2] >= floor[2]
			good = good || i == len(floors)-1 && slices.Compare(have[:], floor[:]) > 0
		}
		v.Is(good, where, together(floors)+", or of a later series", "version %.60s", version)
	}
}

// numbers are the three of a version, as the server or Debian's package says it: 10.11.19-MariaDB,
// 1:10.11.19-0+deb12u1.
func numbers(version string) (out [3]int, ok bool) {
	if _, rest, epoch := strings.Cut(version, ":"); epoch {
		version = rest
	}
	if i := strings.IndexAny(version, "-+~"); i >= 0 {
		version = version[:i]
	}
	f := strings.Split(version, ".")
	if len(f) < 3 {
		return out, false
	}
	for i := range out {
		n, err := strconv.Atoi(f[i])
		if err != nil || n < 0 {
			return out, false
		}
		out[i] = n
	}
	return out, true
}

// logs tells whether a server writes a binary log: log_bin with any name switches it on in a file.
func (h *Host) logs(v *verdict) (on bool, at place, known bool) {
	s, known := h.setting(v, "log_bin", "OFF")
	skip, _ := h.setting(&verdict{}, "skip_log_bin", "OFF")
	return s.value != "" && !s.off() && !skip.on(), s.at, known
}

func binlogDurability(v *verdict, f *Facts) {
	for _, h := range f.databases() {
		if on, _, known := h.logs(v); on && known {
			h.both(v, "sync_binlog", "0", func(s setting) { v.Is(s.value == "1", s.at, "1", "sync_binlog is %.20s", s.value) })
		}
	}
}

func binlogOn(v *verdict, f *Facts) {
	for _, h := range f.databases() {
		if on, at, known := h.logs(v); known {
			v.Is(on, at, "log_bin", "no binary log")
		}
	}
}

func serverID(v *verdict, f *Facts) {
	all := f.databases()
	if len(all) < 2 {
		return
	}
	had := map[string]string{}
	for _, h := range all {
		s, known := h.setting(v, "server_id", "1")
		if !known {
			continue
		}
		other, twice := had[s.value]
		v.Is(!twice, s.at, "a number of its own", "server_id is %.20s, as on %s", s.value, other)
		had[s.value] = h.Name
	}
}

func grantsOn(v *verdict, f *Facts) {
	for _, h := range f.databases() {
		h.both(v, "skip_grant_tables", "OFF", func(s setting) { v.Is(!s.on(), s.at, "left out", "skip_grant_tables is set") })
		// the other spelling, which our reader takes for the variable grant_tables switched off
		if o := h.Options; o.State == Given {
			if x, ok := o.Value.get("grant_tables"); ok {
				on, _ := mysql.On(x.Value)
				v.Is(on, place{h.Name, x.file, x.Line}, "left out", "grant tables are skipped")
			}
		}
	}
}

func accounts(v *verdict, f *Facts) {
	for _, h := range f.databases() {
		if h.Accounts.State == Missing && slices.ContainsFunc(f.databases(), func(o *Host) bool { return o.Accounts.State != Missing }) {
			continue // the data, and the accounts in it, are the other's
		}
		all, ok := need(v, h.Name, h.Accounts, "accounts.tsv")
		if !ok {
			continue
		}
		v.OK()
		for _, a := range all {
			v.Bad(at(h, h.Accounts, 0), "a password", "account %.160s has none", a)
		}
	}
}

func barriers(v *verdict, f *Facts) {
	off := func(options []string) bool {
		return slices.Contains(options, "nobarrier") || slices.Contains(options, "barrier=0")
	}
	for _, h := range f.Hosts {
		if h.CIB.State == Given {
			for _, p := range h.CIB.Value.primitives {
				if p.is("Filesystem") {
					v.Is(!off(strings.Split(p.params["options"], ",")), at(h, h.CIB, 0), "without nobarrier", "%.64s is mounted without barriers", p.id)
				}
			}
		}
		if h.Fstab.State == Missing {
			continue
		}
		if all, ok := need(v, h.Name, h.Fstab, "fstab"); ok {
			v.OK()
			for _, m := range all {
				v.Is(!off(m.options), at(h, h.Fstab, m.line), "without nobarrier", "%.120s is mounted without barriers", m.dir)
			}
		}
	}
}
