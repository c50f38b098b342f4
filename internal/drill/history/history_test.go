package history

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b, nil, Header{Drill: "power-cut", Cluster: "shop", Seed: 7})
	w.Called(Op{Client: 1, Seq: 1, Do: "add", In: "1", Call: 5})
	w.Called(Op{Client: 2, Seq: 1, Do: "add", In: "2", Call: 3})
	w.Edge(Mark{Time: 6, Event: "inject", Fault: "power-cut", Host: "db1"})
	w.Returned(Op{Client: 1, Seq: 1, Do: "add", In: "1", Call: 5, Return: 9, Outcome: OK, Server: "db1"})
	w.Late(12)
	w.Scanned(Scan{Host: "db1", Of: "add", Values: []string{"1"}})
	want, err := w.End()
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Ops) != 2 || want.Ops[0].Outcome != Info || want.Ops[0].In != "2" {
		t.Errorf("the call that never returned: %+v", want.Ops)
	}
	got, err := Read(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// a run that was killed: the last line is cut, and the open call stands at the edge
	cut := b.String()[:strings.Index(b.String(), `"late"`)+3]
	got, err = Read(strings.NewReader(cut))
	if err != nil || len(got.Ops) != 2 || got.Ops[0].Outcome != Info || len(got.Marks) != 1 {
		t.Errorf("%+v %v", got, err)
	}
}

func TestADamagedHistoryIsRefusedWithItsLine(t *testing.T) {
	head := `{"header":{"version":1}}` + "\n"
	for name, c := range map[string][2]string{
		"nothing":            {"", "no history"},
		"no header":          {`{"op":{}}` + "\n", "line 1"},
		"other version":      {`{"header":{"version":9}}` + "\n", "version 1"},
		"damaged":            {head + "{\n" + `{"op":{"do":"add"}}` + "\n", "line 2"},
		"nothing in it":      {head + "{}\n" + `{"op":{"do":"add"}}` + "\n", "line 2"},
		"damaged at the end": {head + "{}\n", "line 2"},
		"no outcome":         {head + `{"op":{"do":"add"}}` + "\n" + head, "line 2"},
		"too early":          {head + `{"op":{"do":"add","outcome":"ok","call":2,"return":1}}` + "\n" + head, "line 2"},
		"second header":      {head + head, "line 2"},
		"too long":           {head + strings.Repeat("x", MaxLine+1), "line 2"},
		"only one, bent":     {"{", "no history"},
	} {
		if _, err := Read(strings.NewReader(c[0])); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"header":{"version":1}}` + "\n" + `{"op":{"do":"add","outcome":"ok"}}` + "\n" + `{"open":{"client":1}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		var again bytes.Buffer
		w := NewWriter(&again, nil, h.Header)
		for _, o := range h.Ops {
			w.Returned(o)
		}
		for _, m := range h.Marks {
			w.Edge(m)
		}
		for _, s := range h.Scans {
			w.Scanned(s)
		}
		for _, l := range h.Late {
			w.Late(l)
		}
		if _, err := w.End(); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(&again); err != nil || !cmp.Equal(h, got) {
			t.Error(err, cmp.Diff(h, got))
		}
	})
}
