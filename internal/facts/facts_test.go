package facts_test

import (
	"os/exec"
	"testing"

	"haprov/internal/facts"
	"haprov/internal/probe"
)

// TestEveryFactIsReadHere asks this machine: each query must answer in the form it promises.
func TestEveryFactIsReadHere(t *testing.T) {
	for _, f := range facts.Table {
		out, err := exec.Command("sh", "-c", f.Query.Shell).Output()
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		seen := probe.NewSeen(map[probe.Key]probe.Answer{f.Query.Key(): {State: probe.Answered, Out: string(out)}})
		if v, ok, err := f.Read(seen); !ok || err != nil || v == "" {
			t.Errorf("%s: %v %v %v", f.Name, v, ok, err)
		}
	}
}

// TestHostsThatLieAreRefused gives answers that are no facts.
func TestHostsThatLieAreRefused(t *testing.T) {
	for name, out := range map[string]string{"kernel": "6.1\x1b]0;x", "arch": "", "cpus": "-1", "memory": "1e9", "os": "deb\nian"} {
		f, _ := facts.Lookup(name)
		seen := probe.NewSeen(map[probe.Key]probe.Answer{f.Query.Key(): {State: probe.Answered, Out: out}})
		if v, ok, err := f.Read(seen); !ok || err == nil {
			t.Errorf("%s: %q was taken for %v", name, out, v)
		}
	}
	f, _ := facts.Lookup("kernel")
	if _, ok, err := f.Read(probe.Seen{}); ok || err != nil {
		t.Errorf("an unasked fact: %v %v", ok, err)
	}
}
