package act

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Read tells from a batch's whole output what became of each of its n actions.
func Read(n int, nonce string, out []byte) []Result {
	r := NewReader(n, nonce)
	r.Feed(out)
	return r.Results()
}

func mark(words string) string { return "\n" + nonce + " " + words + "\n\n" }

var batch = "noise" + mark("begin 0") + mark("done 0") + mark("begin 1") + mark("same 1") + mark("begin 2") + mark("failed 2 100") + "why\nit failed\n" + mark("end")

func TestAReaderSaysTheSameWhereverItsInputIsCut(t *testing.T) {
	want := []Result{{State: Done}, {State: Same}, {State: Failed, Exit: 100, Output: "why\nit failed\n"}, {}}
	for i := range len(batch) {
		r := NewReader(4, nonce)
		r.Feed([]byte(batch[:i]))
		r.Feed([]byte(batch[i:]))
		if got := r.Results(); !reflect.DeepEqual(got, want) {
			t.Fatalf("cut at %d: %+v", i, got)
		}
	}
	r, moves := NewReader(4, nonce), 0
	for i := range len(batch) {
		if r.Feed([]byte(batch[i : i+1])) {
			moves++
		}
	}
	if got := r.Results(); !reflect.DeepEqual(got, want) || moves != 6 {
		t.Fatalf("byte by byte: %d moves, %+v", moves, got)
	}
}

func TestMarksOutOfOrderChangeNothing(t *testing.T) {
	for _, text := range []string{
		mark("done 0"), mark("begin 1"), mark("begin 0") + mark("done 1"), mark("begin 0") + mark("begin 0"), mark("begin -1"), mark("begin 0x0"),
		mark("begin 99999999999999999999"), mark(strings.Repeat("begin ", 1000)), mark("failed 0 1"), mark("end"), mark(""), mark("begin"),
	} {
		for i, r := range Read(2, nonce, []byte(text)) {
			if r.State != NotRun && !(i == 0 && r.State == Running && strings.HasPrefix(text, mark("begin 0"))) {
				t.Errorf("%q: %+v", text, r)
			}
		}
	}
	text := mark("begin 0") + mark("failed 0 1") + "why" + mark("done 0") + mark("begin 1") + mark("done 1")
	if rs := Read(2, nonce, []byte(text)); rs[0].State != Failed || rs[0].Output != "why" || rs[1].State != NotRun {
		t.Errorf("after a failure: %+v", rs)
	}
}

func TestAReaderKeepsLittleAndLooksOnce(t *testing.T) {
	flood := strings.Repeat(mark("begin 0")+mark("done 0"), 1000)
	r := NewReader(1, nonce)
	began := time.Now()
	for range 500 { // 30 MB
		r.Feed([]byte(flood))
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	r = NewReader(1, nonce)
	r.Feed([]byte(mark("begin 0") + mark("failed 0 1")))
	for range 1000 {
		r.Feed([]byte(strings.Repeat("x", 10000)))
	}
	if n := len(r.Results()[0].Output); n < maxOutput-1 || n > maxOutput || cap(r.pending) > 1<<20 {
		t.Errorf("%d bytes kept, %d pending", n, cap(r.pending))
	}
}

func TestPatienceIsForWhatIsUnderWay(t *testing.T) {
	as := []Action{{Shell: "a", Timeout: time.Hour}, {Shell: "b", Guard: "c", Timeout: time.Hour}}
	r := NewReader(2, nonce)
	for i, want := range []time.Duration{slack, slack + time.Hour, slack, slack + 2*time.Hour, flush} {
		if got := r.Patience(as); got != want {
			t.Errorf("after %d marks: %s, want %s", i, got, want)
		}
		r.Feed([]byte(mark(fmt.Sprintf("%s %d", []string{"begin", "done"}[i%2], min(i/2, 1)))))
	}
}

func FuzzReader(f *testing.F) {
	f.Add(batch, 3)
	f.Add(mark("refused 0")+mark("end"), 1)
	f.Add(strings.Repeat("\n", 100), 40)
	f.Fuzz(func(t *testing.T, out string, cut int) {
		n := 3
		whole := Read(n, nonce, []byte(out))
		if len(whole) != n {
			t.Fatalf("%d results", len(whole))
		}
		if cut < 0 || cut > len(out) {
			return
		}
		r := NewReader(n, nonce)
		r.Feed([]byte(out[:cut]))
		r.Feed([]byte(out[cut:]))
		if got := r.Results(); !reflect.DeepEqual(got, whole) {
			t.Errorf("whole %+v, cut at %d %+v", whole, cut, got)
		}
	})
}
