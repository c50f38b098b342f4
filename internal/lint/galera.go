package lint

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/cluster/galera"
	"haprov/internal/cluster/mysql"
)

const noGalera = "no Galera member: wsrep is not configured"

var galeraChecks = []Check{
	{ID: "galera-required", Group: "galera", Severity: Critical,
		Title:  "the server has what write sets need",
		Why:    "Write sets are rows of InnoDB in binlog_format ROW; other formats and engines make members differ. With innodb_autoinc_lock_mode 1, the default, appliers and clients wait for each other.",
		Source: "MariaDB, configuring Galera Cluster, mandatory options",
		Remedy: "[mysqld] wsrep_on = ON, wsrep_provider, binlog_format = ROW, default_storage_engine = InnoDB, innodb_autoinc_lock_mode = 2", Command: "haprov up",
		Excluded: noGalera, Reads: []string{"*.cnf", "variables.tsv"}, judge: galeraRequired},
	{ID: "galera-odd", Group: "galera", Severity: Critical,
		Title:  "the votes are odd in number, three at least",
		Why:    "Of an even number both halves lack the majority when the network splits in the middle: the whole cluster stops. Of two, the loss of one stops the other.",
		Source: "Galera Cluster documentation, quorum; galera-doctor quorum",
		Remedy: "add a member, or garbd (galera-arbitrator-4) on another host", Command: "add a host to the role db, then haprov up",
		Excluded: noGalera, Reads: []string{"*.cnf", "variables.tsv", "status.tsv"}, judge: galeraOdd},
	{ID: "galera-weight", Group: "galera", Severity: Warning,
		Title:  "no member has weight 0, and none the majority alone",
		Why:    "A member without weight does not count when the others are gone; one that outweighs the rest takes them all along.",
		Source: "Galera Cluster documentation, weighted quorum, pc.weight; galera-doctor weight",
		Remedy: "take pc.weight out of wsrep_provider_options", Command: "haprov up",
		Excluded: noGalera, Reads: []string{"*.cnf", "variables.tsv"}, judge: galeraWeight},
	{ID: "galera-members", Group: "galera", Severity: Warning,
		Title:  "all members name each other, and no address is empty",
		Why:    "A member that starts with gcomm:// alone begins a new cluster: two clusters that differ from then on. One that knows a single other member does not find the cluster while that one is away.",
		Source: "MariaDB, wsrep_cluster_address",
		Remedy: "wsrep_cluster_address = gcomm:// with the addresses of all members, the same on each", Command: "haprov up",
		Excluded: noGalera, Reads: []string{"*.cnf", "variables.tsv"}, judge: galeraMembers},
	{ID: "galera-forced", Group: "galera", Severity: Critical,
		Title:  "nothing is left that forces a member to serve or to begin a new cluster",
		Why:    "pc.ignore_sb, pc.ignore_quorum and pc.bootstrap let both halves of a split cluster take writes; wsrep_new_cluster in a file begins another cluster at each start.",
		Source: "Galera Cluster documentation, provider options pc.*; galera-doctor",
		Remedy: "take them out of wsrep_provider_options and of the option files", Command: "haprov up",
		Excluded: noGalera, Reads: []string{"*.cnf", "variables.tsv"}, judge: galeraForced},
	{ID: "galera-one", Group: "galera", Severity: Critical,
		Title:  "all members are of one cluster, primary and synced",
		Why:    "Members with different histories, or in different components, do not replicate to each other.",
		Source: "MariaDB, Galera status variables; galera-doctor cluster checks",
		Remedy: "join the strange member anew: stop it, move its data away, start it", Command: "haprov status, then haprov recover",
		Excluded: noGalera, Reads: []string{"status.tsv", "grastate.dat"}, judge: galeraOne},
	{ID: "galera-timeouts", Group: "galera", Severity: Warning,
		Title:  "the time-outs of the group follow each other: keepalive, suspect, inactive",
		Why:    "A member that is inactive before it is suspected leaves without the others having agreed on it; one that is suspected before it could answer leaves at every breath.",
		Source: "Galera Cluster documentation, evs.keepalive_period, evs.suspect_timeout and evs.inactive_timeout",
		Remedy: "evs.suspect_timeout at least twice evs.keepalive_period, evs.inactive_timeout above evs.suspect_timeout; or take them out", Command: "haprov up",
		Excluded: noGalera, Reads: []string{"*.cnf", "variables.tsv"}, judge: galeraTimeouts},
	{ID: "galera-sst", Group: "galera", Severity: Warning,
		Title:  "full copies do not block the donor, and have an account",
		Why:    "rsync and mysqldump stop the donor for the whole copy: with two members left that is the service. mariabackup without an account fails when a member needs it, which is after a failure.",
		Source: "MariaDB, introduction to state snapshot transfers; galera-doctor sst checks",
		Remedy: "wsrep_sst_method = mariabackup and wsrep_sst_auth on all members, the package mariadb-backup installed", Command: "haprov up",
		Excluded: noGalera, Reads: []string{"*.cnf", "variables.tsv"}, judge: galeraSST},
	{ID: "galera-donor", Group: "galera", Severity: Warning,
		Title:  "donors that are named exist, and others may step in",
		Why:    "Without the comma at the end of wsrep_sst_donor a member whose donor is away does not join at all.",
		Source: "MariaDB, wsrep_sst_donor",
		Remedy: "end the list with a comma, or leave it out", Command: "haprov up",
		Excluded: "no member names a donor", Reads: []string{"*.cnf", "variables.tsv"}, judge: galeraDonor},
	{ID: "galera-gcache-recover", Group: "galera", Severity: Advice,
		Title:  "a member that crashed can still give others what they missed",
		Why:    "With gcache.recover=no the cache is empty after a restart: after a power cut of all, each member but one takes a full copy.",
		Source: "Galera Cluster documentation, gcache.recover (yes by default since 26.4)",
		Remedy: "gcache.recover=yes in wsrep_provider_options", Command: "haprov up",
		Excluded: noGalera, Reads: []string{"*.cnf", "variables.tsv"}, judge: galeraGcacheRecover},
	{ID: "galera-gcache-window", Group: "galera", Severity: Warning,
		Title:  "the write-set cache holds what is written in half an hour",
		Why:    "A member that was away for longer than the cache reaches back takes a full copy, for hours perhaps, instead of what it missed.",
		Source: "Galera Cluster documentation, gcache.size (128M by default); galera-doctor gcache/window",
		Remedy: "gcache.size in wsrep_provider_options: bytes a second times 1800", Command: "set the recipe's input gcache, then haprov up",
		Excluded: noGalera, Reads: []string{"variables.tsv", "status.tsv"}, judge: galeraGcacheWindow},
	{ID: "galera-alike", Group: "galera", Severity: Warning,
		Title:  "members are configured alike",
		Why:    "A member that flushes less, waits for causality differently, or belongs to another cluster name serves other results than its neighbour, and shows it on the day it becomes the writer.",
		Source: "galera-doctor, one member against the others",
		Remedy: "make the odd member's files as the others'", Command: "haprov up",
		Excluded: "there are not two members", Reads: []string{"*.cnf", "variables.tsv"}, judge: galeraAlike},
	{ID: "galera-serving", Group: "galera", Severity: Warning,
		Title:  "no member is left desynced, read-only or rejecting",
		Why:    "Set for a backup or a repair and forgotten, it takes the member out of flow control or of service, unseen until it is needed.",
		Source: "MariaDB, wsrep_desync, wsrep_reject_queries and read_only; galera-doctor",
		Remedy: "SET GLOBAL wsrep_desync = OFF, read_only = OFF, wsrep_reject_queries = NONE", Command: "haprov maintenance HOST off",
		Excluded: noGalera, Reads: []string{"*.cnf", "variables.tsv"}, judge: galeraServing},
	{ID: "galera-tls", Group: "galera", Severity: Warning,
		Title:  "members talk over TLS, full copies too",
		Why:    "Without, whoever reaches port 4567 may join and is sent all data; a full copy goes over the network in clear.",
		Source: "MariaDB, securing communications in Galera Cluster; mariabackup SST, encrypt",
		Remedy: "socket.ssl=yes with socket.ssl_ca, socket.ssl_cert and socket.ssl_key in wsrep_provider_options; [sst] encrypt = 4 with tca, tcert, tkey", Command: "haprov up",
		Excluded: noGalera, Reads: []string{"*.cnf", "variables.tsv"}, judge: galeraTLS},
	{ID: "galera-notify", Group: "galera", Severity: Critical,
		Title:  "no command is run with what other members say",
		Why:    "Through wsrep_notify_cmd a member that is not authenticated ran commands of its own on the host (CVE-2026-49261).",
		Source: "CVE-2026-49261, MariaDB",
		Remedy: "take wsrep_notify_cmd out", Command: "haprov up",
		Excluded: noGalera, Reads: []string{"*.cnf", "variables.tsv"}, judge: galeraNotify},
	{ID: "galera-tables", Group: "galera", Severity: Warning,
		Title:  "all tables are of InnoDB and have a primary key",
		Why:    "Tables of other engines are not replicated. Rows without a primary key may stand in another order on each member, and DELETE is not supported on them.",
		Source: "MariaDB, Galera Cluster known limitations; galera-doctor schema/no-pk and engine",
		Remedy: "ALTER TABLE ... ENGINE=InnoDB, ADD PRIMARY KEY", Command: "none: the tables are the application's",
		Excluded: noGalera, Reads: []string{"tables.tsv"}, judge: galeraTables},
	{ID: "galera-schema", Group: "galera", Severity: Critical,
		Title:  "the tables are defined alike on all members",
		Why:    "A table that was altered on one member alone (wsrep_OSU_method=RSU, or wsrep_on switched off) takes rows that the others cannot apply: they leave the cluster.",
		Source: "MariaDB, performing schema upgrades in Galera Cluster; galera-doctor schema/drift",
		Remedy: "make the same change on the member that lacks it, or have it take a full copy", Command: "none: the tables are the application's",
		Excluded: "there are not two members", Reads: []string{"schema.tsv"}, judge: galeraSchema},
}

