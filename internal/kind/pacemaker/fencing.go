package pacemaker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/drbd"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

var FencingSpec = kind.Spec{
	Name:    "fencing",
	Summary: "The standby of a two-node Pacemaker cluster has really been fenced once since fencing, or what it rests on, changed. In a lab this is done by itself; elsewhere `haprov verify --prove-fencing` does it, and until then a note says that it is unproved.",
	Example: `fencing "standby" {
  rests_on = ["/etc/corosync/corosync.conf", "/etc/drbd.d/data.res"]
}`,
	New: func() any { return &Fencing{} },
}

// Fencing proves that fencing works, by doing it. The proof is a property of the cluster: a digest
// of the fence devices and of the files that fencing rests on, so that any change of them, and
// nothing else, makes it due again. Whether it has happened is told by Pacemaker's own fencing
// history, by a tag that is made of the digest: a run that was killed half-way neither fences
// twice nor takes another fencing for its own.
type Fencing struct {
	kind.Where `hcl:"-"`
	Name       string   `hcl:"name,label" about:"A name for the step"`
	RestsOn    []string `hcl:"rests_on,optional" about:"Files that fencing rests on: when one changes, the proof is due again"`

	now    bool    // the intent: prove it whatever was proved before
	before *string // now: when the last such fencing ended, at the first look
}

// Check finds paths that are none.
func (f *Fencing) Check() []kind.Problem {
	var p kind.Problems
	for _, x := range f.RestsOn {
		p.Path("rests_on", x)
	}
	return p
}

// Intend gives the step that proves fencing anew.
func (f *Fencing) Intend(in plan.Intent) (kind.Cluster, error) {
	if in.Verb != plan.ProveFencing {
		return nil, kind.ErrNoIntent
	}
	x := *f
	x.now, x.before = true, nil
	return &x, nil
}

const provedProperty = "haprov-fencing-proved"

func (f *Fencing) history() probe.Query {
	return probe.Cmd("fencing history", "stonith_admin --history '*' --verbose --output-as=xml", "unit:pacemaker.service", "cib")
}

// Probe asks for the cluster, its volumes and the files; for the history only when a proof is due.
func (f *Fencing) Probe(host string, seen probe.Hosts) []probe.Query {
	qs := []probe.Query{pacemaker.CIBQuery(), pacemaker.MonQuery(), drbd.ProcQuery()}
	for _, p := range f.RestsOn {
		qs = append(qs, kind.FileQuery(p))
	}
	if qs = kind.Unread(seen[host].Seen, qs...); len(qs) > 0 {
		return qs
	}
	if c, not, err := lookCRM(seen); err == nil && not == nil && (f.now || !f.holds(c, seen)) {
		return kind.Unread(seen[host].Seen, f.history())
	}
	return nil
}

// digests are of all that a proof holds for: the devices first, then the files of each host.
func (f *Fencing) digests(c crm, seen probe.Hosts) []string {
	var b strings.Builder
	c.cib.Find("configuration").All(func(n *pacemaker.Node) {
		name := n.Attrs["name"]
		switch {
		case n.Name == "primitive" && n.Attrs["class"] == "stonith", n.Name == "fencing-topology":
			b.WriteString(n.Text() + "\n")
		case n.Name == "nvpair" && (strings.HasPrefix(name, "stonith-") || name == "priority-fencing-delay" || name == "no-quorum-policy"):
			b.WriteString(name + "=" + n.Attrs["value"] + "\n")
		}
	})
	out := []string{"devices:" + kind.Digest(b.String())[:12]}
	for _, h := range c.names {
		b.Reset()
		for _, p := range f.RestsOn {
			x, _ := seen[h].File(p)
			b.WriteString(p + " " + x.SHA256 + "\n")
		}
		out = append(out, h+":"+kind.Digest(b.String())[:12])
	}
	return out
}

// holds reports whether the recorded proof is for what is there now, as far as it was seen: the
// first questions are asked host by host.
func (f *Fencing) holds(c crm, seen probe.Hosts) bool {
	have := strings.Fields(c.property(provedProperty))
	for _, d := range f.digests(c, seen) {
		if !slices.Contains(have, d) {
			return false
		}
	}
	return true
}

