package vm

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestREADMEsWebServerInALab does what README tells a newcomer without machines: a recipe of one's
// own, with packages that no shipped stack has, in a lab.
func TestREADMEsWebServerInALab(t *testing.T) {
	suite(t, "core", "web")
	p := newPlace(t)
	for path, text := range readme(t) {
		if rest, lab := strings.CutSuffix(path, ", with a lab"); lab {
			path = rest
		} else if path == "haprov.hcl" {
			continue // the one for machines that exist
		}
		p.write(path, text)
	}
	p.run(time.Minute, "validate")
	if s := p.up(15 * time.Minute); s.Changes == 0 || s.Failed != 0 {
		t.Errorf("the first run: %+v", s)
	}
	if out := p.run(time.Minute, "ssh", "web1", "--", "wget -qO- http://127.0.0.1/"); !strings.Contains(out, "hello from web1") {
		t.Errorf("the page: %q", out)
	}
	if s := p.up(5 * time.Minute); s.Changes != 0 {
		t.Errorf("the second run: %+v", s)
	}

	// The image was made without this one: it comes through the lab's network.
	p.write("recipes/web.hcl", strings.Replace(readme(t)["recipes/web.hcl"], `package "wget" {}`, "package \"wget\" {}\n    package \"tree\" {}", 1))
	if s := p.up(10 * time.Minute); s.Changes == 0 || s.Failed != 0 {
		t.Errorf("with one more package: %+v", s)
	}
	p.run(time.Minute, "ssh", "web1", "--", "tree --version")
	if out := p.run(time.Minute, "ssh", "web1", "--", "cat /etc/apt/sources.list.d/*.list"); !strings.Contains(out, "http://192.168.60.1:7411/0 ") {
		t.Errorf("the machine's sources: %s", out)
	}

	// A machine that resets itself is told in the diary.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_ = p.command(ctx, "ssh", "web1", "--", "echo 1 >/proc/sys/kernel/sysrq; echo b >/proc/sysrq-trigger").Run() // nothing answers it
	until(t, "the diary tells the reset", 2*time.Minute, func() bool {
		return strings.Contains(p.run(time.Minute, "lab", "logs"), "web1     reset    the machine reset by itself")
	})
	until(t, "the page is served again", 5*time.Minute, func() bool { return p.status().Healthy })

	p.run(time.Minute, "down", "--yes")
	if out, _ := p.command(t.Context(), "lab", "status").CombinedOutput(); !strings.Contains(string(out), "no such lab") {
		t.Errorf("after down: %s", out)
	}
}

// readme gives README's files by what their first line calls them.
func readme(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, b := range regexp.MustCompile("(?s)```hcl\n# ([^\n]+)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		files[b[1]] = b[2]
	}
	return files
}

// write puts a file beside the inventory.
func (p *place) write(path, text string) {
	p.t.Helper()
	to := filepath.Join(p.dir, path)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(to, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}
