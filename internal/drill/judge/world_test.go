package judge

import (
	"cmp"
	"container/heap"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"haprov/internal/drill/history"
)

const milli = int64(time.Millisecond)

// world is a simulated service with its clients, on a clock of its own: what is done takes effect whole at
// one moment between the call and the return, on the side that is active then, and is durable. The active
// side moves in the midst of it. A flaw makes the world break a promise.
type world struct {
	*rand.Rand
	flaw   string
	now    int64
	queue  events
	n      int // of events
	h      history.History
	state  state
	old    []state // every 50 ms, where a flaw needs it
	active string
	dark   bool   // nobody is served
	split  *state // of db1, which still serves some clients: a flaw
	seq    map[int]int
	unique int
	boots  map[string]int
	log    []cell // writes to registers, where they are seen before they are durable: a flaw
	disk   int    // so many of them are durable
}

// state is what the service holds.
type state struct {
	rows     []string
	register map[string]string
	accounts []int
	lists    map[string][]string
	own      map[string]string
}

func (s state) clone() state {
	lists := map[string][]string{}
	for k, v := range s.lists {
		lists[k] = slices.Clone(v)
	}
	return state{slices.Clone(s.rows), maps.Clone(s.register), slices.Clone(s.accounts), lists, maps.Clone(s.own)}
}

// Times of a world.
const (
	loadEnd  = 30 * second
	snapshot = 50 * milli
)

// simulate runs a world.
func simulate(seed uint64, flaw string) *history.History {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 2026)), flaw: flaw, active: "db1", seq: map[int]int{}, boots: map[string]int{},
		state: state{register: map[string]string{}, accounts: []int{50, 50, 50, 50}, lists: map[string][]string{}, own: map[string]string{}}}
	client := 0
	for _, x := range []struct {
		clients int
		pace    int64 // ms
		do      work
	}{{8, 160, add}, {10, 2000, probe}, {4, 330, useRegister}, {3, 400, useBank}, {4, 400, useLists}, {3, 330, count}} {
		for range x.clients {
			client++
			id, first := client, w.Int64N(x.pace*milli)
			w.after(first, func() { w.turn(id, first, x.pace*milli, x.do) })
		}
	}
	w.clock()
	w.fault()
	for len(w.queue) > 0 {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		e.do()
	}
	w.scan()
	w.h.Sort()
	return &w.h
}

// event is something that happens at a time; of several, in the order of their making.
type event struct {
	at int64
	n  int
	do func()
}

type events []event // a heap

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].n < e[j].n
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	n := len(*e) - 1
	last := (*e)[n]
	*e = (*e)[:n]
	return last
}

func (w *world) after(ns int64, do func()) {
	w.n++
	heap.Push(&w.queue, event{w.now + ns, w.n, do})
}

// some is a time of about so many ms.
func (w *world) some(ms float64) int64 { return 1 + int64(w.ExpFloat64()*ms*float64(milli)) }

func (w *world) mark(event, host string) {
	w.h.Marks = append(w.h.Marks, history.Mark{Time: w.now, Event: event, Host: host})
}

// clock is the observer's own: a little late, once in a while much.
func (w *world) clock() {
	for range loadEnd / (100 * milli) {
		w.h.Late = append(w.h.Late, w.some(2))
	}
	w.h.Late[w.IntN(len(w.h.Late))] += 400 * milli
	if slices.Contains([]string{"asynchronous", "snapshot", "lagging", "stale"}, w.flaw) {
		for t := int64(0); t < loadEnd; t += snapshot {
			w.after(t, func() { w.old = append(w.old, w.state.clone()) })
		}
	}
}

// before is the state of a while ago.
func (w *world) before(ns int64) state { return w.old[max(0, len(w.old)-1-int(ns/snapshot))] }

// fault takes the service away for a time, and perhaps moves it; perhaps back again later.
func (w *world) fault() {
	kind := w.IntN(3) // 0: moves, 1: stays, 2: moves and comes back
	if slices.Contains([]string{"asynchronous", "two sides"}, w.flaw) {
		kind = 0
	}
	w.after(8*second+w.Int64N(2*second), func() {
		w.mark("inject", "db1")
		w.after(w.some(100), func() { w.mark("seen", "db1") })
		long := second/2 + w.Int64N(4*second)
		switch w.flaw {
		case "slow":
			long = 12 * second
		case "never back":
			long = 1000 * second
		}
		if kind == 1 {
			w.away(long, "db1")
			return
		}
		w.away(long, "db2")
		if kind == 2 {
			w.after(9*second, func() { w.away(second+w.Int64N(2*second), "db1") })
		}
	})
}

