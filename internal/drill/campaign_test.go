package drill

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"haprov/internal/drill/judge"
	"haprov/internal/recipe"
)

// campaigned is a cluster with drills of one fault each, and one of two.
func campaigned() recipe.Cluster {
	bound := func(name, risk, on string, links *recipe.LinkFault) recipe.Bound {
		return recipe.Bound{Fault: recipe.Fault{Name: name, Risk: risk, Links: links}, On: on}
	}
	drill := func(outage time.Duration, all ...recipe.Bound) recipe.Drill {
		return recipe.Drill{Faults: all, Expect: recipe.Expect{Active: "moves", Outage: outage, Stall: outage}}
	}
	power, cut := bound("power-cut", "host", "active", nil), bound("replication-cut", "stall", "active", &recipe.LinkFault{Cut: true})
	return recipe.Cluster{Name: "shop", Recipe: "x", Drills: recipe.Drills{Drills: []recipe.Drill{
		drill(60*time.Second, power),
		drill(30*time.Second, bound("power-cut", "host", "standby", nil)),
		drill(20*time.Second, bound("server-killed", "failover", "active", nil)),
		drill(10*time.Second, cut),
		drill(15*time.Second, bound("links-lossy", "stall", "active", &recipe.LinkFault{Loss: 5})),
		drill(15*time.Second, bound("memory-hog", "stall", "active", nil)),
		drill(90*time.Second, bound("power-blip", "host", "all", nil)),
		drill(99*time.Second, cut, power),
	}}}
}

func twoHosts(target string) ([]string, error) {
	switch target {
	case "active":
		return []string{"db1"}, nil
	case "standby":
		return []string{"db2"}, nil
	}
	return []string{"db1", "db2"}, nil
}

func anything(recipe.Bound) bool { return true }

