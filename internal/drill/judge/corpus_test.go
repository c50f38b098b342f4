package judge

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"haprov/internal/drill/history"
)

// An anomaly is a file, named by the judge that must catch it; its header's drill is what the judge must
// say, the text of its first mark is what happened. The times before its fault are filled with a calm load.
func TestEveryAnomalyIsCaughtByItsJudgeAlone(t *testing.T) {
	also := map[string]string{"acked-member-lacks-rows": "digest", "register-stale-by-one": "reads", "register-stale-after-failover": "reads",
		"register-clock-shifted-order": "reads", "register-gone": "reads",
		"writers-two-at-once": "endpoint", "writers-one-row": "endpoint", "writers-after-fence": "endpoint", "endpoint-two-servers": "writers"}
	files, err := filepath.Glob("testdata/anomalies/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	caught := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		mine, _, _ := strings.Cut(name, "-")
		t.Run(name, func(t *testing.T) {
			h := calm(read(t, file))
			for judge := range All {
				v := Of(h.Marks[0].Text, judge, false, h, generous)
				switch {
				case judge == mine && v.Word == Fail && strings.Contains(v.Why, h.Header.Drill):
					caught++
					if len(v.Evidence) == 0 && !slices.Contains([]string{"outage", "digest"}, judge) {
						t.Errorf("%s: no evidence: %s", judge, v.Why)
					}
				case judge == mine:
					t.Errorf("%s: %s: %s, expected fail: ...%s...", judge, v.Word, v.Why, h.Header.Drill)
				case v.Word == Fail && judge != also[name]:
					t.Errorf("%s fails, too: %s", judge, v.Why)
				}
			}
		})
	}
	t.Logf("%d of %d anomalies caught", caught, len(files))
	if len(files) < 20 {
		t.Errorf("only %d anomalies", len(files))
	}
}

func read(t *testing.T, file string) *history.History {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := history.Read(f)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return &h
}

// calm adds what any history needs to be believed: rows and probes in the 5 s before the fault, the rows
// on every host, and an observer that was not late.
func calm(h *history.History) *history.History {
	var rows []string
	for n := range 150 {
		at := -5*second + int64(n)*second/30
		o := history.Op{Client: 90 + n%4, Seq: n, Do: "add", In: fmt.Sprint("calm", n), Due: at, Call: at, Return: at + second/100, Outcome: history.OK, Server: "db1"}
		rows = append(rows, o.In)
		h.Ops = append(h.Ops, o)
		if n%6 == 0 {
			o.Client, o.Do, o.In = 95, "probe", ""
			h.Ops = append(h.Ops, o)
		}
		h.Late = append(h.Late, second/1000)
	}
	for i := range h.Scans {
		if s := &h.Scans[i]; s.Of == "add" {
			s.Values = append(rows[:len(rows):len(rows)], s.Values...)
		}
	}
	h.Sort()
	return h
}

// A service that keeps its promises, with deadlocks, retries, answers that are lost and a failover, is
// found guilty of nothing.
func TestNoJudgeFailsACleanHistory(t *testing.T) {
	const histories = 100
	var wrong, passed, open, failed int
	for seed := range uint64(histories) {
		h := simulate(seed, "")
		bad := false
		for _, judge := range slices.Sorted(maps.Keys(All)) {
			switch v := Of("a promise", judge, false, h, generous); {
			case v.Word == Pass:
				passed++
			case v.Word == Fail, judge != "digest": // one host alone cannot be compared
				bad = true
				t.Errorf("seed %d: %s: %s: %s %+v", seed, judge, v.Word, v.Why, v.Evidence)
			}
		}
		if bad {
			wrong++
		}
		for _, o := range h.Ops {
			switch o.Outcome {
			case history.Info:
				open++
			case history.Fail:
				failed++
			}
		}
	}
	t.Logf("%d of %d clean histories accused; %d verdicts pass, %d operations failed, %d unknown", wrong, histories, passed, failed, open)
}

// A service that breaks a promise is caught by the judge of it, whatever the seed.
func TestEveryFlawedWorldIsCaught(t *testing.T) {
	const seeds = 10
	for flaw, judges := range map[string]string{
		"asynchronous":        "acked append",
		"two sides":           "writers endpoint acked",
		"no rollback":         "acked append",
		"repeats":             "acked",
		"torn":                "bank",
		"overdrawn":           "bank",
		"stale":               "register reads",
		"snapshot":            "append",
		"lagging":             "session",
		"slow":                "outage",
		"never back":          "outage",
		"a member lacks rows": "acked digest",
	} {
		t.Run(flaw, func(t *testing.T) {
			for _, judge := range strings.Fields(judges) {
				caught := 0
				for seed := range uint64(seeds) {
					v := Of("a promise", judge, false, simulate(1000+seed, flaw), generous)
					if v.Word == Fail {
						caught++
					} else {
						t.Errorf("seed %d: %s: %s: %s", 1000+seed, judge, v.Word, v.Why)
					}
					if seed == 0 {
						t.Logf("%s: %s", judge, v.Why)
					}
				}
				t.Logf("%s: %d of %d caught", judge, caught, seeds)
			}
		})
	}
}

// Where writes are seen before they are durable a crash undoes what was seen: no order explains it, but no
// acknowledged write is missed.
func TestAWriteThatIsSeenBeforeItIsDurable(t *testing.T) {
	const seeds = 40
	found := 0
	for seed := range uint64(seeds) {
		h := simulate(seed, "seen before durable")
		if Of("a promise", "register", false, h, generous).Word == Fail {
			found++
		}
		if v := Of("a promise", "reads", false, h, generous); v.Word != Pass {
			t.Errorf("seed %d: %s: %s %+v", seed, v.Word, v.Why, v.Evidence)
		}
	}
	t.Logf("register: %d of %d histories", found, seeds)
	if found == 0 {
		t.Error("register found none")
	}
}

// Judges read what anybody may have written: they say something, and twice the same.
func FuzzJudges(f *testing.F) {
	files, _ := filepath.Glob("testdata/anomalies/*.jsonl")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := history.Read(bytes.NewReader(b))
		if err != nil || len(h.Of("read", "write", "cas")) > 12 { // the search is exponential
			return
		}
		for name := range All {
			v := Of("a promise", name, false, &h, generous)
			if v.Why == "" || !slices.Contains([]string{Pass, Fail, Unknown}, v.Word) {
				t.Errorf("%s: %+v", name, v)
			}
			if d := cmp.Diff(v, Of("a promise", name, false, &h, generous)); d != "" {
				t.Errorf("%s: not the same twice: %s", name, d)
			}
		}
	})
}
