package pacemaker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
	"haprov/internal/shell"
)

// cibEdit is a change of the CIB: elements to put there, by id, and ids to take out. It is tried on
// a copy, verified and played through, and what came of it is sent as one versioned patch: what
// others put into the CIB is in both texts and so in no patch.
type cibEdit struct {
	put  *pacemaker.Node // a configuration element; nil: nothing
	drop []string
}

// until stands in an edit for the time at which a constraint ends to count, a quarter of an hour
// after it was written, by the host's own clock.
const until = "@UNTIL@"

// apply is shell text that changes the file new by the file wanted, both in the folder $t.
// crm_verify exits with 78 for a wrong configuration and for mere warnings, which the state of the
// cluster gives reason for; its last words tell them apart.
func (e cibEdit) apply() string {
	var b strings.Builder
	if e.put != nil {
		fmt.Fprintf(&b, "sed -i \"s/%s/$(date -u -d '+15 min' '+%%Y-%%m-%%d %%H:%%M:%%SZ')/\" \"$t/wanted\" &&\n", until)
		b.WriteString("CIB_file=\"$t/new\" cibadmin --modify --allow-create --scope configuration --xml-file \"$t/wanted\" &&\n")
	}
	for _, id := range e.drop {
		b.WriteString("CIB_file=\"$t/new\" cibadmin --delete --xpath " + shell.Quote("/cib/configuration//*[@id='"+id+"']") + " &&\n")
	}
	b.WriteString(`{ said=$(crm_verify -V --xml-file "$t/new" 2>&1) || { v=$?; printf '%s\n' "$said"; [ $v = 78 ] && case $said in *'Errors found'*) false;; esac; }; }`)
	return b.String()
}

func (e cibEdit) text() string {
	if e.put == nil {
		return ""
	}
	return e.put.Text()
}

// simulate asks Pacemaker what it would do. It writes nothing but a copy in a folder of its own.
func (e cibEdit) simulate() probe.Query {
	q := probe.Cmd("simulation", "t=$(mktemp -d) && trap 'rm -rf \"$t\"' EXIT && printf '%s' "+shell.Quote(e.text())+" >\"$t/wanted\" && cibadmin -Q >\"$t/new\" &&\n"+
		e.apply()+" &&\nCIB_shadow_dir=\"$t\" crm_simulate --simulate --xml-file \"$t/new\"", probe.Of(probe.Unit, "pacemaker.service"), pacemaker.CIB)
	q.Timeout = 30 * time.Second
	return q
}

// commit sends the change. Any update of the status makes a patch too old; it is then made anew.
// crm_diff exits with 1 when the two differ, cibadmin with 103 when the CIB moved on.
func (e cibEdit) commit(title, guard string) act.Action {
	return act.Action{Title: title, Guard: guard, Stdin: secret.Plain(e.text()), Touches: []probe.Subject{probe.All}, Shell: `t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
cat >"$t/wanted"
for _ in 1 2 3 4 5; do
cibadmin -Q >"$t/old"
cp "$t/old" "$t/new"
` + e.apply() + ` || exit 1
CIB_shadow_dir="$t" crm_simulate --simulate --xml-file "$t/new"
e=0; crm_diff --original "$t/old" --new "$t/new" >"$t/patch" || e=$?
[ $e != 0 ] || exit 0
[ $e = 1 ]
e=0; cibadmin --patch --xml-file "$t/patch" || e=$?
[ $e = 103 ] || exit $e
done
exit 103`}
}

// phase commits the change on a host and shows what Pacemaker said it would do. A change that it
// finds invalid is an error.
func (e cibEdit) phase(name, host string, differs []plan.Diff, guard string, s probe.Seen) (plan.Phase, error) {
	c := plan.Change{Diffs: slices.Clone(differs), Actions: []act.Action{e.commit(name, guard)}}
	switch a := s.Get(e.simulate()); {
	case a.State != probe.Answered: // not asked, or no answer: the commit tries it again
	case a.Exit != 0:
		return plan.Phase{}, fmt.Errorf("%s: the configuration would not be valid: %s", name, a.Out)
	default:
		would := "Pacemaker would do nothing\n"
		if t := pacemaker.Transitions(a.Out); len(t) > 0 {
			would = "Pacemaker would: " + strings.Join(t, "\nPacemaker would: ") + "\n"
		}
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "effect", Want: would, Text: true})
	}
	return plan.Phase{Name: name, Changes: map[string]plan.Change{host: c}}, nil
}

// epochGuard holds an action to the version of the CIB that its decision rests on.
func (c crm) epochGuard() string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, c.cib.Attrs["epoch"])
	return "cibadmin -Q -l | head -n 1 | grep -q ' epoch=\"" + digits + "\"'"
}