// away is an outage, after which a host is active.
func (w *world) away(long int64, then string) {
	if w.active == "db2" && then == "db2" || w.dark {
		return
	}
	was := w.active
	w.dark = true
	w.log = w.log[:w.disk]
	if w.flaw == "seen before durable" {
		clear(w.state.register)
		for _, c := range w.log {
			w.state.register[c.key] = c.value
		}
	}
	if was != then && w.IntN(2) == 0 {
		w.after(w.Int64N(long), func() { w.mark("fenced", was); w.boots[was]++ })
	}
	w.after(long, func() {
		w.dark, w.active = false, then
		switch w.flaw {
		case "asynchronous":
			w.state = w.before(long + 300*milli)
		case "two sides":
			side := w.state.clone()
			w.split = &side
			w.after(2*second, func() { w.split = nil })
		}
	})
}

// serves tells who serves a client.
func (w *world) serves(client int) (string, *state) {
	switch {
	case w.split != nil && client%2 == 1:
		return "db1", w.split
	case w.dark:
		return "", nil
	}
	return w.active, &w.state
}

// work asks for something: it fills the operation in, and gives what it does. What that answers is unmet
// when a condition was.
type work func(w *world, o *history.Op) (effect func(*state) (out string, unmet bool))

// turn is one operation of a client, which is due at a fixed time and begins when the last one is over.
func (w *world) turn(client int, due, pace int64, do work) {
	if w.now > loadEnd {
		return
	}
	w.seq[client]++
	o := history.Op{Client: client, Seq: w.seq[client], Due: due, Call: w.now}
	effect := do(w, &o)
	w.operate(o, effect, func(code int) {
		if code == 1213 && w.IntN(2) == 0 {
			w.turn(client, due, pace, do) // tried again at once
			return
		}
		w.after(max(0, due+pace-w.now), func() { w.turn(client, due+pace, pace, do) })
	})
}

// operate has an operation done, or not.
func (w *world) operate(o history.Op, effect func(*state) (string, bool), then func(code int)) {
	end := func(in int64, outcome history.Outcome, class string, code int) {
		w.after(in, func() {
			o.Return, o.Outcome, o.Class, o.Code = w.now, outcome, class, code
			w.h.Ops = append(w.h.Ops, o)
			then(code)
		})
	}
	server, _ := w.serves(o.Client)
	switch {
	case server == "" && w.IntN(3) > 0:
		end(w.some(20), history.Fail, "refused", 0)
		return
	case server == "":
		if w.IntN(5) == 0 { // it arrives much later
			w.after(w.Int64N(8*second), func() {
				if _, s := w.serves(o.Client); s != nil {
					effect(s)
				}
			})
		}
		end(second+w.Int64N(2*second), history.Info, "timeout", 0)
		return
	}
	w.after(w.some(4), func() {
		server, s := w.serves(o.Client)
		chance := w.IntN(1000)
		switch {
		case s == nil:
			end(w.some(50), history.Info, "lost", 0)
		case chance < 20:
			if w.flaw == "no rollback" {
				effect(s)
			}
			end(w.some(1), history.Fail, "server", 1213)
		case chance < 23:
			end(w.some(300), history.Fail, "server", 1205)
		case chance < 27:
			if w.IntN(2) == 0 {
				effect(s)
			}
			end(w.some(1), history.Info, "server", 1317)
		default:
			out, unmet := effect(s)
			back := w.some(2)
			o.Out, o.Server, o.Boot = out, server, fmt.Sprintf("%s/%d", server, w.boots[server])
			switch {
			case unmet:
				end(back, history.Fail, "unmet", 0)
			case w.flaw == "seen before durable" && (o.Do == "write" || o.Do == "cas"):
				w.flush(cell{o.Key, s.register[o.Key]}, end)
			case w.IntN(500) == 0:
				o.Out = ""
				end(3*second, history.Info, "timeout", 0)
			default:
				end(back, history.OK, "", 0)
			}
		}
	})
}

// flush acknowledges a write to a register once it is durable, unless a crash was faster.
func (w *world) flush(c cell, end func(int64, history.Outcome, string, int)) {
	w.log = append(w.log, c)
	mine := len(w.log)
	w.after(second, func() {
		if mine > len(w.log) || w.log[mine-1] != c {
			end(0, history.Info, "lost", 0)
			return
		}
		w.disk = max(w.disk, mine)
		end(0, history.OK, "", 0)
	})
}

func add(w *world, o *history.Op) func(*state) (string, bool) {
	w.unique++
	o.Do, o.In = "add", strconv.Itoa(w.unique)
	twice := w.flaw == "repeats" && w.IntN(50) == 0
	return func(s *state) (string, bool) {
		s.rows = append(s.rows, o.In)
		if twice {
			s.rows = append(s.rows, o.In)
		}
		return "", false
	}
}

