package pacemaker

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haprov/internal/cluster/pacemaker"
	"haprov/internal/kind"
)

// wide uses every block of the language once.
func wide() *Pacemaker {
	return &Pacemaker{Where: kind.Where{Nodes: []kind.Node{
		{Name: "n1", Fence: []kind.Device{{ID: "fence-n1", Agent: "fence_ipmilan"}, {ID: "pdu-n1", Agent: "fence_apc"}}},
		{Name: "n2", Fence: []kind.Device{{ID: "fence-n2", Agent: "fence_ipmilan"}}}, {Name: "n3", Fence: []kind.Device{{ID: "fence-n3", Agent: "fence_ipmilan"}}}}},
		Properties: map[string]string{"stonith-enabled": "true"},
		Defaults:   map[string]string{"resource-stickiness": "100"},
		OpDefaults: map[string]string{"timeout": "40s"},
		Primitives: []Primitive{{ID: "pg", Agent: "ocf:heartbeat:pgsql"}, {ID: "vip", Agent: "ocf:heartbeat:IPaddr2", Params: map[string]string{"ip": "192.0.2.9"}},
			{ID: "web", Agent: "systemd:nginx"}, {ID: "log", Agent: "systemd:rsyslog"}},
		Groups: []ResourceGroup{{ID: "front", Of: []string{"web", "log"}}},
		Clones: []ResourceClone{{ID: "db", Of: "pg", Meta: map[string]string{"promotable": "true"}}, {ID: "fronts", Of: "front", Meta: map[string]string{"interleave": "true"}}},
		Colocations: []Colocation{{ID: "vip-with-primary", Of: "vip", With: "db", Role: "Promoted", Score: "INFINITY"}, {ID: "primary-apart", Of: "db", OfRole: "Promoted", With: "fronts", Score: "-100"},
			{ID: "together", Score: "200", Sets: []Set{{Of: []string{"vip"}, Sequential: true, RequireAll: true}, {Of: []string{"db", "fronts"}, RequireAll: true, Role: "Started"}}}},
		Orders: []Order{{ID: "web-then-promote", First: "fronts", Action: "start", Then: "db", ThenAction: "promote", Kind: "Optional"},
			{ID: "first-these", Kind: "Mandatory", Sets: []Set{{Of: []string{"fronts", "db"}, RequireAll: false, Action: "start"}, {Of: []string{"vip"}, Sequential: true, RequireAll: true}}}},
		Locations: []Location{{ID: "vip-near", Of: "vip", Node: "n1", Score: "50"},
			{ID: "big-only", Of: "db", Rule: "not_defined size or size ne big", Role: "Promoted", Score: "-INFINITY"},
			{ID: "until-then", Of: "vip", Rule: "#uname eq n2 and date lt 2027-01-31", Score: "10"}},
		Levels: []Level{{ID: "n1-first", Host: "n1", Index: 1, Devices: []string{"fence-n1"}}, {ID: "n1-then", Host: "n1", Index: 2, Devices: []string{"pdu-n1"}}},
		Alerts: []Alert{{ID: "mail", Path: "/usr/local/bin/alert", Options: map[string]string{"from": "ha@example.org"}, Recipients: []string{"dba@example.org"}}},
		Serves: []string{"db"},
		Fence:  &Fences{Reboot: time.Minute, Delay: time.Second, Passwords: "/etc/haprov"}}
}

