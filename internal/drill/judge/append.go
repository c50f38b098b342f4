package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"haprov/internal/drill/history"
)

// Append looks at transactions that append unique values to lists and read them whole. In is what was
// asked for, Out what came of it, in the transaction's order: "x+1 y?" appends 1 to x and reads y,
// "x+1 y=3,4" found 3 and 4 there, "y=" nothing. A list shows the order of its writes, so what depends on
// what is known: a transaction overwrites another (ww), reads it (wr), or does not see it yet (rw). A
// cycle of dependencies is an anomaly of its own name: only ww is G0, with wr G1c, with one rw G-single,
// with several G2. The values alone tell reads of what was undone (G1a) or not yet whole (G1b), and lost
// appends.
//
// Adya, Weak consistency: a generalized theory, 1999; Kingsbury and Alvaro, Elle, 2020.
func Append(h *history.History, _ Expect) Verdict {
	ops := h.Of("append")
	if len(ops) == 0 {
		return unknown("no list was used")
	}
	a := lists{by: map[cell]int{}, last: map[cell]bool{}, order: map[string][]string{}}
	for _, o := range ops {
		if err := a.add(o); err != nil {
			return unknown("an operation is damaged: " + err.Error())
		}
	}
	scans, doubt := scansOf(h, "append")
	var final []map[string][]string
	for _, s := range scans {
		m := map[string][]string{}
		for _, text := range s.Values {
			do, err := parse(text)
			if err != nil || do.verb != '=' {
				return unknown(fmt.Sprintf("a final read is damaged: %.40q", text))
			}
			m[do.key] = do.values
		}
		final = append(final, m)
	}
	v := Verdict{Word: Pass, Numbers: map[string]float64{"transactions": float64(len(ops))}}
	if f := a.wrong(final); f != nil {
		v.Word, v.Why, v.Evidence = Fail, f.why, few(a.ops(f.txns))
		return v
	}
	if doubt != "" {
		v.Word, v.Why = Unknown, doubt
		return v
	}
	v.Why = fmt.Sprintf("%d transactions on %d lists, no cycle of dependencies, no append lost", len(ops), len(a.order))
	return v
}

// step is a part of a transaction: an append (+), a read that is asked for (?), a read (=).
type step struct {
	key    string
	verb   byte
	values []string
}

// parse reads one step.
func parse(text string) (step, error) {
	n := strings.IndexAny(text, "+?=")
	if n < 1 {
		return step{}, fmt.Errorf("%.40q", text)
	}
	s := step{key: text[:n], verb: text[n]}
	switch rest := text[n+1:]; {
	case s.verb == '+' && rest != "":
		s.values = []string{rest}
	case s.verb == '=' && rest != "":
		s.values = strings.Split(rest, ",")
	case s.verb == '+' || s.verb == '?' && rest != "":
		return step{}, fmt.Errorf("%.40q", text)
	}
	return s, nil
}

// cell is a value in a list.
type cell struct{ key, value string }

// txn is a transaction.
type txn struct {
	op    history.Op
	steps []step
}

// lists is what the transactions tell of the lists.
type lists struct {
	txns  []txn
	by    map[cell]int        // who appended it
	last  map[cell]bool       // it was its transaction's last there
	order map[string][]string // the longest state of a list that anybody read
}

// finding is something that must not be, and the transactions that show it.
type finding struct {
	why  string
	txns []int
}

func (a *lists) ops(txns []int) (out []history.Op) {
	for _, n := range txns {
		out = append(out, a.txns[n].op)
	}
	return out
}

// add takes a transaction. What one that did not end well read is not known.
func (a *lists) add(o history.Op) error {
	text := o.Out
	if o.Outcome != history.OK {
		text = o.In
	}
	t := txn{op: o}
	last := map[string]string{}
	for _, word := range strings.Fields(text) {
		s, err := parse(word)
		if err != nil {
			return err
		}
		t.steps = append(t.steps, s)
		if s.verb == '+' {
			c := cell{s.key, s.values[0]}
			if _, twice := a.by[c]; twice {
				return fmt.Errorf("%s is appended twice to %s", c.value, c.key)
			}
			a.by[c] = len(a.txns)
			last[s.key] = c.value
		}
	}
	for key, value := range last {
		a.last[cell{key, value}] = true
	}
	a.txns = append(a.txns, t)
	return nil
}

