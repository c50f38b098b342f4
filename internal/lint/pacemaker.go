package lint

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const noDRBD = "no DRBD resource in Pacemaker's configuration"

var pacemakerChecks = []Check{
	{ID: "left-constraints", Group: "pacemaker", Severity: Critical,
		Title:  "no constraint is left of a move, a ban, or DRBD's fence handler",
		Why:    "A left ban or fence constraint keeps the service off the only node that is there in the next failure; all looks well until then.",
		Source: "crm_resource(8), --clear; DRBD User's Guide, Pacemaker fencing; Trento check FA37C7",
		Remedy: "crm_resource --clear --resource ID; of drbd-fence-by-handler: when both sides are UpToDate, cibadmin -D -X '<rsc_location id=\"...\"/>'", Command: "none: find out who put it there first; haprov status names fence constraints",
		Excluded: noPacemaker, Reads: []string{"cib.xml"}, judge: leftConstraints},
	{ID: "left-maintenance", Group: "pacemaker", Severity: Warning,
		Title:  "nothing is in maintenance, unmanaged, stopped or in standby",
		Why:    "What was switched off for a repair is not there in the next failure: nobody watches, or there is nowhere to go.",
		Source: "Pacemaker Explained, maintenance-mode, is-managed, target-role and standby",
		Remedy: "pcs property set maintenance-mode=false, pcs resource manage ID, pcs node unstandby NODE", Command: "haprov maintenance HOST off",
		Excluded: noPacemaker, Reads: []string{"cib.xml"}, judge: leftMaintenance},
	{ID: "resource-defaults", Group: "pacemaker", Severity: Warning,
		Title:  "resources stay where they are, and move after repeated failures",
		Why:    "Without stickiness a node that returns takes the service back, which is an outage nobody asked for. Without a migration threshold a resource that keeps failing is restarted on the same node for ever; without a failure timeout old failures are held against it for ever.",
		Source: "Pacemaker Explained, resource meta-attributes; Trento check B3DA7E",
		Remedy: "pcs resource defaults update resource-stickiness=100 migration-threshold=3 failure-timeout=10min", Command: "haprov up",
		Excluded: noPacemaker, Reads: []string{"cib.xml"}, judge: resourceDefaults},
	{ID: "start-failure", Group: "pacemaker", Severity: Advice,
		Title:  "one slow start does not ban the only node that is left",
		Why:    "By default a failed start is fatal: the resource may not run on that node again until somebody cleans it up, even when it is the only one.",
		Source: "Pacemaker Explained, start-failure-is-fatal",
		Remedy: "pcs property set start-failure-is-fatal=false", Command: "haprov up",
		Excluded: "the cluster has not two nodes", Reads: []string{"cib.xml"}, judge: startFailure},
	{ID: "drbd-clone", Group: "pacemaker", Severity: Critical,
		Title:  "the DRBD resource is a promotable clone with notifications, promoted once",
		Why:    "Without notify the agent does not learn of its peer, and promotes stale data or nothing at all. Two promoted sides under one file system destroy it.",
		Source: "ocf_linbit_drbd(7); DRBD User's Guide, adding a DRBD-backed service",
		Remedy: "meta attributes promotable=true promoted-max=1 promoted-node-max=1 clone-max=2 clone-node-max=1 notify=true interleave=true", Command: "haprov up",
		Excluded: noDRBD, Reads: []string{"cib.xml"}, judge: drbdClone},
	{ID: "drbd-constraints", Group: "pacemaker", Severity: Critical,
		Title:  "the file system runs where DRBD is promoted, and after that",
		Why:    "Without the colocation it is started on the standby, where the device cannot be opened; without the order it is mounted before the promotion, fails, and is banned.",
		Source: "DRBD User's Guide, adding a DRBD-backed service; Pacemaker Explained, constraints",
		Remedy: "a colocation of the group with the promoted role, score INFINITY, and a mandatory order: promote the clone, then start the group", Command: "haprov up",
		Excluded: "no Filesystem on DRBD in Pacemaker's configuration", Reads: []string{"cib.xml"}, judge: drbdConstraints},
	{ID: "service-together", Group: "pacemaker", Severity: Critical,
		Title:  "server and virtual IP run where the file system is, the server after it",
		Why:    "A server that is not bound to its file system is started elsewhere, on an empty directory; an address that is not bound leads clients to a host without a server.",
		Source: "Pacemaker Explained, groups and constraints",
		Remedy: "put file system, server and address into one group, in that order", Command: "haprov up",
		Excluded: "no Filesystem on DRBD in Pacemaker's configuration", Reads: []string{"cib.xml"}, judge: serviceTogether},
	{ID: "monitors", Group: "pacemaker", Severity: Warning,
		Title:  "each resource is monitored, a promotable one in both roles at two intervals",
		Why:    "What has no recurring monitor is started once and never looked at again. Pacemaker tells the monitors of two roles apart by their intervals alone: with one interval, only one of them runs.",
		Source: "Pacemaker Explained, resource operations, monitoring in multiple roles",
		Remedy: "op monitor interval=10s; of DRBD: interval=29s role=Promoted and interval=31s role=Unpromoted", Command: "haprov up",
		Excluded: noPacemaker, Reads: []string{"cib.xml"}, judge: monitors},
	{ID: "server-timeouts", Group: "pacemaker", Severity: Warning,
		Title:  "the server has at least 120 s to start and 60 s to stop",
		Why:    "A stop that takes longer than its time-out is a failed stop, and the node is fenced for it; a recovery that takes longer than the start's is broken off and begun again on the other node. The default for both is 20 s.",
		Source: "ocf_heartbeat_mysql(7), actions; Pacemaker Explained, operation time-outs",
		Remedy: "op start timeout=300s op stop timeout=120s", Command: "set the recipe's input stop_timeout, then haprov up",
		Excluded: "Pacemaker does not run the server", Reads: []string{"cib.xml"}, judge: serverTimeouts},
	{ID: "datadir-replicated", Group: "pacemaker", Severity: Critical,
		Title:  "the server's data lies below the file system that moves with it",
		Why:    "A data directory outside of the replicated volume stays behind when the service moves: the other node serves other data.",
		Source: "ocf_heartbeat_mysql(7), datadir",
		Remedy: "datadir of the resource (or of the option file) below the directory of the Filesystem resource", Command: "haprov up",
		Excluded: "no server with a Filesystem on DRBD in Pacemaker's configuration", Reads: []string{"cib.xml", "*.cnf"}, judge: datadirReplicated},
	{ID: "crm-verify", Group: "pacemaker", Severity: Warning,
		Title:  "crm_verify finds nothing",
		Why:    "Pacemaker passes over what it does not understand: a misspelt option is an option that is not there.",
		Source: "crm_verify(8)",
		Remedy: "crm_verify -L -V on a node, and mend what it names of the configuration", Command: "haprov up",
		Excluded: noPacemaker, Reads: []string{"crm_verify.txt"}, judge: crmVerify},
	{ID: "failed-actions", Group: "pacemaker", Severity: Warning,
		Title:  "no resource is barred from a node by its failures",
		Why:    "A resource that reached its migration threshold does not run on that node any more, until it is cleaned up: there is nowhere to go in the next failure.",
		Source: "Pacemaker Explained, migration-threshold; crm_resource(8), --cleanup",
		Remedy: "find the cause, then crm_resource --cleanup --resource ID", Command: "haprov status names it; then as above",
		Excluded: noPacemaker, Reads: []string{"crm_mon.xml"}, judge: failedActions},
}

