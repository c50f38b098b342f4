package judge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"haprov/internal/drill/history"
)

const second = int64(time.Second)

// story is a clean drill of 40 s: 30 rows a second on db1, a fault at 10 s, nobody served until 15 s, then
// db2 to the end.
func story() *history.History {
	h := &history.History{}
	for t, n := int64(0), 0; t < 40*second; t, n = t+second/30, n+1 {
		o := history.Op{Client: 1 + n%4, Seq: n, Do: "add", In: fmt.Sprint(n), Due: t, Call: t, Return: t + second/50, Outcome: history.OK, Server: "db1"}
		switch {
		case t > 10*second && t < 15*second:
			o.Outcome, o.Class, o.Server, o.Return = history.Info, "timeout", "", t+second
		case t >= 15*second:
			o.Server = "db2"
		}
		h.Ops = append(h.Ops, o)
		if n%6 == 0 {
			p := o
			p.Do, p.In, p.Client = "probe", "", 9
			h.Ops = append(h.Ops, p)
		}
		h.Late = append(h.Late, second/1000)
	}
	h.Marks = []history.Mark{{Time: 0, Event: "begin"}, {Time: 10 * second, Event: "inject", Fault: "power-cut", Host: "db1"}, {Time: 10*second + 1, Event: "seen"}, {Time: 20 * second, Event: "heal"}}
	s := history.Scan{Host: "db2", Of: "add"}
	for _, o := range h.Of("add") {
		if o.Outcome == history.OK {
			s.Values = append(s.Values, o.In)
		}
	}
	h.Scans = []history.Scan{s, {Of: "balance", Values: []string{"60", "40"}}}
	for i := range 40 {
		at := int64(i) * second
		h.Ops = append(h.Ops,
			history.Op{Client: 20, Seq: 2 * i, Do: "balance", Out: "50 50", Call: at, Return: at + 1000, Outcome: history.OK, Server: "db1"},
			history.Op{Client: 20, Seq: 2*i + 1, Do: "transfer", In: "0 1 5", Call: at + 2000, Return: at + 3000, Outcome: history.OK, Server: "db1"},
			history.Op{Client: 21, Seq: 2 * i, Do: "write", Key: "1", In: fmt.Sprint(i + 1), Call: at, Return: at + 1000, Outcome: history.OK},
			history.Op{Client: 21, Seq: 2*i + 1, Do: "read", Key: "1", Out: fmt.Sprint(i + 1), Call: at + 2000, Return: at + 3000, Outcome: history.OK})
	}
	for i := range h.Ops {
		if o := &h.Ops[i]; o.Do == "transfer" && o.Call >= 15*second {
			o.Server = "db2"
		}
	}
	for i := range h.Ops { // nobody is served while the fault's victim is missed
		if o := &h.Ops[i]; o.Do == "transfer" && o.Call > 10*second && o.Call < 15*second {
			o.Outcome, o.Server = history.Info, ""
		}
	}
	h.Sort()
	return h
}

var generous = Expect{Stall: 10 * time.Second, Outage: 10 * time.Second}

