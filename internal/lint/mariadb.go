package lint

import (
	"slices"
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