func leftConstraints(v *verdict, f *Facts) {
	c, at, ok := f.cib(v)
	if !ok {
		return
	}
	v.OK()
	for _, id := range c.left {
		for prefix, what := range map[string]string{"cli-ban-": "a ban", "cli-prefer-": "a move", "cli-standby-": "a standby", "drbd-fence-by-handler-": "DRBD's fence handler"} {
			if strings.HasPrefix(id, prefix) {
				v.Bad(at, "none", "constraint %.120s is left of %s", id, what)
			}
		}
	}
}

func leftMaintenance(v *verdict, f *Facts) {
	c, at, ok := f.cib(v)
	if !ok {
		return
	}
	v.OK()
	for _, name := range []string{"maintenance-mode", "stop-all-resources"} {
		if truth(c.properties[name], false) {
			v.Bad(at, "false", "%s is true", name)
		}
	}
	for _, n := range c.nodes {
		for _, name := range []string{"standby", "maintenance"} {
			if truth(n.attrs[name], false) {
				v.Bad(at, "off", "node %.64s has %s on", n.name, name)
			}
		}
	}
	meta := func(id string, m map[string]string) {
		switch {
		case !truth(m["is-managed"], true):
			v.Bad(at, "managed", "%.64s is not managed", id)
		case truth(m["maintenance"], false):
			v.Bad(at, "managed", "%.64s is in maintenance", id)
		case m["target-role"] == "Stopped":
			v.Bad(at, "started", "%.64s is told to be stopped", id)
		}
	}
	meta("the default of resources", c.defaults)
	for _, p := range c.primitives {
		meta(p.id, p.meta)
	}
	for _, t := range c.tops {
		meta(t.id, t.meta)
	}
}

