package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"haprov/internal/plan"
)

// toChange counts; what is known only on the way is not in the number.
func toChange(p plan.Plan) string {
	n, more := 0, false
	var waits []string
	for _, it := range p.Items {
		if w := it.Change.Wait; w != nil && !slices.Contains(waits, w.Text()) {
			waits = append(waits, w.Text())
		}
		more = more || it.Provisional || len(it.Then) > 0 || it.Change.Wait != nil
		if it.Change.Wait == nil || len(it.Change.Diffs) > 0 {
			n++
		}
	}
	if n == 0 && more {
		return "no changes known yet; waiting for: " + Clean(strings.Join(waits, ", "))
	}
	if more {
		return fmt.Sprintf("at least %d to change", n)
	}
	return fmt.Sprintf("%d to change", n)
}

// brief draws a plan with a line a step, hosts with the same change together. New texts are counted,
// changed ones are shown; whatever destroys data is shown in full.
func (v *Human) brief(w io.Writer, p plan.Plan) {
	type entry struct {
		hosts []string
		step  string
		text  string
		diffs []plan.Diff
	}
	var all []*entry
	by := map[string]*entry{}
	for _, it := range p.Items {
		step := strings.TrimPrefix(it.Address, it.Host+":")
		if it.Phase != "" {
			step += ", " + it.Phase
		}
		e := &entry{step: step}
		if it.Host != "" {
			e.hosts = []string{it.Host}
		}
		words := []string{}
		for _, d := range it.Change.Diffs {
			switch {
			case d.Danger != "" || d.Text && d.Have != "":
				e.diffs = append(e.diffs, d)
			case d.Text:
				words = append(words, fmt.Sprintf("new, %d lines", strings.Count(d.Want, "\n")))
			case it.Phase == "" && strings.HasPrefix(d.Want, "(sensitive"):
				words = append(words, d.Attribute+" (sensitive)")
			case it.Phase == "":
				words = append(words, d.Attribute+" "+d.Want)
			}
		}
		if it.Change.Wait != nil {
			words = append(words, "waiting for: "+it.Change.Wait.Text())
		}
		if len(it.Then) > 0 {
			words = append(words, "then "+strings.Join(it.Then, ", "))
		}
		e.text = Clean(strings.Join(words, ", "))
		key := e.step + "\x00" + e.text + fmt.Sprint(e.diffs)
		if same := by[key]; same != nil {
			same.hosts = append(same.hosts, e.hosts...)
			continue
		}
		by[key] = e
		all = append(all, e)
	}
	for _, e := range all {
		line := fmt.Sprintf("%-8s %s", strings.Join(e.hosts, ","), Clean(e.step))
		if e.text != "" {
			line += ": " + e.text
		}
		fmt.Fprintf(w, "%s %s\n", v.paint("33", "~"), fit(line, 77))
		for _, d := range e.diffs {
			v.diff(w, d)
		}
	}
	fmt.Fprintln(w, toChange(p))
}
