// Package pace tells how much slower than usual this machine is: a lab's machines run on it, and what
// waits for them must wait longer when it has too much to do.
//
// Counters in, a factor and a sentence out. It knows nothing of labs, hosts or waits.
package pace

import (
	"fmt"
	"strings"
)

// Pace is how fast the machine is now.
type Pace struct {
	Factor float64 // by how much what is done here takes longer than usual; 1 on a quiet machine
	Cores  int
	Load   float64 // tasks that run or want to, the last minute's average
	Stolen float64 // share of CPU time that a hypervisor gave to others
	Work   float64 // CPU time of a fixed piece of work, in units of the reference's
}

// What stays below these is usual, and changes nothing: a lab alone keeps its cores busy.
const (
	usualLoad   = 2.0 // tasks a core
	usualStolen = 0.1
	usualWork   = 1.5
	least, most = 1.25, 5.0
	ticks       = 100 // of CPU time: what was stolen of less says nothing
)

// Judge compares two looks at the counters; work is the measure of Work.
func Judge(before, now Sample, work float64) Pace {
	p := Pace{Factor: 1, Cores: max(now.Cores, 1), Load: now.Load, Work: work}
	if work > usualWork {
		p.Factor *= work
	}
	// The average of a minute lags behind: pressure tells whether tasks wait for a core just now.
	if each := p.Load / float64(p.Cores); each > usualLoad && (!now.HasStall || now.Stall > 0.5) {
		p.Factor *= each / usualLoad
	}
	if now.Total >= before.Total+ticks && now.Steal >= before.Steal {
		p.Stolen = min(float64(now.Steal-before.Steal)/float64(now.Total-before.Total), 0.9)
	}
	if p.Stolen > usualStolen {
		p.Factor /= 1 - p.Stolen
	}
	if p.Factor = min(p.Factor, most); p.Factor < least {
		p.Factor = 1
	}
	return p
}

// Overloaded: waits may take many times as long as usual, and a person should know why.
func (p Pace) Overloaded() bool { return p.Factor >= 2 }

// String says what is the matter.
func (p Pace) String() string {
	said := []string{fmt.Sprintf("load average %.1f on %d cores", p.Load, p.Cores)}
	if p.Stolen > usualStolen {
		said = append(said, fmt.Sprintf("%.0f %% of CPU time taken by other virtual machines (steal)", 100*p.Stolen))
	}
	if p.Work > usualWork {
		said = append(said, fmt.Sprintf("CPU %.1f times as slow as the reference", p.Work))
	}
	return strings.Join(said, ", ")
}