func resourceDefaults(v *verdict, f *Facts) {
	c, at, ok := f.cib(v)
	if !ok {
		return
	}
	every := func(name string) bool { // set for all that is no fence device, by itself or by what it is in
		return !slices.ContainsFunc(c.primitives, func(p primitive) bool {
			_, own := p.meta[name]
			for _, id := range p.inside {
				_, in := c.tops[id].meta[name]
				own = own || in
			}
			return !own && !p.fence()
		})
	}
	for name, want := range map[string]string{"resource-stickiness": "100", "migration-threshold": "3", "failure-timeout": "10min"} {
		value, set := c.defaults[name]
		v.Is(set && value != "0" && value != "0s" || !set && every(name) && len(c.primitives) > 0, at, want, "no %s", name)
	}
}

func startFailure(v *verdict, f *Facts) {
	if f.size() != 2 {
		return
	}
	if c, at, ok := f.cib(v); ok {
		v.Is(!truth(c.properties["start-failure-is-fatal"], true), at, "false", "start-failure-is-fatal is true")
	}
}

// clones are the clones of DRBD resources.
func (c *CIB) clones() (out []top) {
	for _, p := range c.primitives {
		for _, id := range p.inside {
			if t, ok := c.tops[id]; ok && p.drbd() {
				out = append(out, t)
			}
		}
	}
	return out
}

func drbdClone(v *verdict, f *Facts) {
	c, at, ok := f.cib(v)
	if !ok {
		return
	}
	for _, p := range c.primitives {
		if p.drbd() && len(p.inside) == 0 {
			v.Bad(at, "a promotable clone", "%.64s is no clone", p.id)
		}
	}
	for _, t := range c.clones() {
		v.Is(t.master || truth(t.meta["promotable"], false), at, "promotable=true", "%.64s is not promotable", t.id)
		v.Is(truth(t.meta["notify"], false), at, "notify=true", "%.64s has no notifications", t.id)
		for _, names := range [][2]string{{"promoted-max", "master-max"}, {"promoted-node-max", "master-node-max"}, {"clone-node-max", "clone-node-max"}} {
			n := first(t.meta[names[0]], t.meta[names[1]], "1")
			v.Is(n == "1", at, "1", "%.64s has %s=%.20s", t.id, names[0], n)
		}
	}
}

// filesystems are those on DRBD.
func (c *CIB) filesystems() (out []primitive) {
	for _, p := range c.primitives {
		if p.is("Filesystem") && strings.HasPrefix(p.params["device"], "/dev/drbd") {
			out = append(out, p)
		}
	}
	return out
}

func drbdConstraints(v *verdict, f *Facts) {
	c, at, ok := f.cib(v)
	if !ok {
		return
	}
	is := map[string]bool{}
	for _, t := range c.clones() {
		is[t.id], is[t.primitive] = true, true
	}
	for _, p := range c.filesystems() {
		v.Is(c.bound(p.ids(), false, func(x constraint) bool { return is[x.with] && hasRole(x.withRole) }), at,
			"a colocation with the promoted role of the DRBD clone, score INFINITY", "nothing keeps %.64s where DRBD is promoted", p.id)
		v.Is(c.bound(p.ids(), true, func(x constraint) bool { return is[x.with] && x.action == "promote" }), at,
			"a mandatory order: promote the DRBD clone, then start it", "nothing makes %.64s wait for the promotion", p.id)
	}
}

// group is the group of a primitive; empty when it is in none.
func (c *CIB) group(p primitive) string {
	for _, id := range p.inside {
		if _, clone := c.tops[id]; !clone {
			return id
		}
	}
	return ""
}

func serviceTogether(v *verdict, f *Facts) {
	c, at, ok := f.cib(v)
	if !ok {
		return
	}
	systems := c.filesystems()
	if len(systems) == 0 {
		return
	}
	is, drbd := map[string]bool{}, map[string]bool{}
	for _, s := range systems {
		for _, id := range s.ids() {
			is[id] = true
		}
	}
	for _, t := range c.clones() {
		drbd[t.id] = true
	}
	before := map[string]int{} // how many file systems stand before, by group
	for _, p := range c.primitives {
		g := c.group(p)
		if p.is("Filesystem") && g != "" {
			before[g]++
		}
		if !p.server() && !p.is("IPaddr2") {
			continue
		}
		same := g != "" && slices.ContainsFunc(systems, func(s primitive) bool { return c.group(s) == g })
		v.Is(same || c.bound(p.ids(), false, func(x constraint) bool { return is[x.with] || drbd[x.with] && hasRole(x.withRole) }) ||
			slices.ContainsFunc(systems, func(s primitive) bool {
				return c.bound(s.ids(), false, func(x constraint) bool { return slices.Contains(p.ids(), x.with) })
			}), at, "one group with the file system", "nothing keeps %.64s where the file system is", p.id)
		if p.server() {
			v.Is(same && before[g] > 0 || c.bound(p.ids(), true, func(x constraint) bool { return is[x.with] }), at, "after the file system", "%.64s does not wait for the file system", p.id)
		}
	}
}

