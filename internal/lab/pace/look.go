package pace

import (
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"haprov/internal/file"
)

// Sample is one look at the machine's counters.
type Sample struct {
	Cores        int
	Load         float64
	Stall        float64 // share of the last ten seconds in which some task waited for a core
	HasStall     bool    // the kernel tells it
	Total, Steal uint64  // CPU time since boot, in ticks
}

// Look reads the counters below a folder such as /proc (proc(5); psi.rst in the kernel's
// documentation). What cannot be read is as on a quiet machine.
func Look(proc string) Sample {
	s := Sample{Cores: runtime.NumCPU()}
	read := func(name string) []string {
		b, _ := file.Read(proc+"/"+name, 1<<20)
		l, _, _ := strings.Cut(string(b), "\n")
		return strings.Fields(l)
	}
	if f := read("loadavg"); len(f) > 0 {
		s.Load, _ = strconv.ParseFloat(f[0], 64)
	}
	// cpu user nice system idle iowait irq softirq steal guest guest_nice; guests count in user, too
	if f := read("stat"); len(f) > 8 && f[0] == "cpu" {
		for i, x := range f[1:9] {
			n, _ := strconv.ParseUint(x, 10, 64)
			s.Total += n
			if i == 7 {
				s.Steal = n
			}
		}
	}
	// some avg10=1.53 avg60=... avg300=... total=...
	if f := read("pressure/cpu"); len(f) > 1 && f[0] == "some" {
		percent, err := strconv.ParseFloat(strings.TrimPrefix(f[1], "avg10="), 64)
		s.Stall, s.HasStall = percent/100, err == nil
	}
	return s
}

// reference is the CPU time of the fixed piece of work on the machine that the documents' figures are
// from.
const reference = 8 * time.Millisecond

// Work does a fixed piece of work three times and gives the least CPU time that it took, in units of
// the reference's: 1 or less where a core is as fast. That others want the core, too, does not count.
func Work() float64 { return min(work(), work(), work()) }

func work() float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin, ok := used()
	table := make([]uint32, 1<<18)
	x := uint64(88172645463325252)
	for range 1 << 22 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		table[x%uint64(len(table))] += uint32(x >> 32)
	}
	end, also := used()
	if !ok || !also || table[0] == 1 && x == 1 {
		return 1
	}
	return float64(end-begin) / float64(reference)
}

// used is the CPU time of this thread (getrusage(2), RUSAGE_THREAD).
func used() (time.Duration, bool) {
	var u syscall.Rusage
	if err := syscall.Getrusage(1, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}

// Watch keeps an eye on this machine. It may be asked at any time, by several at once.
type Watch struct {
	mu   sync.Mutex
	work float64
	last Sample
	at   time.Time
	pace Pace
}

// fresh is how long an answer counts.
const fresh = 5 * time.Second

// NewWatch measures how fast a core is, which takes some hundredths of a second.
func NewWatch() *Watch { return &Watch{work: Work(), last: Look("/proc")} }

// Now is the pace of the last seconds.
func (w *Watch) Now() Pace {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.at) > fresh {
		now := Look("/proc")
		w.pace = Judge(w.last, now, w.work)
		w.last, w.at = now, time.Now()
	}
	return w.pace
}