// Each judge passes the clean story and catches its own anomaly, and says what is not known.
func TestJudges(t *testing.T) {
	for _, c := range []struct {
		name, judge, word, why string
		change                 func(h *history.History)
		expect                 Expect
	}{
		{"clean", "acked", Pass, "0 lost", nil, generous},
		{"lost", "acked", Fail, "1 lost on db2", func(h *history.History) { h.Scans[0].Values = h.Scans[0].Values[1:] }, generous},
		{"resurrected", "acked", Fail, "though they had failed", func(h *history.History) {
			h.Ops = append(h.Ops, history.Op{Do: "add", In: "x", Outcome: history.Fail, Call: second, Return: second})
			h.Scans[0].Values = append(h.Scans[0].Values, "x")
		}, generous},
		{"an unknown row may be there", "acked", Pass, "", func(h *history.History) { h.Scans[0].Values = append(h.Scans[0].Values, "302") }, generous},
		{"double", "acked", Fail, "twice", func(h *history.History) { h.Scans[0].Values = append(h.Scans[0].Values, "1") }, generous},
		{"no scan", "acked", Unknown, "no host was read", func(h *history.History) { h.Scans = nil }, generous},
		{"a scan that failed", "acked", Unknown, "could not be read", func(h *history.History) { h.Scans[0].Error = "exit 1" }, generous},
		{"clean", "outage", Pass, "no new client was served for 5.", nil, generous},
		{"too long", "outage", Fail, "more than the 3 s", nil, Expect{Stall: 10 * time.Second, Outage: 3 * time.Second}},
		{"a stall too long", "outage", Fail, "no row was acknowledged for 5.", nil, Expect{Stall: 3 * time.Second, Outage: 10 * time.Second}},
		{"never back", "outage", Fail, "did not come back", func(h *history.History) { silence(h, 10*second, 41*second) }, Expect{Stall: time.Hour, Outage: time.Hour}},
		{"clean", "writers", Pass, "db1, db2", nil, generous},
		{"two writers", "writers", Fail, "in turn", func(h *history.History) {
			for i := range 20 {
				at := 30*second + int64(i)*second/10
				h.Ops = append(h.Ops, history.Op{Do: "add", In: fmt.Sprint("b", i), Call: at, Return: at + 1, Outcome: history.OK, Server: "db1"})
			}
			h.Sort()
		}, generous},
		{"members that are written to at their own addresses", "endpoint", Pass, "db1, db2", func(h *history.History) {
			for i := range 20 {
				at := 30*second + int64(i)*second/10
				h.Ops = append(h.Ops, history.Op{Do: "member", In: fmt.Sprint("b", i), Call: at, Return: at + 1, Outcome: history.OK, Server: "db1"})
			}
			h.Sort()
		}, generous},
		{"clean", "register", Pass, "each explained", nil, generous},
		{"stale", "register", Fail, "value 1", func(h *history.History) { set(h, "read", 30*second, func(o *history.Op) { o.Out = "3" }) }, generous},
		{"an unknown write that was done", "register", Pass, "", func(h *history.History) {
			set(h, "write", 30*second, func(o *history.Op) { o.Outcome = history.Info })
		}, generous},
		{"an unknown write that was not done", "register", Pass, "", func(h *history.History) {
			set(h, "write", 30*second, func(o *history.Op) { o.Outcome = history.Info })
			set(h, "read", 30*second, func(o *history.Op) { o.Out = "30" })
		}, generous},
		{"a failed write that was done", "register", Fail, "", func(h *history.History) { set(h, "write", 30*second, func(o *history.Op) { o.Outcome = history.Fail }) }, generous},
		{"clean", "bank", Pass, "100 in all", nil, generous},
		{"wrong sum", "bank", Fail, "99 in all", func(h *history.History) { set(h, "balance", 30*second, func(o *history.Op) { o.Out = "50 49" }) }, generous},
		{"below nothing", "bank", Fail, "-1", func(h *history.History) { set(h, "balance", 30*second, func(o *history.Op) { o.Out = "101 -1" }) }, generous},
		{"wrong at the end", "bank", Fail, "at the end", func(h *history.History) { h.Scans[1].Values = []string{"60", "60"} }, generous},
		{"not seen", "acked", Unknown, "not seen in force", func(h *history.History) { h.Marks = h.Marks[:2] }, generous},
		{"no fault", "outage", Unknown, "no fault", func(h *history.History) { h.Marks = nil }, generous},
		{"too few", "acked", Unknown, "rows were acknowledged", func(h *history.History) { silence(h, 4*second, 9*second) }, generous},
		{"an observer who sleeps", "outage", Unknown, "stood still", func(h *history.History) {
			for i := range 30 {
				h.Late[i] = second
			}
		}, generous},
		{"no judge", "nobody", Unknown, "no judge", nil, generous},
	} {
		t.Run(c.judge+"/"+c.name, func(t *testing.T) {
			h := story()
			if c.change != nil {
				c.change(h)
			}
			v := Of("a promise", c.judge, false, h, c.expect)
			if v.Word != c.word || !strings.Contains(v.Why, c.why) {
				t.Errorf("%s: %s, expected %s: ...%s...", v.Word, v.Why, c.word, c.why)
			}
		})
	}
}

// silence takes all acknowledgements of a time away.
func silence(h *history.History, from, to int64) {
	for i := range h.Ops {
		if o := &h.Ops[i]; o.Return > from && o.Return < to {
			o.Outcome, o.Server = history.Info, ""
		}
	}
}

// set changes the first operation of a sort after a moment.
func set(h *history.History, do string, from int64, change func(*history.Op)) {
	for i := range h.Ops {
		if h.Ops[i].Do == do && h.Ops[i].Call >= from {
			change(&h.Ops[i])
			return
		}
	}
}
