// Package lint judges the configuration of a cluster, made by haprov or by anybody: checks that know
// why.
//
// What was read of the hosts becomes Facts once (a folder that a person collected, or one exchange with
// each host); checks are data and pure over them. A check passes only when something was looked at and
// was right: what is missing is unknown, what cannot be read ranks above what is wrong. The package asks
// no host and prints nothing; texts in its results may come from hosts and are to be cleaned by whoever
// shows them. Values of passwords and secrets never enter a result.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity is how much a check matters when it finds something.
type Severity string

// Critical: data or the service are lost in a failure that the cluster is there for. Warning: a failure
// takes longer, or one more thing must go wrong. Advice: worth knowing, and no fault.
const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
	Advice   Severity = "advice"
)

// Word is what became of a check, or of one of its findings.
type Word string

// In the order of rank: of a check's findings the first of these counts.
const (
	Unreadable Word = "unreadable"     // what the check needs is there and cannot be read
	Bad        Word = "bad"            // it found something
	Unknown    Word = "unknown"        // what the check needs is not there
	OK         Word = "ok"             // all it looked at is right
	None       Word = "not applicable" // the cluster has nothing of the kind
)

var rank = []Word{Unreadable, Bad, Unknown, OK, None}

// Check is one rule: what should be, why, and how it is mended. judge looks at facts and reports
// through v; it is pure.
type Check struct {
	ID       string   `json:"id"`
	Group    string   `json:"group"` // one of Groups
	Severity Severity `json:"severity"`
	Title    string   `json:"title"`    // what holds when it is well
	Why      string   `json:"why"`      // what happens otherwise
	Source   string   `json:"source"`   // the manual or report that the rule is from
	Remedy   string   `json:"remedy"`   // on a cluster of any making
	Command  string   `json:"command"`  // on a cluster that haprov keeps
	Excluded string   `json:"excluded"` // when it does not apply
	Reads    []string `json:"reads"`    // names of Sources

	judge func(v *verdict, f *Facts)
}

// Groups are the parts of a cluster that checks are about, in the order of the report.
var Groups = []string{"corosync", "fencing", "pacemaker", "drbd", "mariadb", "galera", "proxy", "host"}

// Table is all checks, in the order of Groups.
var Table = slices.Concat(corosyncChecks, fencingChecks, pacemakerChecks, drbdChecks, mariadbChecks, galeraChecks, proxyChecks, hostChecks)

// Finding is one thing that a check says, of one place.
type Finding struct {
	Word     Word   `json:"verdict"`
	Host     string `json:"host,omitempty"`
	File     string `json:"file,omitempty"` // the name of the file or answer
	Line     int    `json:"line,omitempty"` // 0: of the file as a whole
	Found    string `json:"found"`          // for unknown and not applicable: the reason
	Expected string `json:"expected,omitempty"`
}

// Result is a check with what it came to.
type Result struct {
	Check
	Word     Word      `json:"verdict"`
	Findings []Finding `json:"findings"` // none of what is ok
}

// Report is all results of one cluster.
type Report struct {
	Version int            `json:"version"` // 1; it changes when the meaning of a field does
	From    string         `json:"from"`    // the folder, or the cluster's name
	Hosts   []string       `json:"hosts"`
	Unused  []string       `json:"unused,omitempty"` // files of the folder that nothing was read from
	Results []Result       `json:"checks"`
	Count   map[Word]int   `json:"count"`
	Found   map[string]int `json:"found"` // checks that found something, by severity
}

// Failed tells whether something is wrong or unreadable. Advice is no fault.
func (r Report) Failed() bool {
	return r.Count[Unreadable] > 0 || r.Found[string(Critical)] > 0 || r.Found[string(Warning)] > 0
}

