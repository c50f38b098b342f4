package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haprov/internal/drill"
	"haprov/internal/drill/history"
	"haprov/internal/drill/judge"
)

// evidenceOf writes the evidence of a drill that ran as often as there are outages, in seconds, as haprov
// drill run keeps it.
func evidenceOf(t *testing.T, state, run string, outages ...int) string {
	t.Helper()
	f, err := drill.NewFolder(filepath.Join(state, "drills", run))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	sum := drill.Summary{Version: 1, Cluster: "shop", Recipe: "here", Began: began, Seed: 7, Machines: "lab x"}
	const s = int64(time.Second)
	for i, outage := range outages {
		folder := fmt.Sprintf("power-%d", i)
		w, end, err := f.History(folder, history.Header{Drill: "power", Cluster: "shop", Began: began})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for n := range int64(1000) {
			at := n * s / 30
			if at > 10*s {
				at += int64(outage) * s
			}
			o := history.Op{Client: 1, Seq: int(n), Do: "add", In: fmt.Sprint(n), Due: at, Call: at, Return: at + s/100, Outcome: history.OK, Server: "db1"}
			p := o
			p.Client, p.Do, p.In = 2, "probe", ""
			w.Returned(o)
			w.Returned(p)
			w.Late(0)
			ids = append(ids, o.In)
		}
		for _, m := range []history.Mark{{Time: 10 * s, Event: "inject"}, {Time: 10*s + 1, Event: "seen"}, {Time: 40 * s, Event: "heal"}} {
			w.Edge(m)
		}
		w.Scanned(history.Scan{Host: "db1", Of: "add", Values: ids})
		h, err := w.End()
		if err != nil || end() != nil {
			t.Fatal(err)
		}
		e := judge.Expect{Stall: 60 * time.Second, Outage: 60 * time.Second}
		r := drill.Result{Name: "power", Folder: folder, About: "The power goes", Targets: []string{"db1"}, Healed: 4, History: &h,
			Verdicts: []judge.Verdict{judge.Of("no row is lost", "acked", false, &h, e), judge.Of("back in time", "outage", false, &h, e)},
			Parts:    []drill.Part{{Name: "detect", Seconds: float64(outage) / 2}}}
		for _, v := range r.Verdicts {
			if v.Judge == "outage" {
				r.Outage, r.Stall = v.Numbers["outage"], v.Numbers["stall"]
			}
		}
		r.Word, r.Why = drill.Sum(r.Verdicts)
		sum.Add(r)
	}
	page, err := drill.Report(sum)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Write(sum, page); err != nil {
		t.Fatal(err)
	}
	return f.Path
}

// says runs a command and gives what it writes and its exit code.
func says(args ...string) (string, int) {
	var out bytes.Buffer
	code := Main(args, strings.NewReader(""), &out, &out)
	return out.String(), code
}

