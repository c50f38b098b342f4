package view

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"haprov/internal/engine"
	"haprov/internal/lab"
)

// Live is Human on a terminal: beneath what has happened stands a line for each host at work, with
// its step, or what it waits for and for how long at most.
type Live struct {
	*Human
	Screen *Screen
	Now    func() time.Time // nil: the clock

	mu     sync.Mutex
	begun  time.Time
	order  []string
	at     map[string]*doing
	pauses []*pause
	asking bool
	stop   chan struct{}
	ended  sync.WaitGroup
}

// doing is what one host is at.
type doing struct {
	text  string
	since time.Time
	// looked: its answers are in, so when nothing follows it waits for its neighbours.
	looked bool
}

// pause is a condition that is waited for.
type pause struct {
	hosts, address, reason string
	since, until           time.Time
	told                   time.Time // when it was last heard of
}

// Start draws four times a second, until Close.
func (v *Live) Start() {
	v.stop = make(chan struct{})
	v.ended.Go(func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-v.stop:
				return
			case <-tick.C:
				v.mu.Lock()
				v.draw()
				v.mu.Unlock()
			}
		}
	})
}

// Close takes the lines away. It may be repeated.
func (v *Live) Close() {
	if v.stop != nil {
		close(v.stop)
		v.ended.Wait()
		v.stop = nil
	}
	v.Screen.Foot(nil)
}

func (v *Live) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

// Lab draws what the lab reports.
func (v *Live) Lab(e lab.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.Human.Lab(e)
	switch {
	case e.Host == "":
		v.does("lab", e.Text)
	case e.Action == "start":
		v.forget("lab")
		v.does(e.Host, "starting")
	default:
		v.forget("lab")
		v.forget(e.Host)
	}
	v.draw()
}

// Event draws one event of the engine.
func (v *Live) Event(e engine.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asking = false
	switch e := e.(type) {
	case engine.Connected:
		v.forget("lab")
		v.does(e.Host, "looking")
	case engine.Exchanged:
		if e.What != "act" {
			v.looks(e.Host)
		} else {
			v.does(e.Host, "looking")
		}
	case engine.Planned:
		v.asking = true // a question may follow
	case engine.Started:
		v.resume(e.Host)
		v.does(e.Host, e.Title)
	case engine.Done:
		v.does(e.Host, "looking")
	case engine.Failed:
		v.resume(e.Host)
		v.forget(e.Host)
	case engine.Checked:
		v.resume("")
	case engine.Phase:
		v.resume(v.order...)
	case engine.Waiting:
		v.pause(e)
		v.draw()
		return // the foot says it
	}
	v.Human.Event(e)
	v.draw()
}

// Summary takes the lines away before the end is told.
func (v *Live) Summary(s engine.Summary, err error) {
	v.mu.Lock()
	v.order, v.at, v.begun = nil, nil, time.Time{}
	for _, p := range v.pauses {
		v.waited(p)
	}
	v.pauses = nil
	v.draw()
	v.mu.Unlock()
	v.Human.Summary(s, err)
}

func (v *Live) does(host, text string) {
	if v.at == nil {
		v.at, v.begun = map[string]*doing{}, v.now()
	}
	d := v.at[host]
	if d == nil {
		d = &doing{}
		v.at[host] = d
		v.order = append(v.order, host)
	}
	if d.text != text {
		*d = doing{text: text, since: v.now()}
	}
	d.looked = false
}

func (v *Live) looks(host string) {
	if d := v.at[host]; d != nil {
		d.looked = true
	}
}

func (v *Live) forget(host string) {
	delete(v.at, host)
	v.order = slices.DeleteFunc(v.order, func(h string) bool { return h == host })
}

func (v *Live) pause(e engine.Waiting) {
	now, hosts := v.now(), strings.Join(e.Hosts, ",")
	for _, p := range v.pauses {
		if p.address == e.Address && p.hosts == hosts {
			p.reason, p.told, p.until = e.Reason, now, now.Add(e.Left)
			return
		}
	}
	v.resume(e.Hosts...)
	v.pauses = append(v.pauses, &pause{hosts: hosts, address: e.Address, reason: e.Reason, since: now, told: now, until: now.Add(e.Left)})
}

// resume ends the waits of hosts that go on.
func (v *Live) resume(hosts ...string) {
	v.pauses = slices.DeleteFunc(v.pauses, func(p *pause) bool {
		over := slices.ContainsFunc(hosts, func(h string) bool { return slices.Contains(strings.Split(p.hosts, ","), h) })
		if over {
			v.waited(p)
		}
		return over
	})
}

// waited leaves a line about a wait that is over, when it was one that a person noticed.
func (v *Live) waited(p *pause) {
	if took := v.now().Sub(p.since); took >= time.Second {
		fmt.Fprintf(v.Err, "%-8s waited %s: %s\n", who(p.hosts), short(took), Clean(p.reason))
	}
}

// stale is how long after its last look a wait is taken for over: nobody says so.
const stale = 15 * time.Second

func (v *Live) draw() {
	now := v.now()
	if v.asking || len(v.at)+len(v.pauses) == 0 {
		v.Screen.Foot(nil)
		return
	}
	v.pauses = slices.DeleteFunc(v.pauses, func(p *pause) bool { return now.Sub(p.told) > max(stale, 2*p.until.Sub(p.told)) })
	width, _ := v.Screen.size()
	lines := []string{fmt.Sprintf("-- %s --", clock(now.Sub(v.begun)))}
	for _, h := range v.order {
		d := v.at[h]
		text, since := d.text, d.since
		if p := v.waitsFor(h); p != nil {
			lines = append(lines, sides(width, h, "waiting: "+p.reason, clock(now.Sub(p.since))+", "+clock(p.until.Sub(now))+" left"))
			continue
		}
		if d.looked && now.Sub(since) > time.Second {
			text = "waiting for the other hosts"
		}
		lines = append(lines, sides(width, h, text, clock(now.Sub(since))))
	}
	for _, p := range v.pauses {
		if p.hosts == "" {
			lines = append(lines, sides(width, "check", "waiting: "+p.reason, clock(now.Sub(p.since))+", "+clock(p.until.Sub(now))+" left"))
		}
	}
	v.Screen.Foot(lines)
}

func (v *Live) waitsFor(host string) *pause {
	for _, p := range v.pauses {
		if slices.Contains(strings.Split(p.hosts, ","), host) {
			return p
		}
	}
	return nil
}

// sides puts a name and a text to the left, and times to the right; the text gives way.
func sides(width int, name, text, right string) string {
	left := fit(fmt.Sprintf("%-8s %s", name, Clean(text)), max(20, width-len(right)-4))
	return left + strings.Repeat(" ", max(2, width-1-len(left)-len(right))) + right
}

func clock(d time.Duration) string {
	d = max(0, d).Round(time.Second)
	if d < time.Minute {
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
}
