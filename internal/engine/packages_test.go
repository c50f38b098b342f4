package engine

import (
	"fmt"
	"strings"
	"testing"

	"haprov/internal/act"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/recipe"
)

// wants is a step that wants its actions done, whatever is seen.
type wants struct {
	reads probe.Query
	as    []act.Action
	later string
}

func (w wants) Probe(probe.Seen) []probe.Query { return []probe.Query{w.reads} }
func (w wants) Decide(probe.Seen) (plan.Change, error) {
	return plan.Change{Actions: w.as, Later: w.later}, nil
}

func installing(name string) wants {
	return wants{reads: probe.Query{Kind: probe.Package, Name: name}, as: []act.Action{{Title: "install " + name, Install: []string{name}, Touches: []probe.Subject{probe.All}}}}
}

func writing(path string) wants {
	return wants{reads: probe.Query{Kind: probe.File, Name: path}, as: []act.Action{{Title: "write " + path, Shell: "x", Touches: []probe.Subject{probe.Of(probe.File, path)}}}}
}

func running(title string) wants {
	return wants{reads: probe.Cmd(title, "true"), as: []act.Action{{Title: title, Shell: "x", Touches: []probe.Subject{probe.All}}}}
}

// batches are what a host's steps are done in, by the titles of the joined actions.
func batches(t *testing.T, steps ...wants) string {
	t.Helper()
	h := &host{run: &run{}, asked: map[*recipe.Item][]probe.Query{}}
	var items []*recipe.Item
	for i, s := range steps {
		it := &recipe.Item{Address: fmt.Sprint(i), Step: s}
		h.asked[it] = []probe.Query{s.reads}
		items = append(items, it)
	}
	var out []string
	done := map[string]bool{}
	for len(items) > 0 {
		batch, n, _, err := h.collect(items)
		if err != nil || n == 0 {
			t.Fatalf("%d items: %v", n, err)
		}
		var as []act.Action
		for _, b := range batch {
			if k := b.address + b.action.Title; !done[k] { // apt leaves alone what is there by then
				done[k] = true
				as = append(as, b.action)
			}
		}
		joined, _ := act.Join(as)
		var titles []string
		for _, a := range joined {
			titles = append(titles, a.Title)
		}
		if len(titles) > 0 {
			out = append(out, strings.Join(titles, "; "))
		}
		items = items[n:]
	}
	return strings.Join(out, " | ")
}

func TestPackagesOfAHostAreOneTransaction(t *testing.T) {
	unknown := wants{reads: probe.Query{Kind: probe.Unit, Name: "nginx.service"}, later: "no such unit yet"}
	for _, x := range []struct {
		name  string
		steps []wants
		want  string
	}{
		{"side by side", []wants{installing("a"), installing("b")}, "install a, b"},
		{"after something else", []wants{writing("/etc/x"), installing("a"), installing("b")}, "write /etc/x; install a, b"},
		{"with something between", []wants{installing("a"), writing("/etc/x"), installing("b")}, "install a, b | write /etc/x"},
		{"with something before and between", []wants{writing("/etc/w"), installing("a"), writing("/etc/x"), installing("b")}, "write /etc/w; install a, b | write /etc/x"},
		{"of which the first comes after a command", []wants{running("update"), installing("a"), writing("/etc/x"), installing("b")}, "update | install a, b | write /etc/x"},
		{"with a command between, which may bring a package source", []wants{installing("a"), running("update"), installing("b")}, "install a | update | install b"},
		{"with a package source between", []wants{installing("a"), writing("/etc/apt/sources.list.d/b.list"), installing("b")}, "install a | write /etc/apt/sources.list.d/b.list; install b"},
		{"with a pin between", []wants{installing("a"), writing("/etc/apt/preferences.d/b"), installing("b")}, "install a | write /etc/apt/preferences.d/b; install b"},
	} {
		if got := batches(t, x.steps...); got != x.want {
			t.Errorf("%s: %s, want %s", x.name, got, x.want)
		}
	}
	h := &host{run: &run{}, asked: map[*recipe.Item][]probe.Query{}}
	var items []*recipe.Item
	for _, s := range []wants{writing("/etc/x"), installing("a"), unknown, installing("b")} {
		it := &recipe.Item{Step: s}
		h.asked[it] = []probe.Query{s.reads}
		items = append(items, it)
	}
	if batch, n, _, err := h.collect(items); err != nil || n != 2 || len(batch) != 3 {
		t.Errorf("past what is not known yet: %d actions of %d items, %v", len(batch), n, err)
	}
}
