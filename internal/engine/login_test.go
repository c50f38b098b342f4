package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
	"haprov/internal/transport"
)

// tried wants a line in each of two files; the second one only after a new login.
type tried struct {
	dir    string
	within time.Duration
}

func (s tried) Probe(probe.Seen) []probe.Query {
	return []probe.Query{{Kind: probe.Text, Name: s.dir + "/kept"}}
}
func (s tried) Decide(seen probe.Seen) (plan.Change, error) {
	if x, ok := seen.Text(s.dir + "/kept"); !ok || x.Exists {
		return plan.Change{}, nil
	}
	touches := []probe.Subject{probe.Of(probe.File, s.dir+"/kept")}
	return plan.Change{Actions: []act.Action{
		{Title: "try", Shell: "echo >>" + s.dir + "/tried", Touches: touches},
		{Title: "keep", Shell: "echo >>" + s.dir + "/kept", Touches: touches, AfterLogin: s.within},
	}}, nil
}

func TestAnActionIsDoneOnlyAfterANewLoginHasWorked(t *testing.T) {
	there := func(p string) bool { _, err := os.Stat(p); return err == nil }
	for name, c := range map[string]struct {
		locked int // how many of the new logins fail
		kept   bool
	}{
		"it works":                 {0, true},
		"it works when tried anew": {1, true},
		"nobody gets in":           {1 << 30, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, dir := newLab(t), t.TempDir()
			l.state("db1")
			logins := 0
			open := func(ctx context.Context, host string) (transport.Session, error) {
				logins++
				if logins > 1 && !there(dir+"/tried") {
					t.Error("a new login before there was a reason")
				}
				if logins > 1 && logins <= 1+c.locked {
					return nil, fmt.Errorf("no answer: %w", transport.ErrUnreachable)
				}
				return l.open(ctx, host)
			}
			h := recipe.Chain{Host: "db1", Items: []*recipe.Item{
				{Address: "db1:tried.x", Step: tried{dir, 5 * time.Second}},
				{Address: "db1:content.after", Step: content{path: dir + "/after", text: "x"}},
			}}
			if !c.kept {
				h.Items[0].Step = tried{dir, time.Second}
			}
			s, err := Run(t.Context(), Options{Hosts: []recipe.Chain{h}, Open: open, Holder: "test"})
			if got := there(dir+"/kept") && there(dir+"/after"); got != c.kept {
				t.Errorf("done: %t, want %t: %+v %v", got, c.kept, s, err)
			}
			if c.kept && (err != nil || logins != 2+c.locked) {
				t.Errorf("%d logins, %v", logins, err)
			}
			if out := fmt.Sprint(s.Outcomes["db1"]); !c.kept && (!errors.Is(err, transport.ErrUnreachable) || !strings.Contains(out, "db1:tried.x: keep: no new login worked within 1s")) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