func galeraRequired(v *verdict, f *Facts) {
	for _, h := range f.galera() {
		for _, x := range []struct{ name, def, want string }{
			{"wsrep_on", "OFF", "ON"}, {"binlog_format", "MIXED", "ROW"}, {"default_storage_engine", "InnoDB", "InnoDB"}, {"innodb_autoinc_lock_mode", "1", "2"},
		} {
			if s, known := h.setting(v, x.name, x.def); known {
				right := strings.EqualFold(s.value, x.want) || x.name == "wsrep_on" && s.on()
				v.Is(right, s.at, x.want, "%s is %.40s", x.name, s.value)
			}
		}
		if s, known := h.setting(v, "wsrep_provider", "none"); known {
			v.Is(s.value != "" && s.value != "none", s.at, "/usr/lib/galera/libgalera_smm.so", "no wsrep_provider")
		}
	}
}

// votes is how many the cluster is to have: members that are addressed, or that the running cluster
// counts, garbd among them.
func (f *Facts) votes(v *verdict) (n int, at place) {
	for _, h := range f.galera() {
		all, s, _ := h.addressed(v)
		if len(all) > n {
			n, at = len(all), s.at
		}
		if size, err := strconv.Atoi(h.Status.Value["wsrep_cluster_size"]); err == nil && size > n {
			n, at = size, place{h.Name, h.Status.File, 0}
		}
	}
	if all := f.galera(); len(all) > n && len(all) > 0 {
		n, at = len(all), place{all[0].Name, all[0].Options.File, 0}
	}
	return n, at
}