// Judge runs all checks; those whose ID is in except are reported as not applicable.
func Judge(f *Facts, except []string) Report {
	r := Report{Version: 1, From: f.From, Hosts: []string{}, Unused: f.Unused, Count: map[Word]int{}, Found: map[string]int{}}
	for _, h := range f.Hosts {
		r.Hosts = append(r.Hosts, h.Name)
	}
	for _, c := range Table {
		v := &verdict{}
		if slices.Contains(except, c.ID) {
			v.None("left out by the user")
		} else {
			c.judge(v, f)
		}
		x := Result{Check: c, Word: v.word(), Findings: v.findings}
		switch {
		case x.Word == None && len(x.Findings) == 0:
			x.Findings = []Finding{{Word: None, Found: c.Excluded}}
		case x.Word == None:
		default: // one part of a check that does not apply matters only when none does
			x.Findings = slices.DeleteFunc(x.Findings, func(y Finding) bool { return y.Word == None })
		}
		if x.Findings == nil {
			x.Findings = []Finding{}
		}
		slices.SortStableFunc(x.Findings, func(a, b Finding) int {
			return cmp.Or(cmp.Compare(slices.Index(rank, a.Word), slices.Index(rank, b.Word)), cmp.Compare(a.Host, b.Host), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Found, b.Found))
		})
		r.Results = append(r.Results, x)
		r.Count[x.Word]++
		if x.Word == Bad {
			r.Found[string(c.Severity)]++
		}
	}
	return r
}

// Known finds a check by its ID.
func Known(id string) (Check, bool) {
	at := slices.IndexFunc(Table, func(c Check) bool { return c.ID == id })
	if at < 0 {
		return Check{}, false
	}
	return Table[at], true
}

// verdict collects what one check says.
type verdict struct {
	findings []Finding
	well     bool
}

// maxFindings bounds what one check says: a hostile file may hold the same fault a million times.
const maxFindings = 64

func (v *verdict) add(f Finding) {
	if len(v.findings) >= maxFindings || slices.Contains(v.findings, f) {
		return
	}
	f.Found, f.Expected = bounded(f.Found), bounded(f.Expected)
	v.findings = append(v.findings, f)
}

// bounded cuts a text that may come from a host.
func bounded(s string) string {
	const most = 400
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// OK says that something was looked at, and is right.
func (v *verdict) OK() { v.well = true }

// Bad says what is wrong, and where.
func (v *verdict) Bad(at place, expected, found string, args ...any) {
	v.add(Finding{Word: Bad, Host: at.Host, File: at.File, Line: at.Line, Found: fmt.Sprintf(found, args...), Expected: expected})
}

// Is says that it is right when right is true, else what is wrong.
func (v *verdict) Is(right bool, at place, expected, found string, args ...any) {
	if right {
		v.OK()
		return
	}
	v.Bad(at, expected, found, args...)
}

// Unknown says that something was not there to be looked at.
func (v *verdict) Unknown(host, why string, args ...any) {
	v.add(Finding{Word: Unknown, Host: host, Found: fmt.Sprintf(why, args...)})
}

// None says that the check, or this part of it, does not apply, and why.
func (v *verdict) None(why string, args ...any) {
	v.add(Finding{Word: None, Found: fmt.Sprintf(why, args...)})
}

// word is the highest of what was said. Nothing said is no pass.
func (v *verdict) word() Word {
	at := slices.Index(rank, None)
	if v.well {
		at = slices.Index(rank, OK)
	}
	for _, f := range v.findings {
		at = min(at, slices.Index(rank, f.Word))
	}
	return rank[at]
}

// need is a fact's value. When it is missing or unreadable the check says so, and ok is false.
func need[T any](v *verdict, host string, f Fact[T], source string) (value T, ok bool) {
	switch f.State {
	case Given:
		return f.Value, true
	case Broken:
		v.add(Finding{Word: Unreadable, Host: host, File: cmp.Or(f.File, source), Found: f.Why})
	default:
		why := "no " + source
		if f.Why != "" {
			why += ": " + f.Why
		}
		v.add(Finding{Word: Unknown, Host: host, File: source, Found: why})
	}
	return value, false
}
