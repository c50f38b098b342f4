// Package fault brings about what a drill wants to see survived, and takes it back.
//
// Arm comes first: from then on a fault heals by itself at its lease's end, whoever dies. It must not
// know what a fault is good for, nor what is expected of it.
package fault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"haprov/internal/inventory"
	"haprov/internal/lab"
	"haprov/internal/preflight"
	"haprov/internal/recipe"
	"haprov/internal/shell"
)

// Fault is one fault on its targets:
//
//	idle -Arm-> armed -Inject-> active -Heal-> healing -Gone-> idle
//
// Heal may be repeated, also of what was never injected. After any error the fault is to be healed.
type Fault interface {
	Arm(ctx context.Context, lease time.Duration) error
	Inject(ctx context.Context) error
	Seen(ctx context.Context) (bool, error) // in force
	Heal(ctx context.Context) error
	Gone(ctx context.Context) (bool, error)
}

// World is what faults are brought about in.
type World struct {
	Lab       *lab.Client // nil: the machines are no lab's
	Inventory *inventory.Inventory
	// Shell runs a script as root of a host. The exit status is data; an error says that the host
	// did not answer.
	Shell func(ctx context.Context, host, script string) (out string, exit int, err error)
}

// Way is who would bring a fault about here: "lab", its supervisor; "hosts", root of them; or "" when
// nobody can.
func (w World) Way(f recipe.Fault) string {
	switch {
	case w.Lab != nil && (f.Lab != nil || f.Links != nil && f.Links.ByLab()):
		return "lab"
	case !f.NeedsLab():
		return "hosts"
	}
	return ""
}

// New makes a fault for its targets. id names it among all that are in force.
func (w World) New(f recipe.Fault, id string, targets []string) (Fault, error) {
	switch w.Way(f) {
	case "lab":
		return w.inLab(f, id, targets)
	case "hosts":
		if f.Links != nil {
			return w.byKernel(f, id, targets)
		}
		return &onHosts{World: w, what: func(string) recipe.ShellFault { return *f.Shell }, id: id, hosts: targets, kills: f.Risk == "host"}, nil
	}
	return nil, fmt.Errorf("fault %s can be brought about only in a lab", f.Name)
}

// Dir is where a host keeps what heals a fault by itself.
const Dir = preflight.DrillDir

// onHosts is a fault that root of each target brings about.
type onHosts struct {
	World
	what  func(host string) recipe.ShellFault
	id    string
	hosts []string
	kills bool              // a host may die of it, and with it what tells that it was in force
	boots map[string]string // by host: which boot it was armed in
}

// each runs a script on every host; ok tells whether all of them succeeded.
func (f *onHosts) each(ctx context.Context, script func(recipe.ShellFault) string) (ok bool, said string, err error) {
	ok = true
	for _, h := range f.hosts {
		out, exit, err := f.Shell(ctx, h, script(f.what(h)))
		if err != nil {
			return false, "", fmt.Errorf("%s: %w", h, err)
		}
		if exit != 0 {
			ok = false
			said += fmt.Sprintf("%s: exit %d %s; ", h, exit, strings.TrimSpace(out))
		}
	}
	return ok, strings.TrimSuffix(said, "; "), nil
}

