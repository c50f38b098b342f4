package pace

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAQuietMachineChangesNothingAndAnOverloadedOneSaysSo(t *testing.T) {
	before := Sample{Cores: 2, Total: 1000, Steal: 10}
	look := func(load, stall float64, total, steal uint64) Sample {
		return Sample{Cores: 2, Load: load, Stall: stall, HasStall: true, Total: 1000 + total, Steal: 10 + steal}
	}
	for _, c := range []struct {
		name string
		now  Sample
		work float64
		want float64
		said string
	}{
		{"idle", look(0.1, 0, 1000, 0), 0.9, 1, ""},
		{"a lab alone keeps its cores busy", look(3.5, 0.8, 1000, 20), 1.2, 1, ""},
		{"other work", look(16, 0.95, 1000, 0), 1, 4, "load average 16.0 on 2 cores"},
		{"other work that has just ended", look(16, 0.1, 1000, 0), 1, 1, ""},
		{"a kernel without pressure", Sample{Cores: 2, Load: 16}, 1, 4, "load average 16.0 on 2 cores"},
		{"stolen", look(1, 0.2, 1000, 600), 1, 2.5, "load average 1.0 on 2 cores, 60 % of CPU time taken by other virtual machines (steal)"},
		{"hardly looked", look(1, 0.2, 10, 10), 1, 1, ""},
		{"a slow machine", look(1, 0.2, 1000, 0), 3, 3, "load average 1.0 on 2 cores, CPU 3.0 times as slow as the reference"},
		{"all of it", look(40, 1, 1000, 500), 3, 5, "load average 40.0 on 2 cores, 50 % of CPU time taken by other virtual machines (steal), CPU 3.0 times as slow as the reference"},
		{"counters that ran backwards", Sample{Cores: 2, Load: 1}, 1, 1, ""},
		{"nothing is known", Sample{}, 0, 1, ""},
	} {
		p := Judge(before, c.now, c.work)
		if p.Factor < c.want-0.01 || p.Factor > c.want+0.01 || p.Overloaded() != (c.said != "") || p.Overloaded() && p.String() != c.said {
			t.Errorf("%s: factor %.2f, want %.2f; overloaded %v: %s", c.name, p.Factor, c.want, p.Overloaded(), p)
		}
	}
}

func TestCountersAreReadAsTheKernelWritesThem(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if s := Look(dir); s.Load != 0 || s.HasStall || s.Total != 0 {
		t.Errorf("without any: %+v", s)
	}
	write("loadavg", "5.84 2.61 1.15 13/253 21050\n")
	write("stat", "cpu  22327 11330 20636 123264 584 0 148 44 7 7\ncpu0 1 2 3\n")
	write("pressure/cpu", "some avg10=91.50 avg60=1.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")
	if s := Look(dir); s.Load != 5.84 || s.Total != 178333 || s.Steal != 44 || !s.HasStall || s.Stall != 0.915 || s.Cores < 1 {
		t.Errorf("%+v", s)
	}
	write("loadavg", "x")
	write("stat", "cpu a b c d e f g h i\n")
	write("pressure/cpu", "some avg10=x\n")
	if s := Look(dir); s.Load != 0 || s.Steal != 0 || s.HasStall {
		t.Errorf("garbage: %+v", s)
	}
}

func TestThisMachineIsLookedAt(t *testing.T) {
	if s := Look("/proc"); s.Total == 0 || s.Cores < 1 {
		t.Errorf("%+v", s)
	}
	if p := NewWatch().Now(); p.Factor < 1 || p.Factor > most {
		t.Errorf("%+v", p)
	}
}
