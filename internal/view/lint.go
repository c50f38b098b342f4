package view

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"haprov/internal/lint"
)

// Lint draws reports of haprov lint for people.
type Lint struct {
	Out   io.Writer
	Color bool
	Short bool // a line for each finding, without reasons and remedies
	All   bool // what is ok or does not apply, too
}

// lintWidth is where texts are folded.
const lintWidth = 98

// Report draws one: what cannot be read first, then what was found by severity, what is unknown for want
// of which file, and the sum. Whatever hosts said is made printable.
func (l Lint) Report(r lint.Report) {
	hosts := "1 host"
	if len(r.Hosts) != 1 {
		hosts = fmt.Sprintf("%d hosts", len(r.Hosts))
	}
	fmt.Fprintf(l.Out, "%s: %s: %s\n", Clean(r.From), hosts, Clean(strings.Join(r.Hosts, ", ")))
	l.gathered(r, lint.Unreadable, "unreadable", "31")
	for _, s := range []lint.Severity{lint.Critical, lint.Warning, lint.Advice} {
		for _, x := range r.Results {
			if x.Severity == s && slices.ContainsFunc(x.Findings, func(f lint.Finding) bool { return f.Word == lint.Bad }) {
				l.found(x)
			}
		}
	}
	l.gathered(r, lint.Unknown, "unknown", "33")
	if l.All {
		for _, x := range r.Results {
			switch x.Word {
			case lint.OK:
				fmt.Fprintf(l.Out, "%s  %s: %s\n", l.mark("32", "ok"), x.ID, x.Title)
			case lint.None:
				fmt.Fprintf(l.Out, "not applicable  %s: %s\n", x.ID, Clean(x.Findings[0].Found))
			}
		}
	}
	if few := 5; len(r.Unused) > few {
		fmt.Fprintf(l.Out, "not read: %d files with names that lint does not know, such as %s\n", len(r.Unused), Clean(strings.Join(r.Unused[:few], ", ")))
	} else if len(r.Unused) > 0 {
		fmt.Fprintf(l.Out, "not read: %s\n", Clean(strings.Join(r.Unused, ", ")))
	}
	n := r.Count
	fmt.Fprintf(l.Out, "%d checks: %d unreadable, %d found something (%d critical, %d warning, %d advice), %d unknown, %d ok, %d not applicable\n",
		len(r.Results), n[lint.Unreadable], n[lint.Bad], r.Found["critical"], r.Found["warning"], r.Found["advice"], n[lint.Unknown], n[lint.OK], n[lint.None])
}

func (l Lint) mark(code, text string) string {
	if l.Color {
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	return text
}

func (l Lint) found(x lint.Result) {
	color := map[lint.Severity]string{lint.Critical: "31", lint.Warning: "33", lint.Advice: "36"}[x.Severity]
	if l.Short {
		for _, f := range alike(x.Findings) {
			fmt.Fprintf(l.Out, "%s  %s  %s%s\n", l.mark(color, string(x.Severity)), x.ID, place(f), Clean(f.Text()))
		}
		return
	}
	fmt.Fprintf(l.Out, "\n%s  %s\n", l.mark(color, string(x.Severity)), x.ID)
	for _, f := range alike(x.Findings) {
		l.lines("  ", "    ", place(f)+Clean(f.Text()))
	}
	for _, y := range [][2]string{{"rule", x.Title}, {"why", x.Why}, {"remedy", x.Remedy}, {"haprov", x.Command}, {"source", x.Source}} {
		if y[1] != "" {
			l.lines(fmt.Sprintf("    %-8s", y[0]), "            ", y[1])
		}
	}
}

// alike are the faults among findings; those that differ in their host alone become one.
func alike(all []lint.Finding) (out []lint.Finding) {
	at := map[lint.Finding]int{}
	for _, f := range all {
		if f.Word != lint.Bad {
			continue
		}
		key := f
		key.Host = ""
		if i, had := at[key]; had {
			out[i].Host += ", " + f.Host
			continue
		}
		at[key] = len(out)
		out = append(out, f)
	}
	return out
}

// place is where a finding is, with what parts it from the text.
func place(f lint.Finding) string {
	at := f.File
	if f.Line > 0 {
		at += fmt.Sprintf(":%d", f.Line)
	}
	switch {
	case f.Host != "" && at != "":
		return Clean(f.Host+" "+at) + ": "
	case f.Host+at != "":
		return Clean(f.Host+at) + ": "
	}
	return ""
}

func (l Lint) lines(first, then, text string) {
	for i, line := range folded(text, lintWidth-len(then)) {
		if i == 0 {
			fmt.Fprintln(l.Out, first+line)
			continue
		}
		fmt.Fprintln(l.Out, then+line)
	}
}

// gathered draws the findings of a word: each reason once, with the checks that it leaves unjudged.
func (l Lint) gathered(r lint.Report, word lint.Word, title, color string) {
	var reasons []string
	checks, hosts := map[string][]string{}, map[string][]string{}
	add := func(to map[string][]string, key, x string) {
		if x != "" && !slices.Contains(to[key], x) {
			to[key] = append(to[key], x)
		}
	}
	for _, x := range r.Results {
		for _, f := range x.Findings {
			if f.Word != word {
				continue
			}
			reason := f.Found
			if f.File != "" && !strings.Contains(reason, f.File) {
				reason = f.File + ": " + reason
			}
			if !slices.Contains(reasons, reason) {
				reasons = append(reasons, reason)
			}
			add(checks, reason, x.ID)
			add(hosts, reason, f.Host)
		}
	}
	if len(reasons) > 0 {
		fmt.Fprintln(l.Out)
	}
	for _, reason := range reasons {
		on := ""
		if len(hosts[reason]) > 0 {
			on = " (" + Clean(strings.Join(hosts[reason], ", ")) + ")"
		}
		fmt.Fprintf(l.Out, "%s  %s%s\n", l.mark(color, title), Clean(reason), on)
		if !l.Short || word == lint.Unreadable {
			l.lines("    not judged: ", "    ", strings.Join(checks[reason], ", "))
		}
	}
	if len(reasons) > 0 && word == lint.Unknown {
		fmt.Fprintln(l.Out)
	}
}
