package lint

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

var hostChecks = []Check{
	{ID: "reached", Group: "host", Severity: Critical,
		Title:  "each host was looked at",
		Why:    "What was not looked at is not known to be right.",
		Source: "galera-doctor: what cannot be read ranks above what is bad",
		Remedy: "collect the host's files again, or see why it does not answer", Command: "haprov status",
		Excluded: "there is no host", Reads: []string{}, judge: reached},
	{ID: "versions", Group: "host", Severity: Warning,
		Title:  "packages have one version on all hosts",
		Why:    "Mixed versions are for the minutes of an upgrade. Pacemaker and Galera keep to the oldest one's features, and what moves to a newer server may not move back.",
		Source: "Pacemaker Administration, upgrading; Trento checks 82A031, DF8328 and 9FEFB0",
		Remedy: "finish the upgrade: one host after the other, in standby", Command: "haprov upgrade",
		Excluded: "there are not two hosts", Reads: []string{"packages.txt"}, judge: versions},
	{ID: "machines", Group: "host", Severity: Warning,
		Title:  "hosts that take over from each other have the same kernel, memory and processors",
		Why:    "A standby that is smaller is found out in the failover, when it has to carry everything; another kernel has other modules and other faults.",
		Source: "Trento checks of hosts' resources; galera-doctor, one member against the others",
		Remedy: "finish the upgrade, or give the smaller host what it lacks", Command: "none: the machines are yours",
		Excluded: "there are not two such hosts", Reads: []string{"machine.txt"}, judge: machines},
	{ID: "boot", Group: "host", Severity: Critical,
		Title:  "each service is started by one supervisor at boot",
		Why:    "What both systemd and Pacemaker start runs twice, or is found running where it must not: two servers on one data directory, or a volume that is up before anybody decided. What nobody starts is not back after a power cut.",
		Source: "Pacemaker Explained, resource classes; DRBD User's Guide; Trento check 816815",
		Remedy: "systemctl disable mariadb drbd where Pacemaker runs them; systemctl enable corosync pacemaker", Command: "haprov up",
		Excluded: "neither Pacemaker nor Galera nor a proxy", Reads: []string{"units.txt", "cib.xml"}, judge: boot},
	{ID: "fstab", Group: "host", Severity: Critical,
		Title:  "what Pacemaker mounts is not in fstab",
		Why:    "A volume that is mounted at boot is mounted on the wrong side, or boot waits for a device that is not there.",
		Source: "ocf_heartbeat_Filesystem(7); Trento check 805CA4",
		Remedy: "take the line out of /etc/fstab, or add noauto", Command: "none: haprov does not write such a line",
		Excluded: "Pacemaker mounts nothing", Reads: []string{"fstab", "cib.xml"}, judge: fstab},
	{ID: "clock", Group: "host", Severity: Warning,
		Title:  "clocks are synchronised",
		Why:    "Hosts with different times have certificates that are not valid yet, logs that cannot be compared, and failure time-outs that end at the wrong moment.",
		Source: "timedatectl(1), NTPSynchronized; Trento check BB6874",
		Remedy: "install chrony or enable systemd-timesyncd", Command: "a package and a service step in a recipe of your own",
		Excluded: "no host has a clock of its own", Reads: []string{"clock.txt"}, judge: clock},
	{ID: "disk-space", Group: "host", Severity: Critical,
		Title:  "no file system is fuller than nine tenths",
		Why:    "A server on a full disk stops in the midst of a commit; Pacemaker cannot write its configuration.",
		Source: "Pacemaker CTS, DiskAudit",
		Remedy: "free some space, or grow the file system", Command: "none",
		Excluded: "there is no host", Reads: []string{"df.txt"}, judge: diskSpace},
	{ID: "secret-modes", Group: "host", Severity: Critical,
		Title:  "files with secrets are readable by their owner alone",
		Why:    "Who can read DRBD's shared secret, a TLS key or a fence password can be a peer, or cut the power.",
		Source: "drbd.conf(5), shared-secret; Trento check 790926",
		Remedy: "chmod go= on the file", Command: "haprov up",
		Excluded: "no such file", Reads: []string{"modes.txt"}, judge: secretModes},
	{ID: "certificates", Group: "host", Severity: Warning,
		Title:  "certificates have a third of their life left",
		Why:    "Members whose certificates ended do not let each other in: none of them comes back after its next restart.",
		Source: "mariadb-operator, renewal at two thirds; x509(1)",
		Remedy: "issue new ones from the same authority and restart one member after the other", Command: "none yet: haprov's are good for ten years (docs/galera.md)",
		Excluded: "no certificate", Reads: []string{"certificates.txt"}, judge: certificates},
}

