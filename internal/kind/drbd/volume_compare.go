package drbd

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/drbd"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/shell"
)

// volumeCompare compares both sides of a volume, block by block, while it is in use: the recipe's unit
// does it, which its timer starts, too. A comparison that is under way already is waited for.
//
//	not both up to date, or none is Primary: refused
//	as when the run began --start the unit--> under way --wait--> compared since
type volumeCompare struct{ DRBDVolume }

// longestComparison bounds a comparison, which reads all of two disks at DRBD's synchronisation rate.
const longestComparison = 24 * time.Hour

// record is what the unit wrote down when it last came to its end.
func (d *DRBDVolume) record() probe.Query {
	q := probe.Cmd("comparison of "+d.Name, d.recorded()+" || true", d.compares())
	q.Max = 4 << 10
	return q
}

// recorded prints it.
func (d *DRBDVolume) recorded() string {
	return "cat /var/lib/haprov-drbd-verify/" + shell.Quote(d.Name) + " 2>/dev/null"
}

// compares is what a comparison changes on a host.
func (d *DRBDVolume) compares() probe.Subject { return probe.Topic("comparison:" + d.Name) }

// life tells the unit's last start, how that goes, what it wrote down and what it said. It is one
// question, in this order: a unit that was seen to have ended wrote down before what it came to.
func (c *volumeCompare) life() probe.Query {
	u := shell.Quote(c.Verify)
	q := probe.Cmd("run of "+c.Verify, "systemctl show -P InvocationID -- "+u+"; systemctl show -P ActiveState -- "+u+
		"; "+c.recorded()+"; echo; journalctl -u "+u+" -n 3 -o cat --no-pager 2>/dev/null || true", c.compares())
	q.Max = 16 << 10
	return q
}

// run is what life tells.
type run struct{ start, state, record, log string }

func (c *volumeCompare) run(s probe.Seen) (r run) {
	r.start, r.log, _ = strings.Cut(s.Get(c.life()).Out, "\n")
	r.state, r.log, _ = strings.Cut(r.log, "\n")
	for strings.Contains(r.log, "=") {
		line, rest, _ := strings.Cut(r.log, "\n")
		if !recordLine.MatchString(line) {
			break
		}
		r.record, r.log = r.record+line+"\n", rest
	}
	return r
}

var recordLine = regexp.MustCompile(`^(finished|seconds|differs_kib)=[0-9]+$`)

// Probe asks for the volume's state, and for the unit and what it came to.
func (c *volumeCompare) Probe(host string, seen probe.Hosts) []probe.Query {
	return kind.Unread(seen[host].Seen, drbd.ProcQuery(), c.life())
}

// Decide starts the unit on the side that is Primary, and waits for its end.
func (c *volumeCompare) Decide(begin, now probe.Hosts) (plan.Phase, error) {
	primary := ""
	var said []string
	for _, n := range c.Nodes {
		s := now[n.Name]
		if s.Lost != "" {
			return plan.Phase{}, fmt.Errorf("%s is not reachable (%s): two sides are needed to compare them", n.Name, s.Lost)
		}
		v, err := c.shown(s.Seen)
		switch {
		case err != nil:
			return plan.Phase{}, fmt.Errorf("%s: %w", n.Name, err)
		case v == nil:
			return plan.Phase{}, fmt.Errorf("volume %s is not up on %s (haprov up)", c.Name, n.Name)
		}
		said = append(said, "  "+n.Name+": "+v.String())
		if !v.Healthy() {
			return plan.Phase{}, fmt.Errorf("volume %s is compared when both sides are connected and up to date (haprov status)\n%s", c.Name, strings.Join(said, "\n"))
		}
		if v.Role == "Primary" {
			primary = n.Name
		}
		if r := c.run(s.Seen); r.record != c.run(begin[n.Name].Seen).record {
			return plan.Phase{}, nil // on either: the volume may have moved since
		}
	}
	if primary == "" {
		return plan.Phase{}, errors.New("volume " + c.Name + " is compared by the side that is in use, and none is (haprov status)\n" + strings.Join(said, "\n"))
	}
	r := c.run(now[primary].Seen)
	switch {
	case r.state == "activating" || r.state == "active":
		return c.underWay(primary, now[primary].Seen, said), nil
	case r.start != c.run(begin[primary].Seen).start:
		return plan.Phase{}, fmt.Errorf("%[1]s on %[2]s ended before it had compared both sides (journalctl -u %[1]s)\n%[3]s", c.Verify, primary, strings.TrimSpace(r.log))
	}
	return plan.Phase{Name: "compare both sides of volume " + c.Name, Then: []string{"wait until they are compared"}, Changes: map[string]plan.Change{primary: {
		Diffs: []plan.Diff{{Attribute: "volume " + c.Name, Have: told(r.record), Want: "compared now"}},
		Actions: []act.Action{{Title: "compare both sides of " + c.Name, Shell: "systemctl start --no-block " + shell.Quote(c.Verify),
			Touches: []probe.Subject{c.compares()}}}}}}, nil
}

func (c *volumeCompare) underWay(host string, s probe.Seen, said []string) plan.Phase {
	ph := kind.Wait("both sides of volume "+c.Name+" are compared", longestComparison)
	ph.Wait.Evidence = strings.Join(said, "\n")
	if done := drbd.Compared(s.Get(drbd.ProcQuery()).Out)[fmt.Sprint(c.Minor)]; done != "" {
		ph.Wait.Progress = done + " %"
	}
	return ph
}

// comparison is what a comparison came to.
type comparison struct {
	At      time.Time `json:"at"`
	Seconds int64     `json:"seconds"`
	Differs int64     `json:"differs_kib"`
}

// readComparison reads what the unit wrote down; nothing when it never came to its end there.
func readComparison(text string) (*comparison, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	got := map[string]int64{}
	for l := range strings.Lines(text) {
		k, v, _ := strings.Cut(strings.TrimSpace(l), "=")
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 || n > 1<<50 {
			return nil, fmt.Errorf("the record of the last comparison tells %.40q for %.40s", v, k)
		}
		got[k] = n
	}
	for _, k := range []string{"finished", "seconds", "differs_kib"} {
		if _, ok := got[k]; !ok {
			return nil, fmt.Errorf("the record of the last comparison does not tell %s", k)
		}
	}
	return &comparison{time.Unix(got["finished"], 0).UTC(), got["seconds"], got["differs_kib"]}, nil
}

func (c *comparison) String() string {
	what := "no difference"
	if c.Differs > 0 {
		what = fmt.Sprintf("%d KiB differed", c.Differs)
	}
	return "compared " + c.At.Format("2006-01-02 15:04") + " (UTC), " + what
}

func told(record string) string {
	if c, err := readComparison(record); c != nil && err == nil {
		return c.String()
	}
	return "never compared"
}
