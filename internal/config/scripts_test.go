package config_test

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"haprov"
	"haprov/internal/config"
	"haprov/internal/kind/host"
	"haprov/internal/probe"
	"haprov/internal/recipe"
	"haprov/internal/shell/shelltest"
)

// TestScriptsOfTheShippedRecipesAreLinted renders every template and command that a shipped
// inventory makes, and has sh and shellcheck read those that are scripts.
func TestScriptsOfTheShippedRecipesAreLinted(t *testing.T) {
	files, err := fs.Glob(haprov.Shipped, "inventory/*.hcl")
	if err != nil {
		t.Fatal(err)
	}
	scripts := map[string]string{}
	load := func(name, text string) {
		p, problems := config.Load(name, config.Options{Text: []byte(text), Shipped: haprov.Shipped, Secrets: secrets{}})
		if p == nil {
			t.Fatal(problems.Render(100, false))
		}
		for _, c := range p.Clusters {
			scriptsOf(c, scripts)
		}
	}
	for _, f := range files {
		text, err := haprov.Shipped.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		load(f, string(text))
	}
	load("testdata/real.hcl", realMachines)
	found, err := shelltest.Lint(scripts)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
	everyTemplateIsRead(t, scripts)
}

// scriptsOf collects a cluster's scripts by the address of the step that has them.
func scriptsOf(c recipe.Cluster, scripts map[string]string) {
	for _, ch := range c.Chains {
		for _, it := range ch.Items {
			switch s := it.Step.(type) {
			case *host.File:
				if text := s.Content.Reveal(); strings.HasPrefix(text, "#!") {
					scripts[it.Address] = text
				}
			case *host.Command:
				scripts[it.Address] = s.Run
			}
			var qs []probe.Query
			if it.Step != nil {
				qs = it.Step.Probe(probe.Seen{})
			}
			for _, q := range qs {
				if q.Kind == probe.Command {
					scripts[it.Address+" "+q.Name] = q.Shell
				}
			}
		}
	}
	for _, x := range c.Checks {
		for _, r := range x.Runs {
			scripts[r.Host+": check "+x.Text] = r.Shell.Reveal()
		}
	}
	for _, r := range c.Active {
		scripts[r.Host+": active"] = r.Shell.Reveal()
	}
}

// everyTemplateIsRead fails for a template of a script that no inventory renders.
func everyTemplateIsRead(t *testing.T, scripts map[string]string) {
	templates, err := fs.Glob(haprov.Shipped, "templates/*")
	if err != nil {
		t.Fatal(err)
	}
	texts := strings.Join(slices.Collect(maps.Values(scripts)), "\n")
	for _, f := range templates {
		b, err := haprov.Shipped.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(b), "#!") {
			continue
		}
		second := strings.Split(string(b), "\n")[1]
		if !strings.Contains(texts, second) {
			t.Errorf("%s: no shipped inventory renders it, so nothing lints it", f)
		}
	}
}
