package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"haprov"
	"haprov/internal/drill"
	"haprov/internal/drill/judge"
	"haprov/internal/recipe"
	"haprov/internal/view"
)

func (a *app) drillCalibrateCmd() *cobra.Command {
	cluster := ""
	c := &cobra.Command{
		Use: "calibrate [MUTANT...]", Short: "Prove the drills: each must fail on a cluster that is broken on purpose",
		Long: `For each mutant of the recipe, or those that are named: makes a lab of its own with the recipe made worse in
one place, runs the drill that must notice, and wants the mutant's promise to be found broken. A drill
that passes there proves nothing, and this command ends with 16. The lab is destroyed afterwards; the
inventory's own lab is not touched. Each takes as long as haprov up and a drill.`,
		Example: "  haprov drill calibrate\n  haprov drill calibrate log-flushed-late",
		RunE:    func(c *cobra.Command, args []string) error { return a.calibrate(c.Context(), args, cluster) },
	}
	c.Flags().StringVar(&cluster, "cluster", "", "the `NAME` of the cluster, when the inventory has several")
	c.ValidArgsFunction = a.names(func(j *job) (out []string) {
		for _, x := range j.program.Clusters {
			for _, m := range x.Drills.Mutants {
				out = append(out, m.Name)
			}
		}
		return out
	})
	return c
}

func (a *app) calibrate(ctx context.Context, args []string, cluster string) error {
	j, err := a.load()
	if err != nil {
		return err
	}
	c, err := j.drilled(cluster)
	if err != nil {
		return err
	}
	if j.program.Inventory.Lab == nil || a.useVagrant {
		return errInput{"mutants are made in labs only: the inventory has no lab block"}
	}
	if j.program.Inventory.Secrets != nil {
		return errInput{"a mutant has secrets of its own: take the block secrets out of the inventory, or use another one"}
	}
	var names []string
	var chosen []recipe.Mutant
	for _, m := range c.Drills.Mutants {
		names = append(names, m.Name)
		if len(args) == 0 || slices.Contains(args, m.Name) {
			chosen = append(chosen, m)
		}
	}
	for _, x := range args {
		if !slices.Contains(names, x) {
			return errInput{fmt.Sprintf("recipe %s has no mutant %.60q; there is %s", c.Recipe, x, strings.Join(names, ", "))}
		}
	}
	if len(chosen) == 0 {
		return errInput{fmt.Sprintf("recipe %s has no mutants", c.Recipe)}
	}
	for _, m := range chosen { // all mistakes before the first machine
		if err := j.tryMutate(m); err != nil {
			return err
		}
	}
	root, err := stateFolder()
	if err != nil {
		return err
	}
	caught := 0
	for _, m := range chosen {
		fmt.Fprintf(a.out, "%s: %s\n", m.Name, m.About)
		why, err := a.mutant(ctx, j, c, m, filepath.Join(root, "drills"))
		a.screen.Foot(nil)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			fmt.Fprintf(a.out, "  UNKNOWN  %s\n", view.Clean(err.Error()))
		case why == "":
			fmt.Fprintf(a.out, "  MISSED   drill %s did not find broken: %s\n", m.Drill, m.Breaks)
		default:
			caught++
			fmt.Fprintf(a.out, "  CAUGHT   by %s: %s\n", m.Drill, view.Clean(why))
		}
	}
	fmt.Fprintf(a.out, "%d of %d mutants caught\n", caught, len(chosen))
	if caught < len(chosen) {
		return errDrill
	}
	return nil
}