func TestReportsOfDrills(t *testing.T) {
	state := t.TempDir()
	t.Setenv("HAPROV_STATE", state)
	t.Chdir(t.TempDir())
	if out, code := says("drill", "report"); code == 0 || !strings.Contains(out, "no drill has run yet") {
		t.Errorf("exit %d: %s", code, out)
	}
	once := evidenceOf(t, state, "20261127-120000-shop-1", 5)
	path := evidenceOf(t, state, "20261127-130000-shop-2", 10, 30, 20)

	out, code := says("drill", "report")
	for _, want := range []string{
		"PASS  power", "pass     no row is lost: 1000 rows acknowledged, 0 lost", "the outage: detect 5.0 s",
		"DRILL  TIME           MEASURED  MIN     MEDIAN  P95     MAX",
		"power: 3 runs: 3 pass, 0 fail, 0 unknown",
		"power  outage         3         10.0 s  20.0 s  30.0 s  30.0 s",
		"power  healthy after  3         4.0 s   4.0 s   4.0 s   4.0 s",
		"power  detect         3         5.0 s   10.0 s  15.0 s  15.0 s",
		"shop (here): 3 drills: 3 pass, 0 fail, 0 unknown; 3000 rows acknowledged, 0 lost; longest outage 30.0 s; seed 7",
		"report: " + filepath.Join(path, "report.html"),
	} {
		if !strings.Contains(out, want) {
			t.Errorf("exit %d: %q is not in:\n%s", code, want, out)
		}
	}
	if out, code := says("drill", "report", once); code != 0 || strings.Contains(out, "MEDIAN") || !strings.Contains(out, "1 drill: 1 pass") {
		t.Errorf("of one run, exit %d: %s", code, out)
	}
	if out, code := says("drill", "report", once, "--json"); code != 0 || !strings.Contains(out, `"outage_seconds":5.0`) {
		t.Errorf("as JSON, exit %d: %s", code, out)
	}
	if out, code := says("drill", "verify"); code != 0 || !strings.Contains(out, "verified: 3 drills") {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, code := says("drill", "compare", once, path, "--fail-slower"); code != 16 || !strings.Contains(out, "slower") {
		t.Errorf("exit %d: %s", code, out)
	}
	text, err := os.ReadFile(filepath.Join(path, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "run.json"), bytes.ReplaceAll(text, []byte(`"pass"`), []byte(`"fail"`)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := says("drill", "verify"); code != 16 || !strings.Contains(out, "changed since it was written: run.json") || !strings.Contains(out, "run.json says fail, the history pass") {
		t.Errorf("of a changed run, exit %d: %s", code, out)
	}
	if out, code := says("drill", "report", state); code == 0 || !strings.Contains(out, "is no drill's evidence") {
		t.Errorf("of another folder, exit %d: %s", code, out)
	}
}

// A run that is signed by its operator is known again, by the operator's key alone.
func TestASignedRun(t *testing.T) {
	state := t.TempDir()
	t.Setenv("HAPROV_STATE", state)
	t.Chdir(t.TempDir())
	path := evidenceOf(t, state, "20261127-120000-shop-1", 5)
	ssh := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ssh-keygen", args...).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen %v: %v\n%s", args, err, out)
		}
	}
	allow := func(file, who, key string) {
		public, err := os.ReadFile(key + ".pub")
		if err == nil {
			err = os.WriteFile(file, append([]byte(who+" "), public...), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"key", "another"} {
		ssh("-q", "-t", "ed25519", "-N", "", "-f", key)
	}
	allow("signers", "dba@example.com", "key")
	allow("others", "eve@example.com", "another")
	if out, code := says("drill", "verify", "--signers", "signers"); code != 16 || !strings.Contains(out, "it is not signed: ssh-keygen -Y sign") {
		t.Errorf("not signed: exit %d: %s", code, out)
	}
	ssh("-Y", "sign", "-n", "haprov-drill", "-f", "key", filepath.Join(path, "SHA256SUMS"))
	if out, code := says("drill", "verify", "--signers", "signers"); code != 0 || !strings.Contains(out, "signed by dba@example.com\nverified: 1 drill") {
		t.Errorf("signed: exit %d: %s", code, out)
	}
	if out, code := says("drill", "verify", "--signers", "others"); code != 16 || !strings.Contains(out, "not of an allowed signer") {
		t.Errorf("signed by somebody else: exit %d: %s", code, out)
	}
	if out, code := says("drill", "verify", "--signers", "nowhere"); code == 0 || code == 16 || !strings.Contains(out, "nowhere") {
		t.Errorf("no signers: exit %d: %s", code, out)
	}
	sums := filepath.Join(path, "SHA256SUMS")
	text, _ := os.ReadFile(sums)
	if err := os.WriteFile(sums, bytes.ToUpper(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := says("drill", "verify", "--signers", "signers"); code != 16 || strings.Contains(out, "signed by") {
		t.Errorf("of other sums: exit %d: %s", code, out)
	}
}
