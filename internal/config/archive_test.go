package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/config"
	"haprov/internal/kind/host"
)

// An archive beside the inventory is a part of the step, or is sent from its file when it is large.
func TestAnArchiveIsTakenFromTheFilesFolder(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"haprov.hcl": `
host "h1" { address = "10.0.0.2" }
cluster "c" { recipe = "r" }
recipe "r" {
  on "all" {
    archive "/opt/small" { source = "small.tar" }
    archive "/opt/large" { source = "large.tar" }
  }
}
`,
		"files/small.tar": "\x00\xff small",
		"files/large.tar": strings.Repeat("\x00\xff", 1<<20),
	} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, problems := config.Load(dir+"/haprov.hcl", config.Options{Secrets: secrets{}})
	if len(problems) > 0 {
		t.Fatal(problems.Render(80, false))
	}
	items := p.Clusters[0].Chains[0].Items
	if a := items[0].Step.(*host.Archive); a.Packed.Reveal() != "\x00\xff small" || a.Blob != nil {
		t.Errorf("%+v", a)
	}
	if a := items[1].Step.(*host.Archive); a.Blob == nil || a.Blob.Size != 2<<20 || a.Blob.Path != dir+"/files/large.tar" {
		t.Errorf("%+v", a)
	}
	if err := os.Remove(dir + "/files/small.tar"); err != nil {
		t.Fatal(err)
	}
	if _, problems := config.Load(dir+"/haprov.hcl", config.Options{Secrets: secrets{}}); len(problems) != 1 || !strings.Contains(problems.Render(80, false), "haprov.hcl:6:") {
		t.Errorf("%s", problems.Render(80, false))
	}
}