func galeraOdd(v *verdict, f *Facts) {
	all := f.galera()
	if len(all) == 0 {
		return
	}
	n, at := f.votes(v)
	switch {
	case n <= 1 && !slices.ContainsFunc(all, func(h *Host) bool { a, _, _ := h.addressed(&verdict{}); return len(a) > 0 }):
		v.Unknown(all[0].Name, "no wsrep_cluster_address and no status names the members")
	default:
		v.Is(n >= 3 && n%2 == 1, at, "3, 5 or 7", "%d members", n)
	}
}

func galeraWeight(v *verdict, f *Facts) {
	weights := map[string]int{}
	sum := 0
	for _, h := range f.galera() {
		o, at, known := h.provider(v)
		if !known {
			continue
		}
		w, err := strconv.Atoi(first(o["pc.weight"], "1"))
		v.Is(err == nil && w > 0, at, "1", "pc.weight is %.20s", o["pc.weight"])
		weights[h.Name] = w
		sum += w
	}
	for name, w := range weights {
		if len(weights) > 2 && 2*w > sum {
			v.Bad(place{Host: name}, "less than half of all", "%s has weight %d of %d", name, w, sum)
		}
	}
}

func galeraMembers(v *verdict, f *Facts) {
	want, on := "", ""
	for _, h := range f.galera() {
		all, s, known := h.addressed(v)
		if !known {
			continue
		}
		slices.Sort(all)
		v.Is(len(all) > 1, s.at, "the addresses of all members", "wsrep_cluster_address names %d members", len(all))
		if on == "" {
			want, on = together(all), h.Name
		} else {
			v.Is(together(all) == want, s.at, want, "other members than on %s: %.200s", on, together(all))
		}
	}
}

