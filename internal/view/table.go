package view

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"text/tabwriter"
	"time"

	"haprov/internal/engine"
	"haprov/internal/kind"
	"haprov/internal/protocol"
	"haprov/internal/recipe"
)

// tally is what each host came to, for the table at the end.
type tally struct {
	changes map[string]int
	busy    map[string]time.Duration
}

func (t *tally) count(e engine.Event) {
	if t.changes == nil {
		t.changes, t.busy = map[string]int{}, map[string]time.Duration{}
	}
	switch e := e.(type) {
	case engine.Connected:
		t.changes[e.Host] += 0
		t.busy[e.Host] += e.Took
	case engine.Exchanged:
		t.busy[e.Host] += e.Took
	case engine.Failed:
		t.changes[e.Host] += 0
	case engine.Done:
		if !e.Unchanged {
			t.changes[e.Host]++
		}
	}
}

// table draws a line a host: its changes, the seconds it worked (waits do not count), its verdict.
// Nothing is drawn where nothing happened.
func (v *Human) table(s engine.Summary, err error) {
	refused := errors.Is(err, engine.ErrLocked) || errors.Is(err, engine.ErrDanger) || errors.Is(err, engine.ErrNotApproved)
	if s.Changes+s.Failed == 0 || s.Changes == 0 && refused {
		return
	}
	hosts := make([]string, 0, len(v.tally.changes))
	for h := range v.tally.changes {
		hosts = append(hosts, h)
	}
	sort.Strings(hosts)
	w := tabwriter.NewWriter(v.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "host\tchanges\tbusy\tverdict")
	for _, h := range hosts {
		verdict := "unchanged"
		if v.tally.changes[h] > 0 {
			verdict = "converged"
		}
		switch why := s.Outcomes[h]; {
		case errors.Is(why, context.Canceled):
			verdict = "interrupted"
		case errors.Is(why, kind.ErrSkipped):
			verdict = "skipped"
		case why != nil:
			verdict = "failed"
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f s\t%s\n", h, v.tally.changes[h], v.tally.busy[h].Seconds(), verdict)
	}
	w.Flush()
	v.tally = tally{}
}

// Ready says where the service is and, with next, what to type now. flags are those that name the
// inventory; unproved are the hosts whose fence devices were not fired as they are now.
func Ready(w io.Writer, endpoints []recipe.Endpoint, flags string, unproved []string, lab, next bool) {
	endpoint := services(endpoints)
	switch {
	case len(unproved) > 0:
		fmt.Fprintln(w, strings.TrimSuffix("ready, fencing not proved for "+strings.Join(unproved, ", ")+": "+endpoint, ": "))
		fmt.Fprintf(w, "  to prove it, which fences each once: haprov up --prove-fencing%s\n", flags)
	case endpoint != "":
		fmt.Fprintf(w, "ready: %s\n", endpoint)
	}
	if next && (endpoint != "" || lab) {
		hints(w, endpoints, flags, lab)
	}
}

// services is where all endpoints are, with their names when there are several.
func services(endpoints []recipe.Endpoint) string {
	var out []string
	for _, e := range endpoints {
		text := e.At()
		if len(endpoints) > 1 {
			text = e.Name + " " + text
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// use is how a person comes to an endpoint: by its SQL client where it has one. What is taken without
// a name is not named.
func use(endpoints []recipe.Endpoint, flags string) (out []string) {
	asked, secured := false, false
	for i, e := range endpoints {
		p, _ := protocol.Lookup(e.Protocol)
		line := ""
		switch {
		case p.Open != nil && !asked:
			line, asked = "haprov sql"+flags+"\tSQL client", true
		case p.Open != nil:
			line = "haprov sql" + flags + " " + e.Name + "\tSQL client, " + e.Name
		case i == 0:
			line = "haprov forward" + flags + "\tserve " + e.Name + " on loopback"
		default:
			line = "haprov forward" + flags + " " + e.Name + "\tserve it on loopback"
		}
		out = append(out, line)
		if e.CA != "" && !secured {
			secured = true
			line = "haprov ca" + flags
			if i > 0 {
				line += " " + e.Name
			}
			out = append(out, line+"\tcertificate that your clients verify the server by")
		}
	}
	return out
}

func hints(w io.Writer, endpoints []recipe.Endpoint, flags string, lab bool) {
	next := use(endpoints, flags)
	if len(endpoints) > 0 {
		next = append(next, "haprov status"+flags+"\tstate of the cluster")
	}
	if lab {
		next = append(next, "haprov ssh"+flags+" HOST\tlog in", "haprov lab power-off"+flags+" HOST\tcut its power", "haprov down"+flags+"\tdestroy the lab")
	}
	fmt.Fprintln(w, "next:")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range next {
		fmt.Fprintln(t, "  "+l)
	}
	t.Flush()
}