func monitors(v *verdict, f *Facts) {
	c, at, ok := f.cib(v)
	if !ok {
		return
	}
	for _, p := range c.primitives {
		seen := map[time.Duration]bool{}
		roles, again := 0, 0
		for _, o := range p.ops {
			if o.name != "monitor" || o.interval == 0 {
				continue
			}
			again++
			if !seen[o.interval] {
				seen[o.interval] = true
				roles++
			}
		}
		promotable := slices.ContainsFunc(p.inside, func(id string) bool { t := c.tops[id]; return t.master || truth(t.meta["promotable"], false) })
		switch {
		case again == 0:
			v.Bad(at, "op monitor with an interval", "%.64s is not monitored", p.id)
		case promotable && again < 2:
			v.Bad(at, "a monitor for each role, at two intervals", "%.64s is monitored in one role", p.id)
		case promotable && roles < again:
			v.Bad(at, "two intervals", "two monitors of %.64s have one interval: one of them never runs", p.id)
		default:
			v.OK()
		}
	}
}

func serverTimeouts(v *verdict, f *Facts) {
	c, at, ok := f.cib(v)
	if !ok {
		return
	}
	for _, p := range c.primitives {
		if !p.server() {
			continue
		}
		for action, least := range map[string]time.Duration{"start": 2 * time.Minute, "stop": time.Minute} {
			have, _ := span(first(c.opDefaults["timeout"], "20s")) // Pacemaker's own default
			for _, o := range p.ops {
				if o.name == action && o.hasTimeout {
					have = o.timeout
				}
			}
			v.Is(have >= least, at, fmt.Sprintf("at least %.0f s", least.Seconds()), "%.64s has %.0f s to %s", p.id, have.Seconds(), action)
		}
	}
}

func datadirReplicated(v *verdict, f *Facts) {
	c, at, ok := f.cib(v)
	if !ok || len(c.filesystems()) == 0 {
		return
	}
	for _, p := range c.primitives {
		if !p.server() {
			continue
		}
		dir := p.params["datadir"]
		if dir == "" && len(f.databases()) > 0 {
			if s, known := f.databases()[0].setting(v, "datadir", "/var/lib/mysql"); known {
				dir, at = s.value, s.at
			}
		}
		if dir == "" {
			v.Unknown(at.Host, "%.64s has no datadir, and no option file is here", p.id)
			continue
		}
		below := slices.ContainsFunc(c.filesystems(), func(s primitive) bool {
			root := strings.TrimSuffix(s.params["directory"], "/")
			return root != "" && strings.HasPrefix(strings.TrimSuffix(dir, "/")+"/", root+"/")
		})
		v.Is(below, at, "below the Filesystem resource's directory", "datadir is %.120s", dir)
	}
}

func crmVerify(v *verdict, f *Facts) {
	for _, h := range f.nodes() {
		if h.Verify.State == Missing && slices.ContainsFunc(f.nodes(), func(o *Host) bool { return o.Verify.State != Missing }) {
			continue // one node's word is enough
		}
		said, ok := need(v, h.Name, h.Verify, "crm_verify.txt")
		if !ok {
			if h.Verify.State == Missing {
				return // told once
			}
			continue
		}
		var lines []string
		status := ""
		for l := range strings.Lines(said) {
			l = strings.TrimSpace(l)
			if n, ok := strings.CutPrefix(l, "exit "); ok {
				status = n
			} else if l != "" {
				lines = append(lines, l)
			}
		}
		if status == "" && len(lines) > 0 {
			v.Unknown(h.Name, "crm_verify.txt has no last line exit STATUS")
			continue
		}
		v.Is(status == "0" && len(lines) == 0, at(h, h.Verify, 0), "nothing, and exit status 0", "exit status %.8s: %.240s", status, strings.Join(lines, "; "))
	}
}

func failedActions(v *verdict, f *Facts) {
	nodes := f.nodes()
	for _, h := range nodes {
		if h.Trouble.State == Missing && slices.ContainsFunc(nodes, func(o *Host) bool { return o.Trouble.State != Missing }) {
			continue
		}
		t, ok := need(v, h.Name, h.Trouble, "crm_mon.xml")
		if !ok {
			if h.Trouble.State == Missing {
				return
			}
			continue
		}
		v.OK()
		for _, b := range t.Barred {
			v.Bad(at(h, h.Trouble, 0), "no failures", "%.64s may not run on %.64s: it failed %d times there", b.Resource, b.Node, b.Failures)
		}
	}
}