func reached(v *verdict, f *Facts) {
	for _, h := range f.Hosts {
		if h.Lost != "" {
			v.add(Finding{Word: Unreadable, Host: h.Name, Found: h.Lost})
			continue
		}
		v.OK()
	}
	for _, n := range f.members() {
		known := slices.ContainsFunc(f.Hosts, func(h *Host) bool { return h.Name == n || h.Uname.Value == n })
		if !known {
			v.Unknown(n, "nothing of this node is here")
		}
	}
}

func versions(v *verdict, f *Facts) {
	if len(f.Hosts) < 2 {
		return
	}
	type where struct{ version, host string }
	had := map[string]where{}
	for _, h := range f.Hosts {
		all, ok := need(v, h.Name, h.Packages, "packages.txt")
		if !ok {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			old, twice := had[name]
			if !twice {
				had[name] = where{all[name], h.Name}
				continue
			}
			v.Is(old.version == all[name], at(h, h.Packages, 0), old.version+", as on "+old.host, "%.60s is %.80s", name, all[name])
		}
	}
}

func machines(v *verdict, f *Facts) {
	for _, peers := range [][]*Host{f.nodes(), f.galera()} {
		if len(peers) < 2 {
			continue
		}
		var one *Host
		for _, h := range peers {
			m, ok := need(v, h.Name, h.Machine, "machine.txt")
			if !ok {
				continue
			}
			if one == nil {
				one = h
				v.OK()
				continue
			}
			want := one.Machine.Value
			for _, name := range []string{"kernel", "cpus"} {
				v.Is(m[name] == want[name], at(h, h.Machine, 0), want[name]+", as on "+one.Name, "%s is %.80s", name, m[name])
			}
			a, _ := strconv.ParseFloat(m["memory"], 64)
			b, _ := strconv.ParseFloat(want["memory"], 64)
			v.Is(max(a, b) <= 1.1*min(a, b), at(h, h.Machine, 0), fmt.Sprintf("about %.0f MiB, as on %s", b/1024, one.Name), "memory is %.0f MiB", a/1024)
		}
	}
}

func boot(v *verdict, f *Facts) {
	var owned, wanted []string // by Pacemaker; by systemd
	cluster := len(f.nodes()) > 0
	if c, _, ok := f.cib(&verdict{}); ok {
		wanted = []string{"corosync", "pacemaker"}
		for _, p := range c.primitives {
			switch {
			case p.server() && p.kind != "galera":
				owned = append(owned, "mariadb", "mysql")
			case p.drbd():
				owned = append(owned, "drbd")
			case p.class == "systemd":
				owned = append(owned, strings.TrimSuffix(p.kind, ".service"))
			}
		}
	}
	judge := func(h *Host, owned, wanted []string) {
		u, ok := need(v, h.Name, h.Units, "units.txt")
		if !ok {
			return
		}
		on := func(n string) bool { return strings.HasPrefix(u[n], "enabled") }
		for _, n := range owned {
			v.Is(!on(n), at(h, h.Units, 0), "disabled", "%.60s starts at boot, and Pacemaker starts it too", n)
		}
		for _, n := range wanted {
			if u[n] != "" && !slices.Contains(owned, n) {
				v.Is(on(n), at(h, h.Units, 0), "enabled", "%.60s does not start at boot: %.20s", n, u[n])
			}
		}
	}
	if cluster {
		for _, h := range f.nodes() {
			judge(h, owned, wanted)
		}
	}
	for _, h := range f.Hosts {
		if !slices.Contains(f.nodes(), h) && slices.Contains(f.galera(), h) {
			judge(h, nil, []string{"mariadb"})
		}
		if h.Proxy.State != Missing {
			judge(h, nil, []string{"haproxy", "keepalived"})
		}
	}
}