func TestTheWholeLanguageBecomesElements(t *testing.T) {
	p := wide()
	if ps := p.Check(); len(ps) > 0 {
		t.Fatal(ps)
	}
	got := p.Wanted().Text()
	for _, want := range []string{
		`<clone id="fronts"><meta_attributes id="fronts-meta"><nvpair id="fronts-meta-interleave" name="interleave" value="true"/></meta_attributes><group id="front"><primitive class="systemd" id="web"`,
		`<rsc_colocation id="primary-apart" rsc="db" rsc-role="Promoted" score="-100" with-rsc="fronts"/>`,
		`then="db" then-action="promote"/>`,
		`<rsc_location id="big-only" rsc="db"><rule boolean-op="or" id="big-only-rule" role="Promoted" score="-INFINITY"><expression attribute="size" id="big-only-expression-1" operation="not_defined"/><expression attribute="size" id="big-only-expression-2" operation="ne" value="big"/></rule></rsc_location>`,
		`<date_expression end="2027-01-31" id="until-then-expression-2" operation="lt"/>`,
		`<op_defaults><meta_attributes id="haprov-op-defaults"><nvpair id="haprov-op-defaults-timeout" name="timeout" value="40s"/></meta_attributes></op_defaults>`,
		`action="start" id="first-these-set-1-`, `require-all="false" sequential="false"><resource_ref id="fronts"/><resource_ref id="db"/></resource_set>`,
		`role="Started" sequential="false"><resource_ref id="db"/><resource_ref id="fronts"/></resource_set></rsc_colocation>`,
		`<fencing-level devices="pdu-n1" id="n1-then" index="2" target="n1"/>`,
		`<recipient id="mail-recipient-1" value="dba@example.org"/>`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// TestPacemakerTakesTheWholeLanguage has crm_verify of Debian's pacemaker-cli-utils judge the elements
// by its schema, and by what it finds in them.
func TestPacemakerTakesTheWholeLanguage(t *testing.T) {
	verify, err := exec.LookPath("crm_verify")
	if err != nil {
		t.Fatalf("%v: make deps installs it", err)
	}
	judge := func(p *Pacemaker, edit func(string) string) (string, error) {
		text := edit(p.Wanted().Text())
		nodes := `<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/><node id="3" uname="n3"/></nodes>`
		online := ""
		for i, n := range []string{"n1", "n2", "n3"} {
			online += fmt.Sprintf(`<node_state id="%d" uname="%s" in_ccm="true" crmd="online" join="member" expected="member"/>`, i+1, n)
		}
		text = strings.Replace(text, "<resources>", nodes+"<resources>", 1)
		path := filepath.Join(t.TempDir(), "cib.xml")
		if err := os.WriteFile(path, []byte(`<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0" have-quorum="1" dc-uuid="1">`+text+`<status>`+online+`</status></cib>`), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(verify, "-V", "--xml-file", path).CombinedOutput()
		return string(out), err
	}
	same := func(s string) string { return s }
	if out, err := judge(wide(), same); err != nil || out != "" {
		t.Errorf("%v\n%s", err, out)
	}
	moved := wide()
	c := crm{cib: &pacemaker.Node{Name: "cib", Children: []*pacemaker.Node{moved.Wanted()}}, state: promoted(t)}
	text := c.moveTo("n2").put.Find("constraints").Children[0].Text()
	if out, err := judge(moved, func(s string) string {
		return strings.Replace(s, "</constraints>", strings.ReplaceAll(text, until, "2027-01-01 00:00:00Z")+"</constraints>", 1)
	}); err != nil || !strings.Contains(text, `role="Promoted"`) {
		t.Errorf("the promoted side is moved: %v\n%s\n%s", err, out, text)
	}
	if out, err := judge(wide(), func(s string) string { return strings.Replace(s, "then-action", "than-action", 1) }); err == nil {
		t.Errorf("nothing was judged: %s", out)
	}
}

func TestMistakesInTheLanguageAreFound(t *testing.T) {
	for _, x := range []struct {
		name string
		edit func(*Pacemaker)
		want string
	}{
		{"a rule of nothing", func(p *Pacemaker) { p.Locations[1].Rule = " " }, "Found nothing; expected a comparison"},
		{"an operation that is none", func(p *Pacemaker) { p.Locations[1].Rule = "size is big" }, `Found "size is big"; expected ATTRIBUTE eq|ne`},
		{"and beside or", func(p *Pacemaker) { p.Locations[1].Rule = "a eq 1 and b eq 2 or c eq 3" }, "Found both and and or"},
		{"no word between", func(p *Pacemaker) { p.Locations[1].Rule = "a eq 1 b eq 2" }, `Found "b" after 1 comparisons`},
		{"a day that is none", func(p *Pacemaker) { p.Locations[1].Rule = "date lt tomorrow" }, `Found "date lt tomorrow"`},
		{"node and rule", func(p *Pacemaker) { p.Locations[1].Node = "n1" }, `Found both in "big-only"`},
		{"neither", func(p *Pacemaker) { p.Locations[0].Node = "" }, `Found neither in "vip-near"`},
		{"a role of a node", func(p *Pacemaker) { p.Locations[0].Role = "Promoted" }, "Found role in"},
		{"a clone of a clone", func(p *Pacemaker) { p.Clones[0].Of = "fronts" }, `Found "fronts"; there is pg, vip, web, log, front.`},
		{"sets and two resources", func(p *Pacemaker) { p.Orders[1].First = "db" }, `Found set beside first and then in "first-these"`},
		{"neither sets nor two", func(p *Pacemaker) { p.Orders[1].Sets = nil }, `Found ""; there is`},
		{"a set of nobody", func(p *Pacemaker) { p.Orders[1].Sets[0].Of = []string{"vipp"} }, `Found "vipp"`},
		{"an empty set", func(p *Pacemaker) { p.Orders[1].Sets[0].Of = nil }, `Found a set of "first-these" without resources`},
		{"one of a sequence", func(p *Pacemaker) { p.Orders[1].Sets[0].Sequential = true }, `Found require_all = false in "first-these"`},
		{"a role in an order", func(p *Pacemaker) { p.Orders[1].Sets[1].Role = "Started" }, `role is for a colocation`},
		{"an action in a colocation", func(p *Pacemaker) { p.Colocations[2].Sets[0].Action = "promote" }, `are for an order`},
		{"a level of nobody", func(p *Pacemaker) { p.Levels[0].Host = "n9" }, `Found "n9"; it is none of the role.`},
		{"a device of another host", func(p *Pacemaker) { p.Levels[0].Devices = []string{"fence-n2"} }, `Found "fence-n2"; it is none that the inventory gives n1`},
		{"a level twice", func(p *Pacemaker) { p.Levels[1].Index = 1 }, "Found index 1 of n1 again."},
		{"a level too far", func(p *Pacemaker) { p.Levels[1].Index = 10 }, "Found 10; expected 1 to 9."},
		{"a level without a device", func(p *Pacemaker) { p.Levels[1].Devices = nil }, "Found no device"},
		{"an alert's relative path", func(p *Pacemaker) { p.Alerts[0].Path = "alert" }, `"alert"`},
	} {
		p := wide()
		x.edit(p)
		var told []string
		for _, m := range p.Check() {
			told = append(told, m.Detail)
		}
		if got := strings.Join(told, "\n"); !strings.Contains(got, x.want) {
			t.Errorf("%s: want %q, got %q", x.name, x.want, got)
		}
	}
}

// TestChangedSetsAreAsWritten has Debian's cibadmin change a file: members and sets are in the order
// written, what is written no longer is gone, and their resources stay.
func TestChangedSetsAreAsWritten(t *testing.T) {
	for _, tool := range []string{"cibadmin", "crm_verify"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v: make deps installs it", err)
		}
	}
	now := `<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0">` +
		strings.Replace(wide().Wanted().Text(), "<resources>", "<nodes/><resources>", 1) + `<status/></cib>`
	for _, x := range []struct {
		name string
		edit func(*Pacemaker)
	}{
		{"nothing", func(*Pacemaker) {}},
		{"the members' order", func(p *Pacemaker) { p.Orders[1].Sets[0].Of = []string{"db", "fronts"} }},
		{"a member less", func(p *Pacemaker) { p.Colocations[2].Sets[1].Of = []string{"fronts"} }},
		{"the sets' order", func(p *Pacemaker) { p.Orders[1].Sets = []Set{p.Orders[1].Sets[1], p.Orders[1].Sets[0]} }},
		{"a set less", func(p *Pacemaker) { p.Orders[1].Sets = p.Orders[1].Sets[:1] }},
		{"no constraint", func(p *Pacemaker) { p.Orders = p.Orders[:1] }},
	} {
		cib, err := pacemaker.Parse(now)
		if err != nil {
			t.Fatal(err)
		}
		p := wide()
		x.edit(p)
		e := cibEdit{put: p.Wanted(), drop: pacemaker.Surplus(cib, p.Wanted())}
		if n := len(pacemaker.Missing(cib, e.put)) + len(e.drop); (n == 0) != (x.name == "nothing") {
			t.Errorf("%s: %d differences", x.name, n)
		}
		dir := t.TempDir()
		for name, text := range map[string]string{"new": now, "wanted": e.text()} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := exec.Command("sh", "-e", "-c", "t="+dir+"\n"+e.apply()+" || exit 1")
		c.Env = append(os.Environ(), "CIB_shadow_dir="+dir)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", x.name, err, out)
		}
		text, err := os.ReadFile(filepath.Join(dir, "new"))
		if err != nil {
			t.Fatal(err)
		}
		after, err := pacemaker.Parse(string(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"constraints", "resources"} {
			if got, want := after.Find("configuration", part).Text(), p.Wanted().Find(part).Text(); got != want {
				t.Errorf("%s: %s are\n%s\nwant\n%s", x.name, part, got, want)
			}
		}
		if left := pacemaker.Surplus(after, p.Wanted()); len(pacemaker.Missing(after, p.Wanted()))+len(left) > 0 {
			t.Errorf("%s: still to be changed: %v", x.name, left)
		}
	}
}

func promoted(t *testing.T) pacemaker.State {
	t.Helper()
	s, err := pacemaker.ParseMon(`<pacemaker-result><resources><clone id="db">` + instances("Promoted", "n1") + instances("Unpromoted", "n2") + `</clone></resources></pacemaker-result>`)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
