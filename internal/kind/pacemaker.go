package kind

import (
	"slices"
	"strings"
	"time"

	"haprov/internal/act"
	"haprov/internal/cluster/pacemaker"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
)

var pacemakerSpec = Spec{
	Name:    "pacemaker",
	Summary: "The cluster's configuration (CIB) holds these elements, and everything in them runs. What others put there, such as DRBD's fence constraints, stays.",
	Example: `pacemaker "cib" {
  config = "<configuration><crm_config><cluster_property_set id=\"haprov\"/></crm_config></configuration>"
}`,
	New: func() any { return &Pacemaker{} },
}

// Pacemaker wants elements in the CIB. They are compared by id; what is missing or differs is
// committed as one versioned patch, verified first, never by replacing the whole.
type Pacemaker struct {
	Where  `hcl:"-"`
	Name   string `hcl:"name,label" about:"A name for the step"`
	Config string `hcl:"config" about:"A configuration element of the CIB with all that is wanted, as XML"`
}

// Check finds XML that cannot be read.
func (p *Pacemaker) Check() []Problem {
	var out problems
	n, err := pacemaker.Parse(p.Config)
	switch {
	case err != nil:
		out.add("config", "Invalid XML", err.Error())
	case n.Name != "configuration":
		out.add("config", "Wrong XML element", "Found "+quoted(n.Name)+"; expected configuration.")
	}
	return out
}

// Probe asks every host: the one that is read is the first.
func (p *Pacemaker) Probe(host string, seen probe.Hosts) []probe.Query {
	return unread(seen[host].Seen, cibQuery(), monQuery())
}

// Decide commits what is missing, then waits until all of it runs.
func (p *Pacemaker) Decide(seen probe.Hosts) (plan.Phase, error) {
	wanted, err := pacemaker.Parse(p.Config)
	if err != nil {
		return plan.Phase{}, err
	}
	c, not, err := lookCRM(seen)
	switch {
	case err != nil:
		return plan.Phase{}, err
	case not != nil:
		return *not, nil
	}
	if missing := pacemaker.Missing(c.cib, wanted); len(missing) > 0 {
		return p.configure(c.host, c.cib.Attrs["epoch"], missing), nil
	}
	if late := p.late(wanted, c.state); len(late) > 0 {
		return wait("everything runs ("+strings.Join(late, ", ")+" not yet)", 4*time.Minute), nil
	}
	return plan.Phase{}, nil
}

// late lists what is wanted and does not run yet, or failed.
func (p *Pacemaker) late(wanted *pacemaker.Node, state pacemaker.State) (out []string) {
	late := state.Late()
	known := map[string]bool{}
	for _, r := range state.Resources {
		known[r.ID] = true
	}
	wanted.Find("resources").All(func(n *pacemaker.Node) {
		if id := n.Attrs["id"]; n.Name == "primitive" && (!known[id] || slices.Contains(late, id)) {
			out = append(out, id)
		}
	})
	return out
}

// commitScript tries the wanted elements on a copy, has the copy verified and played through, and
// sends what came of it as one versioned patch. What others put into the CIB is in both texts and
// so in no patch. Any update of the status makes the patch too old; it is then made anew.
// crm_verify exits with 78 for mere warnings, crm_diff with 1 when the two differ, cibadmin with
// 103 when the CIB moved on.
const commitScript = `t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
cat >"$t/wanted"
for try in 1 2 3 4 5; do
cibadmin -Q >"$t/old"
cp "$t/old" "$t/new"
CIB_file="$t/new" cibadmin --modify --allow-create --scope configuration --xml-file "$t/wanted"
crm_verify --xml-file "$t/new" || [ $? = 78 ]
CIB_shadow_dir="$t" crm_simulate --simulate --xml-file "$t/new"
e=0; crm_diff --original "$t/old" --new "$t/new" >"$t/patch" || e=$?
[ $e != 0 ] || exit 0
[ $e = 1 ]
e=0; cibadmin --patch --xml-file "$t/patch" || e=$?
[ $e = 103 ] || exit $e
done
exit 103`

// configure is the phase that commits. The guard holds it to the version that the decision rests on.
func (p *Pacemaker) configure(host, epoch string, missing []string) plan.Phase {
	c := plan.Change{}
	for _, m := range missing {
		c.Diffs = append(c.Diffs, plan.Diff{Attribute: "cib", Want: m})
	}
	c.Actions = []act.Action{{
		Title: "configure the cluster", Shell: commitScript, Stdin: secret.Plain(p.Config),
		Guard:   "cibadmin -Q -l | head -n 1 | grep -q ' epoch=\"" + onlyDigits(epoch) + "\"'",
		Touches: []probe.Subject{probe.All},
	}}
	return plan.Phase{Name: "configure the cluster", Changes: map[string]plan.Change{host: c}, Then: []string{"wait until everything runs"}}
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
