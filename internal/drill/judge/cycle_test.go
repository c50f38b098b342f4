package judge

import (
	"math/rand/v2"
	"testing"
)

// On small random graphs a cycle is found when one can be reached, its dependencies are there, and the
// components are those of who reaches whom and is reached back.
func TestCyclesAreThoseThatReachabilityTells(t *testing.T) {
	const nodes, all = 7, ww | wr | rw
	found := 0
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		g := make(graph, nodes)
		for range r.IntN(14) {
			g.edge(r.IntN(nodes), r.IntN(nodes), 1<<r.IntN(3))
		}
		reach := func(kinds int) (out [nodes][nodes]bool) {
			for n := range nodes {
				out[n][n] = true
				for _, to := range g.next(n, kinds) {
					out[n][to] = true
				}
			}
			for k := range nodes {
				for i := range nodes {
					for j := range nodes {
						out[i][j] = out[i][j] || out[i][k] && out[k][j]
					}
				}
			}
			return out
		}
		part, far := g.components(all), reach(all)
		for i := range nodes {
			for j := range nodes {
				if (part[i] == part[j]) != (far[i][j] && far[j][i]) {
					t.Fatalf("seed %d: %v: components %v", seed, g, part)
				}
			}
		}
		for _, c := range [][2]int{{ww, ww}, {wr, ww | wr}, {rw, ww | wr}, {rw, all}} {
			far, want := reach(c[1]), false
			for n := range nodes {
				for _, to := range g.next(n, c[0]) {
					want = want || far[to][n]
				}
			}
			way := g.shortest(c[0], c[1], all)
			if (way != nil) != want {
				t.Fatalf("seed %d: %v: %v, expected a cycle: %v", seed, g, way, want)
			}
			for i, n := range way {
				kinds := c[1]
				if i == 0 {
					kinds = c[0]
				}
				if found++; g[n][way[(i+1)%len(way)]]&kinds == 0 {
					t.Fatalf("seed %d: %v: %v is no cycle", seed, g, way)
				}
			}
		}
	}
	if found < 1000 {
		t.Errorf("only %d dependencies looked at", found)
	}
}