func galeraForced(v *verdict, f *Facts) {
	for _, h := range f.galera() {
		if o, at, known := h.provider(v); known {
			for _, n := range []string{"pc.ignore_sb", "pc.ignore_quorum", "pc.bootstrap"} {
				on, _ := mysql.On(first(o[n], "no"))
				v.Is(!on, at, "left out", "%s is set", n)
			}
		}
		if h.Options.State == Given {
			x, set := h.Options.Value.get("wsrep_new_cluster")
			v.Is(!set, place{h.Name, x.file, x.Line}, "left out", "wsrep_new_cluster stands in a file")
		}
	}
}

func galeraOne(v *verdict, f *Facts) {
	uuid, on, size, conf := "", "", "", ""
	members := f.galera()
	for _, h := range members {
		if h.Status.State == Missing && h.Grastate.State == Given { // it does not run
			id := h.Grastate.Value.UUID
			v.Is(id != galera.ZeroUUID, at(h, h.Grastate, 0), "a cluster's identifier", "the member belongs to no cluster, or was in a full copy")
			if uuid == "" {
				uuid, on = id, h.Name
			}
			v.Is(id == uuid, at(h, h.Grastate, 0), "as on "+on, "another cluster's data than on %s", on)
			continue
		}
		m, ok := need(v, h.Name, h.Status, "status.tsv")
		if !ok {
			continue
		}
		var lines strings.Builder
		for k, x := range m {
			fmt.Fprintf(&lines, "%s\t%s\n", k, x)
		}
		s, err := galera.ParseStatus(lines.String())
		if err != nil {
			v.Bad(at(h, h.Status, 0), "a member of the cluster", "%v", err)
			continue
		}
		v.Is(s.Healthy(), at(h, h.Status, 0), "Primary, Synced, ready", "the member is %.40s, %.40s", first(s.Component, "in no component"), first(s.State, "in no state"))
		if uuid == "" {
			uuid, on = s.UUID, h.Name
		}
		v.Is(s.UUID == uuid, at(h, h.Status, 0), "as on "+on, "another cluster than on %s", on)
		if size == "" {
			size, conf = m["wsrep_cluster_size"], m["wsrep_cluster_conf_id"]
		}
		v.Is(m["wsrep_cluster_size"] == size && m["wsrep_cluster_conf_id"] == conf, at(h, h.Status, 0), "as on "+on, "it counts other members than %s", on)
		all, _, _ := h.addressed(&verdict{})
		v.Is(s.Size >= len(all), at(h, h.Status, 0), strconv.Itoa(len(all)), "%d members are there", s.Size)
	}
}