// mutant makes one in a lab of its own and drills it. why is what was found broken; empty when the
// promise was not.
func (a *app) mutant(ctx context.Context, j *job, c recipe.Cluster, m recipe.Mutant, keep string) (why string, err error) {
	dir, err := os.MkdirTemp("", "haprov-mutant-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := j.mutate(m, dir); err != nil {
		return "", err
	}
	run := func(ctx context.Context, args ...string) error {
		exe, err := os.Executable()
		if err != nil {
			return err
		}
		log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer log.Close()
		x := exec.CommandContext(ctx, exe, args...)
		x.Cancel = func() error { return x.Process.Signal(os.Interrupt) } // it takes its fault back
		x.WaitDelay = 10 * time.Minute
		x.Dir, x.Stdout, x.Stderr = dir, log, log
		x.Env = append(os.Environ(), "HAPROV_STATE="+filepath.Join(dir, "state"))
		return a.during("haprov "+args[0], x)
	}
	defer func() {
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
		defer cancel()
		err = errors.Join(err, run(done, "down", "--yes"))
	}()
	begun := time.Now()
	if err := run(ctx, "up"); err != nil {
		kept := filepath.Join(keep, m.Name+".log")
		text, _ := os.ReadFile(filepath.Join(dir, "log"))
		_ = errors.Join(os.MkdirAll(keep, 0o700), os.WriteFile(kept, text, 0o600)) // its last line is told anyway
		return "", fmt.Errorf("haprov up: %w: %s; all of it: %s", err, lastLineOf(filepath.Join(dir, "log")), kept)
	}
	fmt.Fprintf(a.out, "  up in %.0f s\n", time.Since(begun).Seconds())
	_ = run(ctx, "drill", "run", m.Drill, "--cluster", c.Name) // its evidence says what came of it
	all, err := filepath.Glob(filepath.Join(dir, "state", "drills", "*"))
	if err != nil || len(all) != 1 {
		return "", fmt.Errorf("drill %s left no evidence: %s", m.Drill, lastLineOf(filepath.Join(dir, "log")))
	}
	s, err := drill.Folder{Path: all[0]}.Read()
	if err != nil {
		return "", err
	}
	kept := filepath.Join(keep, filepath.Base(all[0])+"-"+m.Name)
	if err := errors.Join(os.MkdirAll(keep, 0o700), os.CopyFS(kept, os.DirFS(all[0]))); err != nil {
		return "", err
	}
	for _, r := range s.Results {
		for _, v := range r.Verdicts {
			switch {
			case v.Promise != m.Breaks:
			case v.Word == judge.Fail:
				return v.Why, nil
			case v.Word == judge.Unknown:
				return "", errors.New(v.Why)
			}
		}
		if len(r.Verdicts) == 0 {
			return "", errors.New(r.Why)
		}
	}
	return "", nil
}

// during runs a command and shows for how long, on a terminal.
func (a *app) during(what string, x *exec.Cmd) error {
	done := make(chan error, 1)
	begun := time.Now()
	go func() { done <- x.Run() }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			if terminal(a.err) && os.Getenv("TERM") != "dumb" {
				a.screen.Foot([]string{fmt.Sprintf("  %s: %.0f s", what, time.Since(begun).Seconds())})
			}
		}
	}
}

func lastLineOf(path string) string {
	text, _ := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Sprintf("%.300s", lines[len(lines)-1])
}

// tryMutate finds out whether a mutant can be made.
func (j *job) tryMutate(m recipe.Mutant) error {
	dir, err := os.MkdirTemp("", "haprov-mutant-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return j.mutate(m, dir)
}

var labName = regexp.MustCompile(`(?m)^(\s*lab\s+")([^"]+)"`)

// mutate writes the inventory, with a lab of another name, and what is beside it, with the mutant's
// replacements, into an empty folder.
func (j *job) mutate(m recipe.Mutant, dir string) error {
	beside, text := filepath.Dir(j.path), []byte(nil)
	var err error
	switch name, shipped := strings.CutPrefix(j.program.Inventory.Path, "(shipped)/"); {
	case shipped:
		beside = ""
		text, err = haprov.Shipped.ReadFile(name)
	case j.path == "":
		beside = "."
		text, err = haprov.Shipped.ReadFile(haprov.Default)
	default:
		text, err = os.ReadFile(j.path)
	}
	if err != nil {
		return err
	}
	if beside != "" {
		for _, f := range []string{"recipes", "templates", "files", "faults"} {
			from := filepath.Join(beside, f)
			if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err := os.CopyFS(filepath.Join(dir, f), os.DirFS(from)); err != nil {
				return err
			}
		}
	}
	for _, r := range m.Replaces {
		path := filepath.Join(dir, filepath.FromSlash(r.In))
		was, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			was, err = haprov.Shipped.ReadFile(r.In)
		}
		if err != nil {
			return err
		}
		if n := strings.Count(string(was), r.From); n == 0 || n > 1 && !strings.HasPrefix(r.In, "recipes/") { // a recipe quotes it, too
			return errInput{fmt.Sprintf("mutant %s: found what it replaces %d times in %s, expected once: %.80q", m.Name, n, r.In, r.From)}
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(was), r.From, r.To, 1)), 0o600); err != nil {
			return err
		}
	}
	text = labName.ReplaceAll(text, []byte("${1}${2}-mutant\""))
	return os.WriteFile(filepath.Join(dir, "haprov.hcl"), text, 0o600)
}