func probe(_ *world, o *history.Op) func(*state) (string, bool) {
	o.Do = "probe"
	return func(*state) (string, bool) { return "", false }
}

func useRegister(w *world, o *history.Op) func(*state) (string, bool) {
	key := strconv.Itoa(w.IntN(4))
	value := func(s *state) string { return cmp.Or(s.register[key], "0") }
	w.unique++
	o.Key = key
	switch to := strconv.Itoa(w.unique); w.IntN(4) {
	case 0:
		o.Do, o.In = "write", to
		return func(s *state) (string, bool) { s.register[key] = to; return "", false }
	case 1:
		was := value(&w.state) // what the client saw last: perhaps another one by now
		o.Do, o.In = "cas", was+" "+to
		return func(s *state) (string, bool) {
			if value(s) != was {
				return "", true
			}
			s.register[key] = to
			return "", false
		}
	}
	o.Do = "read"
	return func(s *state) (string, bool) {
		if w.flaw == "stale" {
			old := w.before(400 * milli)
			s = &old
		}
		return value(s), false
	}
}

func useBank(w *world, o *history.Op) func(*state) (string, bool) {
	if w.IntN(3) == 0 {
		o.Do = "balance"
		return func(s *state) (string, bool) { return strings.Join(balances(s), " "), false }
	}
	from, to, sum := w.IntN(4), w.IntN(4), 1+w.IntN(20)
	o.Do, o.In = "transfer", fmt.Sprint(from, to, sum)
	return func(s *state) (string, bool) {
		if s.accounts[from] < sum && w.flaw != "overdrawn" {
			return "", true
		}
		s.accounts[from] -= sum
		give := func() { s.accounts[to] += sum }
		if w.flaw == "torn" {
			w.after(100*milli, give)
			return "", false
		}
		give()
		return "", false
	}
}

func balances(s *state) (out []string) {
	for _, n := range s.accounts {
		out = append(out, strconv.Itoa(n))
	}
	return out
}

func useLists(w *world, o *history.Op) func(*state) (string, bool) {
	o.Do = "append"
	var steps []step
	var asked []string
	for range 2 + w.IntN(3) {
		key := string(rune('u' + w.IntN(6)))
		if w.IntN(2) == 0 {
			steps = append(steps, step{key: key, verb: '?'})
			asked = append(asked, key+"?")
			continue
		}
		w.unique++
		steps = append(steps, step{key: key, verb: '+', values: []string{strconv.Itoa(w.unique)}})
		asked = append(asked, key+"+"+strconv.Itoa(w.unique))
	}
	o.In = strings.Join(asked, " ")
	return func(s *state) (string, bool) {
		seen := s.lists
		if w.flaw == "snapshot" {
			seen = w.before(200 * milli).lists
		}
		var out []string
		own := map[string][]string{}
		for i, x := range steps {
			if x.verb == '+' {
				s.lists[x.key] = append(s.lists[x.key], x.values[0])
				own[x.key] = append(own[x.key], x.values[0])
				out = append(out, asked[i])
				continue
			}
			found := seen[x.key]
			if w.flaw == "snapshot" {
				found = slices.Concat(found, own[x.key])
			}
			out = append(out, x.key+"="+strings.Join(found, ","))
		}
		return strings.Join(out, " "), false
	}
}

func count(w *world, o *history.Op) func(*state) (string, bool) {
	key := strconv.Itoa(o.Client)
	o.Key = key
	if w.IntN(2) == 0 {
		o.Do, o.In = "put", strconv.Itoa(o.Seq)
		return func(s *state) (string, bool) { s.own[key] = o.In; return "", false }
	}
	o.Do = "get"
	return func(s *state) (string, bool) {
		if w.flaw == "lagging" {
			return w.before(600 * milli).own[key], false
		}
		return s.own[key], false
	}
}

// scan reads all at the end.
func (w *world) scan() {
	hosts := []string{w.active}
	if w.IntN(2) == 0 || w.flaw == "a member lacks rows" {
		hosts = []string{"db1", "db2", "db3"}
	}
	for _, host := range hosts {
		rows := slices.Clone(w.state.rows)
		if w.flaw == "a member lacks rows" && host == "db3" {
			rows = rows[:len(rows)-5]
		}
		w.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		w.h.Scans = append(w.h.Scans, history.Scan{Host: host, Of: "add", Values: rows})
	}
	lists := history.Scan{Of: "append"}
	for _, key := range slices.Sorted(maps.Keys(w.state.lists)) {
		lists.Values = append(lists.Values, key+"="+strings.Join(w.state.lists[key], ","))
	}
	w.h.Scans = append(w.h.Scans, lists, history.Scan{Of: "balance", Values: balances(&w.state)})
}
