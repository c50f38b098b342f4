package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haprov/internal/recipe"
	"haprov/internal/secret"
)

func TestACheckWhoseCommandIsNotThereFailsAtOnce(t *testing.T) {
	l := newLab(t)
	for _, h := range []string{"db1", "db2"} {
		l.state(h)
	}
	dir := t.TempDir()
	exits := filepath.Join(dir, "exits127") // a command that is there, and becomes good at its third run
	if err := os.WriteFile(exits, []byte("#!/bin/sh\necho x >>"+dir+"/runs\n[ $(wc -l <"+dir+"/runs) -ge 3 ] || exit 127\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	runs := func(commands ...string) (out []recipe.Run) {
		for i, c := range commands {
			out = append(out, recipe.Run{Host: []string{"db1", "db2"}[i], Shell: secret.Plain(c)})
		}
		return out
	}
	const none = "no-such-command-here --now"
	for _, x := range []struct {
		name, on string
		runs     []recipe.Run
		waits    bool
		good     bool
	}{
		{"not there", "one", runs(none), false, false},
		{"not there on one of each", "each", runs("true", none), false, false},
		{"there on the other host", "one", runs(none, "true"), false, true},
		{"a command exits with 127 by itself", "one", runs(exits), true, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			waited, out := false, ""
			var err error
			began := time.Now()
			_, total := Run(t.Context(), Options{Hosts: []recipe.Chain{{Host: "db1"}, {Host: "db2"}}, Open: l.open, Holder: "test", Checks: []recipe.Check{{Text: "the page is served", On: x.on, Runs: x.runs, Deadline: 2 * time.Minute}}, Events: func(e Event) {
				switch e := e.(type) {
				case Waiting:
					waited = true
				case Checked:
					out, err = e.Output, e.Err
				}
			}})
			switch {
			case x.good && (total != nil || waited != x.waits):
				t.Errorf("%v, waited %v", total, waited)
			case !x.good && (!errors.Is(total, ErrCheck) || !errors.Is(err, errMissing) || !strings.Contains(out, "not found") || waited || time.Since(began) > time.Minute):
				t.Errorf("%v, %v, output %q, waited %v", total, err, out, waited)
			case strings.Contains(strings.ToLower(errorText(total)), "check: check:"):
				t.Error(total)
			}
		})
	}
}

// A check that prints nothing is told by how it ended.
func TestACheckThatFailsSaysWhy(t *testing.T) {
	for run, want := range map[string]string{
		"exit 3":               "db1: exit 3",
		"echo refused; exit 3": "db1: refused",
		"timeout 1 sleep 30":   "db1: no answer in time (exit 124)",
	} {
		l := newLab(t)
		l.state("db1")
		out := ""
		_, err := Run(t.Context(), Options{Hosts: []recipe.Chain{{Host: "db1"}}, Open: l.open, Holder: "test", Speed: 0.1, Checks: []recipe.Check{{Text: "it runs", On: "one", Runs: []recipe.Run{{Host: "db1", Shell: secret.Plain(run)}}}}, Events: func(e Event) {
			if c, ok := e.(Checked); ok {
				out = c.Output
			}
		}})
		if !errors.Is(err, ErrCheck) || out != want {
			t.Errorf("%s: %q, want %q (%v)", run, out, want, err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