func galeraTimeouts(v *verdict, f *Facts) {
	for _, h := range f.galera() {
		o, at, known := h.provider(v)
		if !known {
			continue
		}
		alive, ok1 := period(first(o["evs.keepalive_period"], "PT1S"))
		suspect, ok2 := period(first(o["evs.suspect_timeout"], "PT5S"))
		inactive, ok3 := period(first(o["evs.inactive_timeout"], "PT15S"))
		if !ok1 || !ok2 || !ok3 {
			v.Bad(at, "PT5S or its like", "an evs time-out is no period")
			continue
		}
		v.Is(suspect >= 2*alive, at, fmt.Sprintf("at least %s, twice the keepalive period", 2*alive), "evs.suspect_timeout is %s", suspect)
		v.Is(inactive > suspect, at, fmt.Sprintf("more than %s", suspect), "evs.inactive_timeout is %s", inactive)
	}
}

// period reads a time as Galera has it: PT, then hours, minutes and seconds (ISO 8601), such as PT0.5S.
func period(text string) (time.Duration, bool) {
	rest, ok := strings.CutPrefix(strings.ToUpper(strings.TrimSpace(text)), "PT")
	d, err := time.ParseDuration(strings.ToLower(rest))
	return d, ok && err == nil && d >= 0
}

func galeraSST(v *verdict, f *Facts) {
	want, on := "", ""
	for _, h := range f.galera() {
		s, known := h.setting(v, "wsrep_sst_method", "rsync")
		if !known {
			continue
		}
		v.Is(s.value != "rsync" && s.value != "mysqldump", s.at, "mariabackup", "wsrep_sst_method is %.40s", s.value)
		if on == "" {
			want, on = s.value, h.Name
		} else {
			v.Is(s.value == want, s.at, want, "wsrep_sst_method is another than on %s", on)
		}
		if s.value == "mariabackup" {
			auth, _ := h.setting(v, "wsrep_sst_auth", "")
			v.Is(auth.value != "", s.at, "wsrep_sst_auth", "mariabackup has no account")
		}
	}
}

func galeraDonor(v *verdict, f *Facts) {
	var names []string
	for _, h := range f.galera() {
		s, _ := h.setting(&verdict{}, "wsrep_node_name", h.Name)
		names = append(names, s.value)
	}
	for _, h := range f.galera() {
		s, known := h.setting(v, "wsrep_sst_donor", "")
		if !known || s.value == "" {
			continue
		}
		v.Is(strings.HasSuffix(s.value, ","), s.at, "a comma at the end", "no other member may be the donor than %.120s", s.value)
		for _, n := range strings.Split(s.value, ",") {
			if n = strings.TrimSpace(n); n != "" {
				v.Is(slices.Contains(names, n), s.at, together(names), "donor %.64s is no member", n)
			}
		}
	}
}

func galeraGcacheRecover(v *verdict, f *Facts) {
	for _, h := range f.galera() {
		if o, at, known := h.provider(v); known {
			on, _ := mysql.On(first(o["gcache.recover"], "yes"))
			v.Is(on, at, "yes", "gcache.recover is no")
		}
	}
}

// window is how long the write-set cache should reach back, in seconds.
const window = 1800

func galeraGcacheWindow(v *verdict, f *Facts) {
	for _, h := range f.galera() {
		s, ok := need(v, h.Name, h.Status, "status.tsv")
		if !ok {
			continue
		}
		o, at, known := h.provider(v)
		size, fine := bytes(first(o["gcache.size"], "128M"))
		up, err := strconv.ParseFloat(s["uptime"], 64)
		if !known || !fine || err != nil || up < window {
			v.Unknown(h.Name, "the server has run for less than half an hour: its write rate says nothing yet")
			continue
		}
		in, _ := strconv.ParseFloat(s["wsrep_received_bytes"], 64)
		out, _ := strconv.ParseFloat(s["wsrep_replicated_bytes"], 64)
		rate := (in + out) / up
		v.Is(rate <= 0 || size/rate >= window, at, fmt.Sprintf("at least %.0fM", rate*window/(1<<20)+1), "gcache.size is %.20s: at %.0f KiB/s it reaches back %.0f s", first(o["gcache.size"], "128M"), rate/1024, size/max(rate, 1))
	}
}

