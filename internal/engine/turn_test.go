package engine

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
)

// logged tells a log when its two actions run.
type logged struct {
	log, host string
	fails     bool
}

func (logged) Probe(probe.Seen) []probe.Query { return nil }
func (l logged) Decide(probe.Seen) (plan.Change, error) {
	last := act.Action{Title: "end", Shell: "echo end " + l.host + " >>" + l.log}
	if l.fails {
		last.Shell = "exit 4"
	}
	return plan.Change{Actions: []act.Action{{Title: "begin", Shell: "echo begin " + l.host + " >>" + l.log}, last}}, nil
}

// serially runs a step on hosts, so many at once, and gives what they logged.
func serially(t *testing.T, hosts, serial, failing int) (Summary, []string, error) {
	t.Helper()
	l, log := newLab(t), t.TempDir()+"/log"
	turn := &recipe.Serial{Hosts: serial}
	var chains []recipe.Chain
	for i := range hosts {
		name := fmt.Sprint("web", i+1)
		chains = append(chains, recipe.Chain{Host: name, Items: []*recipe.Item{{Address: name + ":logged.x", Step: logged{log, name, i+1 == failing}, Serial: turn}}})
	}
	s, err := l.run(chains...)
	text, _ := os.ReadFile(log)
	return s, strings.Split(strings.TrimSpace(string(text)), "\n"), err
}

func TestASerialBlockRunsOnAFewHostsAtOnce(t *testing.T) {
	for _, serial := range []int{1, 2, 4, 9} {
		s, lines, err := serially(t, 5, serial, 0)
		if err != nil || s.Changes != 10 || len(lines) != 10 {
			t.Fatalf("%d at once: %+v %v %q", serial, s, err, lines)
		}
		for from := 0; from < 5; from += serial {
			to := min(from+serial, 5)
			batch := strings.Join(lines[2*from:2*to], "\n")
			for i := from; i < to; i++ {
				if !strings.Contains(batch, fmt.Sprint("begin web", i+1)) || !strings.Contains(batch, fmt.Sprint("end web", i+1)) {
					t.Errorf("%d at once: web%d is not in its batch: %q", serial, i+1, lines)
				}
			}
		}
	}
}

func TestWhenAHostFailsThoseOfLaterBatchesAreLeftAlone(t *testing.T) {
	s, lines, err := serially(t, 4, 1, 2)
	if !errors.Is(err, ErrHosts) || s.Failed != 3 || strings.Join(lines, ", ") != "begin web1, end web1, begin web2" {
		t.Fatalf("%+v %v %q", s, err, lines)
	}
	for _, h := range []string{"web3", "web4"} {
		if why := fmt.Sprint(s.Outcomes[h]); !strings.Contains(why, "left alone: web2 failed") && !strings.Contains(why, "left alone: web3 failed") {
			t.Errorf("%s: %s", h, why)
		}
	}
	if !strings.Contains(err.Error(), "web2:logged.x") {
		t.Errorf("the cause is not told first: %v", err)
	}
}

func TestAFailureAfterASerialBlockHoldsNobodyUp(t *testing.T) {
	l, log := newLab(t), t.TempDir()+"/log"
	turn := &recipe.Serial{Hosts: 1}
	var chains []recipe.Chain
	for _, h := range []string{"web1", "web2", "web3"} {
		chains = append(chains, recipe.Chain{Host: h, Items: []*recipe.Item{{Address: h + ":logged.x", Step: logged{log, h, false}, Serial: turn}}})
	}
	chains[0].Items = append(chains[0].Items, &recipe.Item{Address: "web1:failing.x", Step: failing{}})
	if s, err := l.run(chains...); !errors.Is(err, ErrHosts) || s.Failed != 1 {
		t.Errorf("%+v %v", s, err)
	}
}
