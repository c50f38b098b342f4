package judge

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haprov/internal/drill/history"
)

// An anomaly is a file, named by the judge that must catch it; its header's drill is what the judge must
// say, the text of its first mark is what happened. The times before its fault are filled with a calm load.
func TestEveryAnomalyIsCaughtByItsJudgeAlone(t *testing.T) {
	also := map[string]string{"acked-member-lacks-rows": "digest"}
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