// A campaign brings no two faults together that a cluster which tolerates the loss of one host need not
// survive, nor such that the second could not be brought about.
func TestPairsOfACampaign(t *testing.T) {
	var got []string
	for _, s := range Pairs(campaigned(), twoHosts, anything) {
		got = append(got, s.Pair())
	}
	want := strings.Fields(`power-cut@standby,links-lossy@active power-cut@standby,memory-hog@active
		server-killed@active,power-cut@active server-killed@active,links-lossy@active server-killed@active,memory-hog@active
		replication-cut@active,memory-hog@active
		links-lossy@active,power-cut@active links-lossy@active,power-cut@standby links-lossy@active,server-killed@active links-lossy@active,memory-hog@active
		memory-hog@active,power-cut@active memory-hog@active,power-cut@standby memory-hog@active,server-killed@active
		memory-hog@active,replication-cut@active memory-hog@active,links-lossy@active`)
	if !slices.Equal(got, want) {
		t.Errorf("%s\nexpected\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, s := range Pairs(campaigned(), twoHosts, func(b recipe.Bound) bool { return b.Fault.Risk == "stall" }) {
		if strings.Contains(s.Pair(), "power-cut") || strings.Contains(s.Pair(), "server-killed") {
			t.Errorf("a fault that is not allowed here: %s", s)
		}
	}
	// the active host is the standby's address holder, too: both targets are one host
	same := func(string) ([]string, error) { return []string{"db1"}, nil }
	for _, s := range Pairs(campaigned(), same, anything) {
		if s[0].Fault.Risk == "host" {
			t.Errorf("the host is away when the second fault is due: %s", s)
		}
	}
}

// The same seed draws the same schedules; every pair has its turn before one comes twice; what earlier
// runs tried comes last.
func TestDraw(t *testing.T) {
	pairs := Pairs(campaigned(), twoHosts, anything)
	draw := func(seed uint64, covered map[string]int) (out []string) {
		r := rand.New(rand.NewPCG(seed, 0))
		for range pairs {
			s := Draw(pairs, covered, r)
			covered[s.Pair()]++
			out = append(out, s.String())
		}
		return out
	}
	covered := map[string]int{}
	first := draw(7, covered)
	if again := draw(7, map[string]int{}); !slices.Equal(first, again) {
		t.Errorf("of the same seed:\n%v\n%v", first, again)
	}
	if slices.Equal(first, draw(8, map[string]int{})) {
		t.Error("another seed draws the same")
	}
	for _, p := range pairs {
		if covered[p.Pair()] != 1 {
			t.Errorf("%s was drawn %d times", p.Pair(), covered[p.Pair()])
		}
		if p[1].After != 0 {
			t.Fatal("drawing changed the pairs")
		}
	}
	last := pairs[3].Pair()
	covered = map[string]int{last: 1}
	order := draw(9, covered)
	for i, text := range order {
		s, err := ParseSchedule(text, campaigned())
		if err != nil || s.Pair() == last && i < len(order)-1 {
			t.Errorf("%s was tried before; drawn as number %d: %s %v", last, i+1, text, err)
		}
	}
}

func TestSchedulesAreWrittenAndRead(t *testing.T) {
	c := campaigned()
	for _, s := range Pairs(c, twoHosts, anything) {
		for seed := range uint64(5) {
			drawn := Draw([]Schedule{s}, nil, rand.New(rand.NewPCG(seed, 0)))
			read, err := ParseSchedule(drawn.String(), c)
			if err != nil || read.String() != drawn.String() || fmt.Sprint(read) != fmt.Sprint(drawn) {
				t.Errorf("%s: %s %v", drawn, read, err)
			}
		}
	}
	s, err := ParseSchedule("memory-hog@active/10s,power-cut@standby+1m3s/20s", c)
	if err != nil {
		t.Fatal(err)
	}
	d := s.Drill("x", c)
	if d.Expect.Outage != 15*time.Second+30*time.Second+63*time.Second || d.Expect.Stall != d.Expect.Outage || !d.Expect.Open || d.Expect.Active != "" || len(d.Faults) != 2 || d.Faults[0].Hold != 10*time.Second {
		t.Errorf("%+v", d)
	}
	for text, want := range map[string]string{
		"":                                      "there is power-cut@active",
		"power-cut":                             "FAULT@TARGET",
		"power-cut@db1":                         "no drill of one fault",
		"power-cut@active+x":                    "time",
		"power-cut@active+3":                    "time",
		"power-cut@active/-3s":                  "time",
		"power-cut@active+3s/11m":               "expected 0s to 10m",
		"power-cut@active+3s+4s":                "time",
		"power-cut@active/3s/4s":                "time",
		strings.Repeat("x@all,", 4):             "5 faults",
		"power-cut@active+3s,memory-hog@active": "in the order of their times",
	} {
		if _, err := ParseSchedule(text, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, expected ...%s...", text, err, want)
		}
	}
}

// What fails is brought down to the faults and times that it takes, and no run is wasted on the same.
func TestShrink(t *testing.T) {
	c := campaigned()
	for _, x := range []struct{ from, to, needs string }{
		{"memory-hog@active/30s,power-cut@standby+10s/10s", "power-cut@standby", "power-cut"},
		{"memory-hog@active/30s,power-cut@standby+10s/10s", "memory-hog@active", "memory-hog"},
		{"memory-hog@active/30s,power-cut@standby+10s/10s", "memory-hog@active,power-cut@standby", "memory-hog power-cut"},
		{"memory-hog@active/30s,power-cut@standby+10s/10s", "memory-hog@active/30s,power-cut@standby+10s", "memory-hog power-cut /30s +10s"},
		{"memory-hog@active/30s,power-cut@standby+10s/10s", "memory-hog@active/30s,power-cut@standby+10s/10s", "nothing less"},
		{"links-lossy@active,memory-hog@active+1s,server-killed@active+3s,power-cut@standby+5s", "memory-hog@active,power-cut@standby+4s", "memory-hog power-cut +4s"},
	} {
		s, err := ParseSchedule(x.from, c)
		if err != nil {
			t.Fatal(err)
		}
		tried := map[string]int{}
		got := Shrink(s, func(less Schedule) bool {
			if tried[less.String()]++; tried[less.String()] > 1 || less.String() == x.from {
				t.Errorf("%s: %s was tried before", x.from, less)
			}
			if _, err := ParseSchedule(less.String(), c); err != nil {
				t.Errorf("cannot be run: %v", err)
			}
			for _, need := range strings.Fields(x.needs) {
				if !strings.Contains(less.String(), need) {
					return false
				}
			}
			return true
		})
		if got.String() != x.to {
			t.Errorf("%s that needs %s: %s, expected %s", x.from, x.needs, got, x.to)
		}
		if s.String() != x.from {
			t.Errorf("%s became %s on the way", x.from, s)
		}
	}
}

// The matrix adds up over runs of this cluster, of what was judged.
func TestCoverageAddsUp(t *testing.T) {
	judged := []judge.Verdict{{Word: judge.Unknown}}
	run := func(cluster string, all ...string) (s Summary) {
		s.Cluster, s.Recipe = cluster, "x"
		for _, text := range all {
			s.Add(Result{Schedule: text, Verdicts: judged})
		}
		return s
	}
	a := run("shop", "memory-hog@active/30s,power-cut@standby+10s", "memory-hog@active", "gone@active,power-cut@standby", "")
	b := run("shop", "memory-hog@active,power-cut@standby+3s")
	b.Add(Result{Schedule: "links-lossy@active,power-cut@standby"}) // never begun
	got := Covered(campaigned(), []Summary{a, run("other", "memory-hog@active,power-cut@standby"), b})
	if fmt.Sprint(got) != "map[memory-hog@active,power-cut@standby:2]" {
		t.Error(got)
	}
}