func (f *onHosts) must(ctx context.Context, what string, script func(recipe.ShellFault) string) error {
	ok, said, err := f.each(ctx, script)
	if err == nil && !ok {
		err = errors.New(said)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// unit is the systemd unit that heals it on each host.
func (f *onHosts) unit() string { return "haprov-drill-" + f.id }

func (f *onHosts) Arm(ctx context.Context, lease time.Duration) error {
	// systemd-run(1): a transient timer; it outlives this program and the login.
	f.boots = map[string]string{}
	for _, h := range f.hosts {
		out, exit, err := f.Shell(ctx, h, "cat /proc/sys/kernel/random/boot_id")
		if err == nil && exit != 0 {
			err = fmt.Errorf("exit %d", exit)
		}
		if err != nil {
			return fmt.Errorf("arm: %s: %w", h, err)
		}
		f.boots[h] = strings.TrimSpace(out)
	}
	return f.must(ctx, "arm", func(s recipe.ShellFault) string {
		return fmt.Sprintf(`umask 077; mkdir -p %[1]s && printf '%%s\n' %[2]s >%[1]s/%[3]s.heal &&
systemd-run --quiet --collect --unit=%[4]s --on-active=%[5]d --timer-property=AccuracySec=1s /bin/sh %[1]s/%[3]s.heal 2>&1`,
			Dir, shell.Quote("( "+s.Heal+"\n)\nrm -f "+Dir+"/"+f.id+".heal"), f.id, f.unit(), int(lease.Seconds()))
	})
}

func (f *onHosts) Inject(ctx context.Context) error {
	return f.must(ctx, "inject", func(s recipe.ShellFault) string { return "( " + s.Inject + "\n) 2>&1" })
}

func (f *onHosts) Seen(ctx context.Context) (bool, error) {
	for _, h := range f.hosts {
		script := "( " + f.what(h).Seen + "\n) >/dev/null 2>&1"
		if f.kills && f.boots[h] != "" { // another boot: it did not outlive it
			script += ` || [ "$(cat /proc/sys/kernel/random/boot_id)" != ` + shell.Quote(f.boots[h]) + " ]"
		}
		if _, exit, err := f.Shell(ctx, h, script); err != nil || exit != 0 {
			return false, err
		}
	}
	return true, nil
}

func (f *onHosts) Heal(ctx context.Context) error {
	return f.must(ctx, "heal", func(s recipe.ShellFault) string {
		return fmt.Sprintf("( %s\n) 2>&1 && { systemctl stop %s.timer >/dev/null 2>&1; rm -f %s/%s.heal; }", s.Heal, f.unit(), Dir, f.id)
	})
}

func (f *onHosts) Gone(ctx context.Context) (bool, error) {
	ok, _, err := f.each(ctx, func(s recipe.ShellFault) string { return "( " + s.Gone + "\n) >/dev/null 2>&1" })
	return ok, err
}

// HealAll is a script that heals on a host whatever a drill has left there, and says what it was.
const HealAll = `for f in ` + Dir + `/*.heal; do [ -e "$f" ] || continue; n=${f##*/}; n=${n%.heal}
sh "$f" >/dev/null 2>&1; systemctl stop "haprov-drill-$n.timer" >/dev/null 2>&1; rm -f "$f"; echo "$n"; done`

// inLab is a fault that the lab's supervisor brings about.
type inLab struct {
	World
	what  recipe.LabFault
	wire  recipe.LinkFault
	id    string
	hosts []string
	links []link
	begun map[string]time.Time // when each target was started, before the fault
}

type link struct{ from, to, network string }

func (w World) inLab(f recipe.Fault, id string, targets []string) (Fault, error) {
	x := &inLab{World: w, id: id, hosts: targets}
	if f.Lab != nil {
		x.what = *f.Lab
		return x, nil
	}
	x.wire = *f.Links
	var err error
	x.links, err = w.linksOf(f, targets)
	return x, err
}

// linksOf are the links of the targets that a fault is put on, each once.
func (w World) linksOf(fault recipe.Fault, targets []string) (out []link, err error) {
	f := fault.Links
	for _, n := range w.Inventory.Networks {
		if f.Carry != "" && !slices.Contains(n.Carries, f.Carry) {
			continue
		}
		on := func(host string) bool {
			h, _ := w.Inventory.Host(host)
			return slices.ContainsFunc(h.Addresses, func(a inventory.Address) bool { return a.Network == n.Name })
		}
		for _, t := range targets {
			if !on(t) {
				continue
			}
			if f.To != "gateway" {
				for _, h := range w.Inventory.Hosts {
					twice := slices.Contains(out, link{h.Name, t, n.Name})
					if h.Name != t && on(h.Name) && !twice {
						out = append(out, link{t, h.Name, n.Name})
					}
				}
			}
			if f.To != "peers" {
				out = append(out, link{t, "gateway", n.Name})
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("fault %s: no link of %s is on a network that carries %s", fault.Name, strings.Join(targets, ", "), cmp.Or(f.Carry, "anything"))
	}
	return out, nil
}

// together: the power of several hosts comes back when it is gone from all of them. One after the other,
// the last would have the time to write down what the first had told it.
func (f *inLab) together() bool { return f.what.Power == "cycle" && len(f.hosts) > 1 }

func (f *inLab) Arm(ctx context.Context, lease time.Duration) error {
	var undo []lab.Undo
	for _, h := range f.hosts {
		switch {
		case f.what.Power == "off", f.together():
			undo = append(undo, lab.Undo{Action: "power-on", Host: h})
		case f.what.Pause:
			undo = append(undo, lab.Undo{Action: "resume", Host: h})
		case f.what.Fence != "":
			undo = append(undo, lab.Undo{Action: "obey", Host: h})
		}
	}
	for _, l := range f.links {
		undo = append(undo, lab.Undo{Action: "mend", From: l.from, To: l.to, Network: l.network, OneWay: f.wire.OneWay})
	}
	return f.Lab.Arm(ctx, f.id, lease, undo)
}

func (f *inLab) Inject(ctx context.Context) error {
	now, err := f.Lab.Status(ctx)
	if err != nil {
		return err
	}
	f.begun = map[string]time.Time{}
	for _, m := range now.Machines {
		if m.Started != nil {
			f.begun[m.Host] = *m.Started
		}
	}
	var all []error
	switch {
	case f.what.Power == "off":
		return f.Lab.PowerOffAll(ctx, f.hosts)
	case f.together():
		all = append(all, f.Lab.PowerOffAll(ctx, f.hosts))
		for _, h := range f.hosts {
			all = append(all, f.Lab.PowerOn(ctx, h))
		}
	case f.what.Power == "cycle":
		for _, h := range f.hosts {
			all = append(all, f.Lab.PowerCycle(ctx, h))
		}
	case f.what.Pause:
		for _, h := range f.hosts {
			all = append(all, f.Lab.Pause(ctx, h))
		}
	case f.what.Fence != "":
		for _, h := range f.hosts {
			all = append(all, f.Lab.RefuseFencing(ctx, h, true))
		}
	}
	for _, l := range f.links {
		switch {
		case f.wire.Delay > 0:
			all = append(all, f.Lab.Delay(ctx, l.from, l.to, l.network, f.wire.OneWay, f.wire.Delay))
		case f.wire.Loss > 0:
			all = append(all, f.Lab.Loss(ctx, l.from, l.to, l.network, f.wire.OneWay, float64(f.wire.Loss)/100))
		default:
			all = append(all, f.Lab.Cut(ctx, l.from, l.to, l.network, f.wire.OneWay))
		}
	}
	return errors.Join(all...)
}

func (f *inLab) Seen(ctx context.Context) (bool, error) {
	now, err := f.Lab.Status(ctx)
	if err != nil {
		return false, err
	}
	for _, h := range f.hosts {
		i := slices.IndexFunc(now.Machines, func(m lab.Machine) bool { return m.Host == h })
		if i < 0 {
			return false, fmt.Errorf("no machine %s in the lab", h)
		}
		m := now.Machines[i]
		switch {
		case f.what.Power == "off" && m.State != lab.OffByUser,
			f.what.Power == "cycle" && (m.Started == nil || m.Started.Equal(f.begun[h])),
			// one that its peers fenced meanwhile stands still no more, and was seen to
			f.what.Pause && m.State != lab.Paused && m.Started != nil && m.Started.Equal(f.begun[h]):
			return false, nil
		}
	}
	for _, l := range f.links {
		if !slices.ContainsFunc(now.Faults, l.is) {
			return false, nil
		}
	}
	return true, nil
}

func (l link) is(x lab.Fault) bool {
	return x.Network == l.network && x.From == l.from && x.To == l.to
}

func (f *inLab) Heal(ctx context.Context) error { return f.Lab.Release(ctx, f.id) }

func (f *inLab) Gone(ctx context.Context) (bool, error) {
	now, err := f.Lab.Status(ctx)
	if err != nil {
		return false, err
	}
	for _, m := range now.Machines {
		if slices.Contains(f.hosts, m.Host) && m.State != lab.Running && m.State != lab.Off {
			return false, nil
		}
	}
	for _, l := range f.links {
		if slices.ContainsFunc(now.Faults, l.is) {
			return false, nil
		}
	}
	return !slices.ContainsFunc(now.Leases, func(x lab.Lease) bool { return x.ID == f.id }), nil
}
