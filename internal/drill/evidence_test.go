package drill

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"haprov/internal/drill/history"
	"haprov/internal/drill/judge"
	"haprov/internal/inventory"
	"haprov/internal/recipe"
	"haprov/internal/status"
)

// kept is a run of one drill whose history lost a row, as evidence.
func kept(t *testing.T) (Folder, Summary) {
	t.Helper()
	f, err := NewFolder(filepath.Join(t.TempDir(), "drills", "run"))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	w, end, err := f.History("power", history.Header{Drill: "power", Cluster: "shop", Seed: 4, Began: began})
	if err != nil {
		t.Fatal(err)
	}
	const s = int64(time.Second)
	var ids []string
	for i := range int64(900) {
		at := i * s / 30
		o := history.Op{Client: 1, Seq: int(i), Do: "add", In: fmt.Sprint(i), Due: at, Call: at, Return: at + s/100, Outcome: history.OK, Server: "db1"}
		p := o
		p.Client, p.Do, p.In = 2, "probe", ""
		w.Returned(o)
		w.Returned(p)
		w.Late(0)
		if i > 0 {
			ids = append(ids, o.In)
		}
	}
	for at, event := range map[int64]string{10 * s: "inject", 11 * s: "seen", 20 * s: "heal"} {
		w.Edge(history.Mark{Time: at, Event: event, Fault: "power-<cut>", Host: "db1"})
	}
	w.Scanned(history.Scan{Host: "db1", Of: "add", Values: ids})
	h, err := w.End()
	if err != nil || end() != nil || end() != nil {
		t.Fatal(err)
	}
	v := judge.Of("no row is lost", "acked", false, &h, judge.Expect{})
	r := Result{Name: "power", Folder: "power", About: "The <power> goes", Verdicts: []judge.Verdict{v, judge.Of("back in time", "outage", false, &h, judge.Expect{Stall: time.Second, Outage: time.Second})},
		History: &h, Parts: []Part{{"detect", 2}, {"first client", 1}}}
	r.Word, r.Why = Sum(r.Verdicts)
	sum := Summary{Version: 1, Cluster: "shop", Began: began}
	sum.Add(r)
	page, err := Report(sum)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Write(sum, page); err != nil {
		t.Fatal(err)
	}
	return f, sum
}

func TestEvidenceIsJudgedAgainAndEveryChangeIsSeen(t *testing.T) {
	f, sum := kept(t)
	if sum.Word != judge.Fail || sum.Lost != 1 || sum.Acked != 900 {
		t.Fatalf("%+v", sum)
	}
	read, err := f.Read()
	if err != nil || read.Word != judge.Fail {
		t.Fatal(read, err)
	}
	changed, err := f.Changed()
	if err != nil || len(changed) != 0 {
		t.Fatal(changed, err)
	}
	if other, err := f.Verify(read); err != nil || len(other) != 0 {
		t.Error(other, err)
	}
	// somebody would rather have had a pass
	read.Results[0].Verdicts[0].Word = judge.Pass
	if other, err := f.Verify(read); err != nil || len(other) != 1 || !strings.Contains(other[0], "1 lost") {
		t.Error(other, err)
	}
	text, _ := os.ReadFile(filepath.Join(f.Path, "run.json"))
	if err := os.WriteFile(filepath.Join(f.Path, "run.json"), []byte(strings.ReplaceAll(string(text), `"fail"`, `"pass"`)), 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := f.Changed(); err != nil || len(changed) != 1 || changed[0] != "run.json" {
		t.Error(changed, err)
	}
	if err := os.WriteFile(filepath.Join(f.Path, "SHA256SUMS"), []byte("00  ../../x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Changed(); err == nil {
		t.Error("a path outside of the folder was read")
	}
}

func TestJUnitAndReportAreWellFormed(t *testing.T) {
	f, _ := kept(t)
	text, err := os.ReadFile(filepath.Join(f.Path, "junit.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var s suite
	if err := xml.Unmarshal(text, &s); err != nil || s.Tests != 2 || s.Failures != 1 || s.Errors != 0 || len(s.Cases) != 2 || s.Cases[0].Failure == nil {
		t.Errorf("%+v %v", s, err)
	}
	page, err := os.ReadFile(filepath.Join(f.Path, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"The &lt;power&gt; goes", "power-&lt;cut&gt; db1", "<svg", "acknowledged by db1", "no row is lost"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%q is not in the report", want)
		}
	}
	if strings.Contains(string(page), "<script") || strings.Contains(string(page), "http") {
		t.Error("the report loads or runs something")
	}
}

// What is unknown is never a pass, and what only informs never a fail.
func TestTheWorstVerdictCounts(t *testing.T) {
	pass, fail, unknown := judge.Verdict{Word: judge.Pass}, judge.Verdict{Word: judge.Fail}, judge.Verdict{Word: judge.Unknown}
	informs := fail
	informs.Informs = true
	for want, all := range map[string][][]judge.Verdict{
		judge.Pass:    {{pass, pass}, {pass, informs}},
		judge.Unknown: {{pass, unknown}, {unknown, informs}},
		judge.Fail:    {{pass, unknown, fail}, {fail}},
	} {
		for _, vs := range all {
			if got, _ := Sum(vs); got != want {
				t.Errorf("%v: %s", vs, got)
			}
		}
	}
}

func TestTargets(t *testing.T) {
	c := recipe.Cluster{Hosts: []string{"db1", "db2", "db3", "proxy1"}, Roles: []inventory.Role{{Name: "db", Hosts: []string{"db1", "db2", "db3"}}, {Name: "proxy", Hosts: []string{"db2", "proxy1"}}}}
	p := status.Page{Active: "db1", Holders: []string{"db2"}}
	for selector, want := range map[string]string{"active": "[db1]", "holder": "[db2]", "standby": "[db3]", "all": "[db1 db2 db3 proxy1]", "proxy": "[proxy1]", "db": "[db3]"} {
		got, err := Targets(p, c, selector)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s: %v %v, expected %s", selector, got, err, want)
		}
	}
	if _, err := Targets(status.Page{Active: "db1"}, c, "holder"); err == nil {
		t.Error("nobody holds the address")
	}
	if _, err := Targets(status.Page{Active: "a"}, recipe.Cluster{Hosts: []string{"a"}, Roles: []inventory.Role{{Name: "db", Hosts: []string{"a"}}}}, "standby"); err == nil {
		t.Error("there is no standby")
	}
}

func TestPartsAreFoundInTheJournalInOrder(t *testing.T) {
	from := time.Unix(100, 0)
	journal := "99.5 db1 corosync: A new membership (old)\nnonsense\n101.25 db1 corosync: A new membership (1)\n"
	if at := firstLine(journal, mustMatch("new membership"), from); at.UnixMilli() != 101250 {
		t.Error(at)
	}
	if at := firstLine(journal, mustMatch("fenced"), from); !at.IsZero() {
		t.Error(at)
	}
}

func mustMatch(s string) *regexp.Regexp { return regexp.MustCompile(s) }
