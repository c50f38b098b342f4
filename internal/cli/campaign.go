package cli

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"haprov/internal/drill"
	"haprov/internal/drill/judge"
	"haprov/internal/recipe"
	"haprov/internal/shell"
	"haprov/internal/status"
)

// pairs are the schedules that may run now on a cluster that is as the page says.
func (s site) pairs(page status.Page) []drill.Schedule {
	where := func(target string) ([]string, error) { return drill.Targets(page, s.cluster, target) }
	may := func(b recipe.Bound) bool {
		return s.refusal(s.cluster, recipe.Drill{Faults: []recipe.Bound{b}}, time.Now()) == ""
	}
	return drill.Pairs(s.cluster, where, may)
}

// covered is what earlier runs have tried, by the evidence in the state folder.
func (s site) covered() (map[string]int, error) {
	root, err := stateFolder()
	if err != nil {
		return nil, err
	}
	var runs []drill.Summary
	folders, _ := os.ReadDir(filepath.Join(root, "drills"))
	for _, x := range folders {
		if run, err := (drill.Folder{Path: filepath.Join(root, "drills", x.Name())}).Read(); err == nil { // others lie there, too
			runs = append(runs, run)
		}
	}
	return drill.Covered(s.cluster, runs), nil
}

// campaignPlan shows what would be drawn first.
func (a *app) campaignPlan(ctx context.Context, s site, f drillFlags) error {
	page := s.Look(ctx)
	pairs := s.pairs(page)
	covered, err := s.covered()
	if err != nil {
		return err
	}
	if len(pairs) == 0 {
		return errInput{"no two faults of the recipe's drills may be tried together here"}
	}
	r := rand.New(rand.NewPCG(f.seed, 0))
	for range min(10, len(pairs)) {
		x := drill.Draw(pairs, covered, r)
		covered[x.Pair()]++
		fmt.Fprintln(a.out, x)
	}
	fmt.Fprintf(a.out, "the first of seed %d, while the cluster stays as it is; %d pairs can be drawn\n", f.seed, len(pairs))
	return nil
}

// campaign draws schedules until the time is over, and shrinks those that fail.
func (r *drillRunner) campaign(ctx context.Context) error {
	covered, err := r.site.covered()
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(r.flags.seed, 0))
	begun := time.Now()
	for n := 1; time.Since(begun) < r.flags.until; n++ {
		pairs := r.site.pairs(r.site.Look(ctx))
		if len(pairs) == 0 {
			return fmt.Errorf("%w: no two faults of the recipe's drills may be tried together here and now", errForbidden)
		}
		s := drill.Draw(pairs, covered, random)
		name := fmt.Sprintf("random-%d", n)
		res, err := r.one(ctx, s.Drill(name, r.site.cluster), 0)
		if err != nil || ctx.Err() != nil || res.Stop {
			return err
		}
		covered[s.Pair()]++
		if res.Word == judge.Fail {
			if err := r.shrink(ctx, name, s); err != nil || ctx.Err() != nil {
				return err
			}
		}
	}
	n, all := 0, r.site.pairs(r.site.Look(ctx))
	for _, p := range all {
		if covered[p.Pair()] > 0 {
			n++
		}
	}
	fmt.Fprintf(r.out, "\ncovered: %d of %d pairs, earlier runs with their evidence here counted\n", n, len(all))
	return nil
}

// shrink runs less and less of a schedule that failed, and prints the least that still does.
func (r *drillRunner) shrink(ctx context.Context, name string, s drill.Schedule) (err error) {
	begun, n := time.Now(), 0
	over := func() bool { return err != nil || ctx.Err() != nil || time.Since(begun) > r.flags.budget }
	least := drill.Shrink(s, func(less drill.Schedule) bool {
		failed, passed := 0, 0
		for failed < 2 && passed < 2 && !over() {
			n++
			var res drill.Result
			if res, err = r.one(ctx, less.Drill(fmt.Sprintf("%s-less-%d", name, n), r.site.cluster), 0); res.Stop {
				r.flags.budget = 0 // the cluster is not what it was: nothing more is tried
			}
			if res.Word == judge.Fail {
				failed++
			} else {
				passed++
			}
		}
		return failed >= 2
	})
	cluster := ""
	if r.flags.cluster != "" {
		cluster = " --cluster " + shell.Quote(r.flags.cluster)
	}
	fmt.Fprintf(r.out, "\n%s failed; to run it alone: haprov drill run%s%s --seed %d --faults %s\n", name, r.site.flags(), cluster, r.flags.seed, least)
	return err
}
