package pacemaker

import (
	"slices"
	"sort"
	"strings"

	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

const provedProperty = "haprov-fencing-proved"

// hostProof is what is known of one host's fence devices.
type hostProof struct {
	host   string
	now    []string         // digests of what a proof rests on now, as far as it can be seen
	old    string           // the tag that older versions gave to a fencing with all of it
	fired  *pacemaker.Proof // recorded: when it was last fired
	since  *pacemaker.Proof // recorded: since when it is as it is now
	tagged string           // when a fencing that was asked for as a proof of now ended
	last   string           // when the last fencing that counts ended, with by
	by     string
	voided bool // the record still has a proof of the machine that was there before
}

// recorded: the record alone proves it.
func (p hostProof) recorded() bool { return p.fired != nil && p.fired.Same(p.now) }

func (p hostProof) proved() bool { return p.recorded() || p.last != "" }

func (p hostProof) watched() bool { return p.since != nil && p.since.Same(p.now) }

// news: there was a fencing that the record lacks.
func (p hostProof) news() bool {
	return p.last != "" && !(p.recorded() && p.fired.At >= p.last)
}

func (p hostProof) tag() string {
	return "haprov-" + kind.Digest(p.host + " " + strings.Join(p.now, " "))[:12]
}

func (p hostProof) recordedState() string {
	switch {
	case p.recorded():
		return plan.Proved
	case p.fired != nil:
		return plan.Stale
	}
	return plan.NeverFired
}

// told is the proof for people and programs.
func (p hostProof) told() plan.Proof {
	x := plan.Proof{Host: p.host, State: p.recordedState()}
	if p.fired != nil {
		x.At, x.By = p.fired.At, p.fired.By
	}
	if p.news() {
		x = plan.Proof{Host: p.host, State: plan.Proved, At: p.last, By: p.by}
	}
	return x
}

// record is what the cluster is to keep of the host; at is the time at which it is written down.
func (p hostProof) record(at string, watch bool) (out []pacemaker.Proof) {
	switch {
	case p.news():
		return []pacemaker.Proof{{Host: p.host, Fired: true, At: p.last, By: p.by, Of: p.now}}
	case p.fired != nil:
		out = append(out, *p.fired)
	}
	switch {
	case p.recorded():
	case p.watched():
		out = append(out, *p.since)
	case watch:
		out = append(out, pacemaker.Proof{Host: p.host, At: at, By: "-", Of: p.now})
	}
	return out
}

// proofs is what is known of every host, by name; nothing where no host shows the configuration. It
// tells what can be seen while a host is away, too.
func (f *Fencing) proofs(seen probe.Hosts) (out []hostProof) {
	var names []string
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	c, events := crm{}, []pacemaker.Fencing{}
	for _, n := range names {
		if root, err := pacemaker.Parse(seen[n].Get(pacemaker.CIBQuery()).Out); err == nil && c.cib == nil {
			c.cib = root
		}
		all, _ := pacemaker.ParseFencings(seen[n].Get(f.history()).Out) // Decide tells when there is no answer
		if len(all) > len(events) {
			events = all // a host that has just joined may know less
		}
	}
	if c.cib == nil {
		return nil
	}
	old := f.oldTag(c, names, seen)
	records := pacemaker.ParseProofs(c.property(provedProperty))
	for _, h := range names {
		p := hostProof{host: h, now: f.restsOn(c, h, names, seen), old: old}
		for i, r := range records {
			switch {
			case r.Host != h:
			case r.Fired:
				p.fired = &records[i]
			default:
				p.since = &records[i]
			}
		}
		for _, e := range events {
			p.count(e)
		}
		out = append(out, p)
	}
	return out
}

// count takes a fencing into account, the latest first: one that was asked for as a proof of what is
// there now, or any other since what is there now has been there.
func (p *hostProof) count(e pacemaker.Fencing) {
	if e.Target != p.host {
		return
	}
	mine := strings.Contains(e.Client+".", "."+p.tag()+".")
	if mine && p.tagged == "" {
		p.tagged = e.At()
	}
	counts := mine || strings.Contains(e.Client+".", "."+p.old+".")
	if p.watched() { // all before that is of other devices, or of another machine
		counts = e.At() >= p.since.At
	}
	if p.last == "" && counts {
		p.last, p.by = e.At(), e.Origin
	}
}

// restsOn are digests of what a proof of the host rests on: its devices with what holds for all of
// them, and the files of each host that can be seen.
func (f *Fencing) restsOn(c crm, host string, names []string, seen probe.Hosts) []string {
	var b strings.Builder
	c.cib.Find("configuration").All(func(n *pacemaker.Node) {
		name := n.Attrs["name"]
		switch {
		case n.Name == "primitive" && n.Attrs["class"] == "stonith" && n.Fences(host),
			n.Name == "fencing-level" && (n.Attrs["target"] == "" || n.Attrs["target"] == host),
			fencingOption(n, name):
			b.WriteString(n.Text() + "\n")
		}
	})
	out := []string{"devices:" + kind.Digest(b.String())[:12]}
	for _, n := range names {
		if seen[n].Lost != "" {
			continue
		}
		b.Reset()
		for _, p := range f.RestsOn {
			if of := c.devicesNaming(p, names); len(of) == 0 || slices.Contains(of, host) {
				x, _ := seen[n].File(p)
				b.WriteString(p + " " + x.SHA256 + "\n")
			}
		}
		out = append(out, n+":"+kind.Digest(b.String())[:12])
	}
	return out
}

func fencingOption(n *pacemaker.Node, name string) bool {
	return n.Name == "nvpair" && (strings.HasPrefix(name, "stonith-") || name == "priority-fencing-delay" || name == "no-quorum-policy")
}

// devicesNaming are the hosts whose fence devices have the path among their parameters, as that of
// the file with their password; none when no device has.
func (c crm) devicesNaming(path string, names []string) (hosts []string) {
	c.cib.Find("configuration", "resources").All(func(n *pacemaker.Node) {
		if n.Name != "primitive" || n.Attrs["class"] != "stonith" {
			return
		}
		has := false
		n.All(func(x *pacemaker.Node) { has = has || x.Name == "nvpair" && x.Attrs["value"] == path })
		for _, h := range names {
			if has && n.Fences(h) {
				hosts = append(hosts, h)
			}
		}
	})
	return hosts
}

// oldTag is the tag of versions that fenced the standby alone: its digests were of all devices and
// of each host's files.
func (f *Fencing) oldTag(c crm, names []string, seen probe.Hosts) string {
	var b strings.Builder
	c.cib.Find("configuration").All(func(n *pacemaker.Node) {
		switch name := n.Attrs["name"]; {
		case n.Name == "primitive" && n.Attrs["class"] == "stonith", n.Name == "fencing-topology":
			b.WriteString(n.Text() + "\n")
		case fencingOption(n, name):
			b.WriteString(name + "=" + n.Attrs["value"] + "\n")
		}
	})
	all := []string{"devices:" + kind.Digest(b.String())[:12]}
	for _, h := range names {
		b.Reset()
		for _, p := range f.RestsOn {
			x, _ := seen[h].File(p)
			b.WriteString(p + " " + x.SHA256 + "\n")
		}
		all = append(all, h+":"+kind.Digest(b.String())[:12])
	}
	return "haprov-" + kind.Digest(strings.Join(all, " "))[:12]
}