func galeraAlike(v *verdict, f *Facts) {
	all := f.galera()
	if len(all) < 2 {
		return
	}
	for _, x := range [][2]string{{"wsrep_cluster_name", "my_wsrep_cluster"}, {"innodb_flush_log_at_trx_commit", "1"}, {"sync_binlog", "0"}, {"wsrep_sync_wait", "0"},
		{"wsrep_gtid_mode", "OFF"}, {"wsrep_auto_increment_control", "ON"}, {"lower_case_table_names", "0"}, {"log_slave_updates", "OFF"}} {
		want, on := "", ""
		for _, h := range all {
			s, known := h.setting(v, x[0], x[1])
			if !known {
				continue
			}
			value := s.value
			if b, ok := mysql.On(value); ok && x[0] != "innodb_flush_log_at_trx_commit" && x[0] != "sync_binlog" {
				value = map[bool]string{true: "ON", false: "OFF"}[b]
			}
			if on == "" {
				want, on = value, h.Name
				continue
			}
			v.Is(value == want, s.at, want+", as on "+on, "%s is %.60s", x[0], value)
		}
	}
}

func galeraServing(v *verdict, f *Facts) {
	for _, h := range f.galera() {
		for name, def := range map[string]string{"wsrep_desync": "OFF", "read_only": "OFF", "wsrep_reject_queries": "NONE"} {
			if s, known := h.setting(v, name, def); known {
				v.Is(!s.set || s.off() || strings.EqualFold(s.value, def), s.at, def, "%s is %.40s", name, s.value)
			}
		}
	}
}

func galeraTLS(v *verdict, f *Facts) {
	for _, h := range f.galera() {
		if o, at, known := h.provider(v); known {
			on, _ := mysql.On(first(o["socket.ssl"], "no"))
			v.Is(on, at, "socket.ssl=yes", "members talk in clear")
		}
		if s, known := h.setting(&verdict{}, "wsrep_sst_method", "rsync"); !known || s.value != "mariabackup" {
			continue // galera-sst says that it should be
		}
		if o, ok := need(v, h.Name, h.Options, "*.cnf"); ok {
			x, set := o.get("encrypt", "sst")
			where := place{h.Name, x.file, x.Line}
			if !set {
				where = at(h, h.Options, 0)
			}
			v.Is(set && x.Value != "0", where, "[sst] encrypt = 4", "full copies go in clear")
		}
	}
}

func galeraNotify(v *verdict, f *Facts) {
	for _, h := range f.galera() {
		if s, known := h.setting(v, "wsrep_notify_cmd", ""); known {
			v.Is(s.value == "", s.at, "left out", "wsrep_notify_cmd is set")
		}
	}
}

func galeraSchema(v *verdict, f *Facts) {
	all := f.galera()
	if len(all) < 2 {
		return
	}
	on := ""
	var want map[string]string
	for _, h := range all {
		have, ok := need(v, h.Name, h.Schema, "schema.tsv")
		if !ok {
			continue
		}
		if on == "" {
			want, on = have, h.Name
			v.OK()
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(mergedKeys(want, have))) {
			v.Is(have[name] == want[name], at(h, h.Schema, 0), "as on "+on, "other tables in database %.64s than on %s", name, on)
		}
	}
}

// mergedKeys has the keys of both.
func mergedKeys(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func galeraTables(v *verdict, f *Facts) {
	for _, h := range f.galera() {
		all, ok := need(v, h.Name, h.Tables, "tables.tsv")
		if !ok {
			continue
		}
		v.OK()
		for _, t := range all {
			if !strings.EqualFold(t.engine, "InnoDB") && !strings.EqualFold(t.engine, "SEQUENCE") {
				v.Bad(at(h, h.Tables, 0), "InnoDB", "table %.140s is of %.20s", t.name, t.engine)
			} else if !t.key {
				v.Bad(at(h, h.Tables, 0), "a primary key", "table %.140s has no primary key", t.name)
			}
		}
	}
}