func fstab(v *verdict, f *Facts) {
	c, _, ok := f.cib(v)
	if !ok {
		return
	}
	for _, p := range c.primitives {
		if !p.is("Filesystem") {
			continue
		}
		for _, h := range f.nodes() {
			all, ok := need(v, h.Name, h.Fstab, "fstab")
			if !ok {
				continue
			}
			v.OK()
			for _, m := range all {
				if (m.device == p.params["device"] || m.dir == strings.TrimSuffix(p.params["directory"], "/")) && !slices.Contains(m.options, "noauto") {
					v.Bad(at(h, h.Fstab, m.line), "no such line", "%.120s is mounted at boot, and %.64s mounts it too", m.dir, p.id)
				}
			}
		}
	}
}

// borrowed are the virtual machines without a clock of their own, as systemd-detect-virt(1) calls them.
var borrowed = []string{"uml", "lxc", "lxc-libvirt", "systemd-nspawn", "docker", "podman", "openvz"}

func clock(v *verdict, f *Facts) {
	for _, h := range f.Hosts {
		c, ok := need(v, h.Name, h.Clock, "clock.txt")
		switch {
		case !ok:
		case slices.Contains(borrowed, c["Virtualization"]):
			v.None("%s has the clock of the machine that it runs on", h.Name)
		default:
			v.Is(c["NTPSynchronized"] == "yes", at(h, h.Clock, 0), "yes", "NTPSynchronized is %.8s", first(c["NTPSynchronized"], "not there"))
		}
	}
}

func diskSpace(v *verdict, f *Facts) {
	for _, h := range f.Hosts {
		if all, ok := need(v, h.Name, h.Disks, "df.txt"); ok {
			for _, d := range all {
				v.Is(d.used <= 90, at(h, h.Disks, 0), "at most 90 %", "%.120s is %d %% full", d.dir, d.used)
			}
		}
	}
}

func secretModes(v *verdict, f *Facts) {
	for _, h := range f.Hosts {
		if h.Modes.State == Missing && !slices.Contains(slices.Concat(f.nodes(), f.replicated(), f.galera()), h) {
			continue // it has no such file that we know of
		}
		all, ok := need(v, h.Name, h.Modes, "modes.txt")
		if !ok {
			continue
		}
		for _, m := range all {
			if m.name != "/etc/corosync/authkey" { // corosync-key is about that one
				v.Is(m.mode&0o077 == 0, at(h, h.Modes, 0), "nobody but the owner", "%.140s has mode %o", m.name, m.mode)
			}
		}
	}
}

func certificates(v *verdict, f *Facts) {
	for _, h := range f.Hosts {
		if h.Certificates.State == Missing {
			continue
		}
		all, ok := need(v, h.Name, h.Certificates, "certificates.txt")
		if !ok {
			continue
		}
		for _, c := range all {
			life, left := c.to.Sub(c.from), c.to.Sub(f.Now)
			v.Is(left > life/3, at(h, h.Certificates, 0), fmt.Sprintf("renewed %d days before its end", int(life/3/(24*time.Hour))), "%.140s is good for %d more days", c.name, int(left/(24*time.Hour)))
		}
	}
}
