package engine

import (
	"haprov/internal/plan"
	"haprov/internal/recipe"
)

// phase lets a cluster step decide, and keeps what it says of its proofs.
func (r *run) phase(it *recipe.Item) (plan.Phase, error) {
	ph, err := it.Cluster.Decide(r.began[it], r.seen(it))
	r.emit.Lock()
	defer r.emit.Unlock()
	if len(ph.Proofs) > 0 {
		r.proofs[it] = ph.Proofs
	}
	return ph, err
}

// proven are the proofs of all steps, in the order of the chains.
func (r *run) proven() (out []plan.Proof) {
	r.emit.Lock()
	defer r.emit.Unlock()
	done := map[*recipe.Item]bool{}
	for _, h := range r.hosts {
		for _, it := range h.items {
			if !done[it] {
				done[it] = true
				out = append(out, r.proofs[it]...)
			}
		}
	}
	return out
}

// Unproved lists the hosts whose fence devices were not fired as they are now.
func (s Summary) Unproved() (hosts []string) {
	for _, p := range s.Proofs {
		if p.State != plan.Proved {
			hosts = append(hosts, p.Host)
		}
	}
	return hosts
}