// reads visits every read of a transaction that ended well; before are its own appends there until then.
func (a *lists) reads(visit func(n int, s step, before []string) *finding) *finding {
	for n, t := range a.txns {
		if t.op.Outcome != history.OK {
			continue
		}
		own := map[string][]string{}
		for _, s := range t.steps {
			switch s.verb {
			case '+':
				own[s.key] = append(own[s.key], s.values[0])
			case '=':
				if f := visit(n, s, own[s.key]); f != nil {
					return f
				}
			}
		}
	}
	return nil
}

// wrong finds what must not be; the plainest first.
func (a *lists) wrong(final []map[string][]string) *finding {
	if f := a.reads(a.values); f != nil {
		return f
	}
	if f := a.reads(a.prefix); f != nil {
		return f
	}
	for _, m := range final {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			s := step{key: key, values: m[key]}
			if f := a.known(s, nil); f != nil {
				return f
			}
			if f := a.prefix(-1, s, nil); f != nil {
				return f
			}
		}
	}
	if f := a.lost(final); f != nil {
		return f
	}
	return a.cycle()
}

// known tells whether all values of a read were appended, once, and by nobody who failed for certain.
func (a *lists) known(s step, reader []int) *finding {
	seen := map[string]bool{}
	for _, value := range s.values {
		w, ok := a.by[cell{s.key, value}]
		switch {
		case !ok:
			return &finding{fmt.Sprintf("%s in list %s, which nobody appended", value, s.key), reader}
		case seen[value]:
			return &finding{fmt.Sprintf("%s twice in list %s", value, s.key), append(reader, w)}
		case a.txns[w].op.Outcome == history.Fail:
			return &finding{fmt.Sprintf("G1a: %s in list %s was read, though its transaction had failed", value, s.key), append([]int{w}, reader...)}
		}
		seen[value] = true
	}
	return nil
}

// values looks at one read alone.
func (a *lists) values(n int, s step, before []string) *finding {
	if f := a.known(s, []int{n}); f != nil {
		return f
	}
	if k := len(s.values) - len(before); k < 0 || !slices.Equal(s.values[k:], before) {
		return &finding{fmt.Sprintf("a transaction did not see its own append to list %s", s.key), []int{n}}
	}
	if len(s.values) == 0 {
		return nil
	}
	tip := cell{s.key, s.values[len(s.values)-1]}
	if w := a.by[tip]; w != n && !a.last[tip] {
		return &finding{fmt.Sprintf("G1b: list %s was read up to %s, in the middle of a transaction", s.key, tip.value), []int{w, n}}
	}
	return nil
}

// prefix tells whether a read and those before it are states of one list.
func (a *lists) prefix(n int, s step, _ []string) *finding {
	long := a.order[s.key]
	short := s.values
	if len(short) > len(long) {
		long, short = short, long
	}
	for i := range short {
		if short[i] != long[i] {
			f := &finding{why: fmt.Sprintf("list %s was read in two orders: at place %d %s and %s", s.key, i+1, long[i], short[i]),
				txns: []int{a.by[cell{s.key, long[i]}], a.by[cell{s.key, short[i]}]}}
			if n >= 0 {
				f.txns = append(f.txns, n)
			}
			return f
		}
	}
	a.order[s.key] = long
	return nil
}

// lost looks for acknowledged appends that are not there at the end, and for transactions of which only
// a part is.
func (a *lists) lost(final []map[string][]string) *finding {
	for _, m := range final {
		there := map[cell]bool{}
		for key, values := range m {
			for _, value := range values {
				there[cell{key, value}] = true
			}
		}
		for n, t := range a.txns {
			var missing []step
			found := false
			for _, s := range t.steps {
				switch {
				case s.verb != '+':
				case there[cell{s.key, s.values[0]}]:
					found = true
				default:
					missing = append(missing, s)
				}
			}
			switch {
			case len(missing) == 0:
			case t.op.Outcome == history.OK:
				return &finding{fmt.Sprintf("lost append: %s to list %s was acknowledged and is not there at the end", missing[0].values[0], missing[0].key), []int{n}}
			case found:
				return &finding{fmt.Sprintf("a transaction is there in part: without %s in list %s", missing[0].values[0], missing[0].key), []int{n}}
			}
		}
	}
	return nil
}
