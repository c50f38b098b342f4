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
	Name: "fencing",
	Summary: "The fence devices of every host have been used since they, or what fencing depends on, changed. In a lab this is done by itself, one host after the other; the active side is moved away before its host is fenced, and stays where it was moved to. " +
		"Elsewhere `haprov up --prove-fencing` does it, and until then a note names the hosts whose devices were not fired. A fencing that the cluster itself asked for counts, too.",
	Example: `fencing "standby" {
  rests_on = ["/etc/corosync/corosync.conf", "/etc/drbd.d/data.res"]
}`,
	New: func() any { return &Fencing{} },
}

// Fencing proves that fencing works, by doing it to each host. What is proved is a property of the
// cluster: for each host a digest of its fence devices and of the files that fencing rests on, so
// that a change of them, and nothing else, makes it due again (fencing_proof.go). Whether it has
// happened is told by Pacemaker's own fencing history, by a tag that is made of the digests: a run
// that was killed half-way neither fences twice nor takes another fencing for its own.
//
//	standby not proved --fence it, wait until it is back--> proved
//	only the active one not proved --move the active side--> it is a standby
//	all proved --write it down--> done
type Fencing struct {
	kind.Where `hcl:"-"`
	Name       string   `hcl:"name,label" about:"A name for the step"`
	RestsOn    []string `hcl:"rests_on,optional" about:"Files that fencing depends on: when one changes, fencing must be proved again, for all hosts, or for the one whose fence device names the file"`

	asked bool // the intent: on machines that are not a lab's, too
	anew  bool // the intent: whatever was proved before the run began

	replaced string // what was proved of this host before the run began was another machine's
}

// Replace gives the step to which the host is a new machine, whose fence device may be another one.
func (f *Fencing) Replace(host string) kind.Cluster {
	x := *f
	x.replaced = host
	return &x
}

// Check finds paths that are none.
func (f *Fencing) Check() []kind.Problem {
	var p kind.Problems
	if len(f.Nodes) == 1 {
		p.Add("", "Nobody is there to fence the host", "Found one host in the role: another one must ask its device.")
	}
	for _, x := range f.RestsOn {
		p.Path("rests_on", x)
	}
	return p
}

// Intend gives the step that proves fencing on any machines.
func (f *Fencing) Intend(in plan.Intent) (kind.Cluster, error) {
	if in.Verb != plan.ProveFencing {
		return nil, kind.ErrNoIntent
	}
	x := *f
	x.asked, x.anew = true, in.Anew
	return &x, nil
}

func (f *Fencing) history() probe.Query {
	return probe.Cmd("fencing history", "stonith_admin --history '*' --verbose --output-as=xml", probe.Of(probe.Unit, "pacemaker.service"), pacemaker.CIB)
}

// Probe asks for the cluster, its volumes and the files; for the history only when the record alone
// does not prove every host.
func (f *Fencing) Probe(host string, seen probe.Hosts) []probe.Query {
	qs := []probe.Query{pacemaker.CIBQuery(), pacemaker.MonQuery(), drbd.ProcQuery()}
	for _, p := range f.RestsOn {
		qs = append(qs, kind.FileQuery(p))
	}
	if qs = kind.Unread(seen[host].Seen, qs...); len(qs) > 0 {
		return qs
	}
	if f.needsHistory(f.proofs(seen)) {
		return kind.Unread(seen[host].Seen, f.history())
	}
	return nil
}

// needsHistory: the record alone does not prove every host.
func (f *Fencing) needsHistory(all []hostProof) bool {
	return f.anew || f.replaced != "" || slices.ContainsFunc(all, func(p hostProof) bool { return !p.recorded() })
}

func (f *Fencing) lab() bool {
	for _, n := range f.Nodes {
		if !n.Lab {
			return false
		}
	}
	return len(f.Nodes) > 0
}

// Decide fences the next host whose proof is due, waits until it is back and in sync, and records
// the proofs.
func (f *Fencing) Decide(begin, seen probe.Hosts) (plan.Phase, error) {
	before, all := f.proofs(begin), f.proofs(seen)
	f.void(before, all)
	ph, err := f.decide(before, all, seen)
	for _, p := range all {
		ph.Proofs = append(ph.Proofs, p.told())
	}
	return ph, err
}

// void takes away what was proved of the replaced host before the run began.
func (f *Fencing) void(before, all []hostProof) {
	for i := range all {
		p := &all[i]
		fresh := slices.ContainsFunc(before, func(b hostProof) bool { return b.host == p.host && b.tagged != p.tagged })
		if p.host == f.replaced && !fresh {
			p.voided = p.fired != nil
			p.fired, p.last, p.by = nil, "", ""
		}
	}
}