func (f *Fencing) lab() bool {
	for _, n := range f.Nodes {
		if !n.Lab {
			return false
		}
	}
	return len(f.Nodes) > 0
}

// Decide fences the standby when a proof is due, waits until it is back and in sync, and records
// the proof.
func (f *Fencing) Decide(seen probe.Hosts) (plan.Phase, error) {
	c, not, err := lookCRM(seen)
	switch {
	case err != nil:
		return plan.Phase{}, err
	case not != nil:
		return *not, nil
	case len(c.names) != 2:
		return plan.Phase{}, fmt.Errorf("a proof of fencing is for two hosts, not %d", len(c.names))
	}
	for _, n := range c.names {
		for _, p := range f.RestsOn {
			if x, ok := seen[n].File(p); !ok || x.Exists && x.SHA256 == "" {
				return plan.Phase{}, fmt.Errorf("%s gives no answer about %s: whether fencing is proved cannot be told", n, p)
			}
		}
	}
	want := strings.Join(f.digests(c, seen), " ")
	tag := "haprov-" + kind.Digest(want)[:12]
	proved := f.holds(c, seen)
	if proved && !f.now {
		return plan.Phase{}, nil
	}
	if !f.now && !f.lab() {
		return plan.Phase{Note: "fencing is not proved since it was set up or changed; `haprov verify --prove-fencing` fences the standby and waits until it is back"}, nil
	}
	for _, n := range c.names {
		if c.state.Standby(n) {
			return plan.Phase{Note: "fencing is not proved while " + n + " is in maintenance"}, nil
		}
	}
	if reason := c.unsettled(seen); reason != "" {
		return kind.Wait(reason, 5*time.Minute), nil
	}
	active := c.state.Active()
	if active == "" {
		return plan.Phase{}, fmt.Errorf("no node is the active one: there is nothing that a standby could be told from")
	}
	standby := c.other(active)
	done, err := f.done(seen[c.host].Seen, tag)
	switch {
	case err != nil:
		return plan.Phase{}, err
	case done && proved:
		return plan.Phase{}, nil
	case done:
		return f.phase("record the proof", active, "", want, act.Action{Title: "record that fencing is proved",
			Shell:   "crm_attribute --type crm_config --set-name haprov-record --name " + provedProperty + " --update " + shell.Quote(want),
			Touches: []probe.Subject{"cib"}}), nil
	}
	// The agent, DRBD's handler and the election of a coordinator all take part.
	limit := int(180 * max(f.Speed, 1))
	ph := f.phase("fence the standby", active, "not proved", standby+" fenced by "+active, act.Action{Title: "fence " + standby,
		Shell:   fmt.Sprintf("stonith_admin --reboot %s --tag %s --timeout %d", shell.Quote(standby), tag, limit),
		Guard:   c.settledGuard(active, standby),
		Timeout: time.Duration(limit+60) * time.Second, Touches: []probe.Subject{probe.All}})
	ph.Away = []string{standby}
	ph.Then = []string{"wait until " + standby + " is back and in sync", "record the proof"}
	return ph, nil
}

// done looks for the fencing in Pacemaker's history. With the intent, one that stood there at the
// first look is an older one.
func (f *Fencing) done(s probe.Seen, tag string) (bool, error) {
	a := s.Get(f.history())
	all, err := pacemaker.ParseFencings(a.Out)
	if a.State != probe.Answered || a.Exit != 0 || err != nil {
		return false, fmt.Errorf("no answer about the fencing history: %s", a.Out)
	}
	last := ""
	for _, x := range all {
		if strings.Contains(x.Client+".", "."+tag+".") {
			last = x.Completed
			break
		}
	}
	if f.now && f.before == nil {
		f.before = &last
	}
	return last != "" && (!f.now || last != *f.before), nil
}

func (f *Fencing) phase(name, host, have, want string, a act.Action) plan.Phase {
	return plan.Phase{Name: name, Changes: map[string]plan.Change{host: {
		Diffs: []plan.Diff{{Attribute: "proof of fencing", Have: have, Want: want}}, Actions: []act.Action{a}}}}
}
