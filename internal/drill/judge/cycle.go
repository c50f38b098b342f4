package judge

import (
	"fmt"
	"slices"
	"strings"
)

// Kinds of dependencies between transactions.
const (
	ww = 1 << iota // overwrites
	wr             // reads
	rw             // does not see
)

// graph holds the kinds of dependencies from one transaction to others.
type graph []map[int]int

func (g graph) edge(from, to, kind int) {
	if from == to {
		return
	}
	if g[from] == nil {
		g[from] = map[int]int{}
	}
	g[from][to] |= kind
}

// next are those that depend on n by one of the kinds, in order.
func (g graph) next(n, kinds int) (out []int) {
	for to, k := range g[n] {
		if k&kinds != 0 {
			out = append(out, to)
		}
	}
	slices.Sort(out)
	return out
}

// depend finds the dependencies: of the appends in the order of each list, and of the reads.
func (a *lists) depend() graph {
	g := make(graph, len(a.txns))
	place := map[cell]int{}
	for key, order := range a.order {
		for i, value := range order {
			place[cell{key, value}] = i
			if i > 0 {
				g.edge(a.by[cell{key, order[i-1]}], a.by[cell{key, value}], ww)
			}
		}
	}
	a.reads(func(n int, s step, own []string) *finding {
		state := s.values[:len(s.values)-len(own)] // as the others left it
		if len(state) > 0 {
			g.edge(a.by[cell{s.key, state[len(state)-1]}], n, wr)
		}
		if order := a.order[s.key]; len(s.values) < len(order) {
			g.edge(n, a.by[cell{s.key, order[len(s.values)]}], rw)
		}
		return nil
	})
	return g
}

// cycle finds the plainest cycle of dependencies.
func (a *lists) cycle() *finding {
	g := a.depend()
	for _, c := range []struct {
		name             string
		first, then, all int // kinds: of the cycle's first dependency, of the others, of the graph
	}{
		{"G0", ww, ww, ww},
		{"G1c", wr, ww | wr, ww | wr},
		{"G-single", rw, ww | wr, ww | wr | rw},
		{"G2", rw, ww | wr | rw, ww | wr | rw},
	} {
		if way := g.shortest(c.first, c.then, c.all); way != nil {
			return &finding{c.name + ": a cycle of dependencies: " + a.names(g, way, c.first, c.then), way}
		}
	}
	return nil
}

// names writes a cycle down.
func (a *lists) names(g graph, way []int, first, then int) string {
	var b strings.Builder
	for i, n := range way {
		kind, kinds := "", first
		if i > 0 {
			kinds = then
		}
		k := g[n][way[(i+1)%len(way)]] & kinds
		for _, x := range []struct {
			bit  int
			name string
		}{{ww, "is overwritten by"}, {wr, "is read by"}, {rw, "does not see"}} {
			if kind == "" && k&x.bit != 0 {
				kind = x.name
			}
		}
		o := a.txns[n].op
		fmt.Fprintf(&b, "%d/%d %s ", o.Client, o.Seq, kind)
	}
	o := a.txns[way[0]].op
	fmt.Fprintf(&b, "%d/%d", o.Client, o.Seq)
	return b.String()
}

// shortest finds a shortest cycle whose first dependency is of one kind and whose others are of some; nil
// when there is none. A cycle lies within a strongly connected component of the graph of all kinds.
func (g graph) shortest(first, then, all int) (best []int) {
	part := g.components(all)
	for n := range g {
		for _, to := range g.next(n, first) {
			if part[n] != part[to] {
				continue
			}
			if way := g.way(to, n, then, part); way != nil && (best == nil || len(way) < len(best)) {
				if best = append([]int{n}, way[:len(way)-1]...); len(best) == 2 {
					return best
				}
			}
		}
	}
	return best
}

// way is a shortest way within a component, with both ends; nil when there is none.
func (g graph) way(from, to, kinds int, part []int) []int {
	came := map[int]int{from: from}
	for queue := []int{from}; len(queue) > 0; queue = queue[1:] {
		n := queue[0]
		if n == to {
			way := []int{n}
			for ; n != from; n = came[n] {
				way = append(way, came[n])
			}
			slices.Reverse(way)
			return way
		}
		for _, x := range g.next(n, kinds) {
			if _, ok := came[x]; !ok && part[x] == part[n] {
				came[x] = n
				queue = append(queue, x)
			}
		}
	}
	return nil
}

// components gives each transaction the number of its strongly connected component (Tarjan 1972), without
// recursion: a history is long.
func (g graph) components(kinds int) []int {
	type frame struct {
		n    int
		next []int
	}
	part, index, low := make([]int, len(g)), make([]int, len(g)), make([]int, len(g))
	var stack []int
	seen, parts := 0, 0 // index 0: not seen; part 0: not decided
	for root := range g {
		if index[root] != 0 {
			continue
		}
		var calls []frame
		enter := func(n int) {
			seen++
			index[n], low[n] = seen, seen
			stack = append(stack, n)
			calls = append(calls, frame{n, g.next(n, kinds)})
		}
		for enter(root); len(calls) > 0; {
			f := &calls[len(calls)-1]
			if len(f.next) > 0 {
				to := f.next[0]
				f.next = f.next[1:]
				switch {
				case index[to] == 0:
					enter(to)
				case part[to] == 0:
					low[f.n] = min(low[f.n], index[to])
				}
				continue
			}
			n := f.n
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				up := calls[len(calls)-1].n
				low[up] = min(low[up], low[n])
			}
			if low[n] != index[n] {
				continue
			}
			parts++
			for part[n] == 0 {
				part[stack[len(stack)-1]] = parts
				stack = stack[:len(stack)-1]
			}
		}
	}
	return part
}