func (f *Fencing) decide(begin, all []hostProof, seen probe.Hosts) (plan.Phase, error) {
	c, unready, err := lookCRM(seen)
	switch {
	case err != nil:
		return plan.Phase{}, err
	case unready != nil:
		return *unready, nil
	}
	for _, n := range c.names {
		for _, p := range f.RestsOn {
			if x, ok := seen[n].File(p); !ok || x.Exists && x.SHA256 == "" {
				return plan.Phase{}, fmt.Errorf("%s gives no answer about %s: whether fencing is proved cannot be told", n, p)
			}
		}
	}
	if f.needsHistory(all) {
		switch a := seen[c.host].Get(f.history()); {
		case a.State == probe.Unasked: // what this host alone showed needed none
			return kind.Wait("the fencing history is read", time.Minute), nil
		case a.State != probe.Answered || a.Exit != 0:
			return plan.Phase{}, fmt.Errorf("no answer about the fencing history: %s", a.Out)
		}
	}
	due, news := f.due(begin, all)
	if len(due) == 0 && !news {
		return plan.Phase{}, nil
	}
	if !f.asked && !f.lab() {
		return f.leave(c, all, due, news), nil
	}
	for _, n := range c.names {
		if c.state.Standby(n) {
			return plan.Phase{Note: "fencing is not proved while " + n + " is in maintenance"}, nil
		}
	}
	if held := heldFor(c); held != "" { // the active side is on its way
		return c.move(seen, held)
	}
	if reason, progress := c.unsettled(seen); reason != "" {
		return kind.Wait(reason, 8*time.Minute, progress), nil
	}
	if len(due) == 0 {
		return f.record(c, all, false), nil
	}
	return f.next(c, all, due, seen)
}

// due lists the hosts whose devices are to be fired; news is set when the record lacks a fencing.
// Anew, a fencing that stood in the history when the run began is an older one.
func (f *Fencing) due(begin, all []hostProof) (due []string, news bool) {
	before := map[string]string{}
	for _, p := range begin {
		before[p.host] = p.tagged
	}
	for _, p := range all {
		switch {
		case f.anew && p.tagged == before[p.host], !f.anew && !p.proved():
			due = append(due, p.host)
		case p.news():
			news = true
		}
	}
	return due, news
}

// next fences a standby that is due; when only the active host is, the active side moves first.
func (f *Fencing) next(c crm, all []hostProof, due []string, seen probe.Hosts) (plan.Phase, error) {
	active := c.active()
	k := slices.IndexFunc(due, func(n string) bool {
		return !slices.ContainsFunc(c.serving(), func(r pacemaker.Resource) bool { return r.Node == n })
	})
	if k < 0 && active == "" {
		return plan.Phase{Note: "fencing is not proved for " + strings.Join(due, ", ") + ": the services run on several hosts, and none of these is a standby that could be fenced"}, nil
	}
	if k < 0 {
		to := c.next(active)
		ph, err := c.move(seen, to)
		ph.Then = append(ph.Then, "fence "+active+", wait until it is back and in sync", "record the proof; "+to+" stays the active host")
		return ph, err
	}
	host, by := due[k], active
	if by == "" {
		by = c.another(host)
	}
	then := []string{"wait until " + host + " is back and in sync"}
	for _, n := range due {
		switch {
		case n == active:
			then = append(then, "move the active side to "+c.next(active), "fence "+n+", wait until it is back and in sync")
		case n != host:
			then = append(then, "fence "+n+", wait until it is back and in sync")
		}
	}
	// The agent, DRBD's handler and the election of a coordinator all take part.
	limit := int(180 * max(f.Speed, 1))
	p := all[slices.IndexFunc(all, func(p hostProof) bool { return p.host == host })]
	ph := plan.Phase{Name: "fence " + host, Away: []string{host}, Then: append(then, "record the proof"), Changes: map[string]plan.Change{by: {
		Diffs: []plan.Diff{{Attribute: "proof of " + host + "'s fence device", Have: p.told().State, Want: "fired by " + by}},
		Actions: []act.Action{{Title: "fence " + host,
			Shell:   fmt.Sprintf("stonith_admin --reboot %s --tag %s --timeout %d", shell.Quote(host), p.tag(), limit),
			Guard:   c.settledGuard(by, host),
			Timeout: time.Duration(limit+60) * time.Second, Touches: []probe.Subject{probe.All}}}}}}
	return ph, nil
}

// leave fires nothing: the user has not asked for it. That the devices are as they are now is
// recorded, so that a fencing which the cluster asks for later counts.
func (f *Fencing) leave(c crm, all []hostProof, due []string, news bool) plan.Phase {
	if news || slices.ContainsFunc(all, func(p hostProof) bool { return p.voided || !p.proved() && !p.watched() }) {
		ph := f.record(c, all, true)
		ph.Record = true
		return ph
	}
	return plan.Phase{Note: "fencing is not proved for " + strings.Join(due, ", ") + ": `haprov up --prove-fencing` fences each once and waits until it is back"}
}

// record writes the proofs down. now stands in for the host's own clock.
func (f *Fencing) record(c crm, all []hostProof, watch bool) plan.Phase {
	const now = "@NOW@"
	var words []string
	have, want := []string{}, []string{}
	for _, p := range all {
		have, want = append(have, p.host+" "+p.recordedState()), append(want, p.host+" "+p.told().State)
		for _, r := range p.record(now, watch) {
			words = append(words, r.Text())
		}
	}
	title := "record what is proved of fencing"
	text := "at=$(date -u +%Y-%m-%dT%H:%M:%SZ)\ncrm_attribute --type crm_config --set-name haprov-record --name " + provedProperty +
		" --update \"$(printf %s " + shell.Quote(strings.Join(words, " ")) + " | sed \"s/" + now + "/$at/g\")\""
	return plan.Phase{Name: "record the proof", Record: true, Changes: map[string]plan.Change{c.host: {
		Diffs:   []plan.Diff{{Attribute: "proof of fencing", Have: strings.Join(have, ", "), Want: strings.Join(want, ", ")}},
		Actions: []act.Action{{Title: title, Shell: text, Touches: []probe.Subject{pacemaker.CIB}}}}}}
}
