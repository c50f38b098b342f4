package vm

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stack copies a stack of test/stacks, which is no shipped recipe, beside the lab.
func stack(t *testing.T, name string) *place {
	t.Helper()
	p := newPlace(t)
	root := filepath.Join("..", "stacks", name)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			rel, _ := filepath.Rel(root, path)
			p.write(rel, string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// comesUp brings a stack up from nothing; a second run finds nothing to do, and status agrees.
func (p *place) comesUp() {
	p.t.Helper()
	if s := p.up(15 * time.Minute); s.Changes == 0 || s.Failed != 0 {
		p.t.Fatalf("the first run: %+v", s)
	}
	if s := p.up(3 * time.Minute); s.Changes != 0 || s.Failed != 0 {
		p.t.Errorf("the second run: %+v", s)
	}
	if v := p.status(); !v.Healthy {
		p.t.Errorf("not healthy: %v", v.Reasons)
	}
}

// TestThreeNodesWithADummy runs Pacemaker on three hosts: one loses power, another takes over with
// quorum, and the active side goes where it is told.
func TestThreeNodesWithADummy(t *testing.T) {
	suite(t, "stacks")
	p := stack(t, "dummy")
	p.comesUp()
	if log := p.run(time.Minute, "lab", "logs"); strings.Count(log, " reboot ") < 3 {
		t.Errorf("not every host's fence device was fired:\n%s", log)
	}
	off := p.status().Active
	p.run(time.Minute, "lab", "power-off", off)
	until(t, "another host serves", 3*time.Minute, func() bool { a := p.status().Active; return a != "" && a != off })
	p.run(time.Minute, "lab", "power-on", off)
	until(t, "the cluster is whole again", 5*time.Minute, func() bool { return p.status().Healthy })
	p.run(3*time.Minute, "switchover", off, "--yes")
	if a := p.status().Active; a != off {
		t.Errorf("%s is active, not %s", a, off)
	}
	p.run(3*time.Minute, "maintenance", off, "on", "--yes")
	if a := p.status().Active; a == off || a == "" {
		t.Errorf("with %s in maintenance %q is active", off, a)
	}
	p.run(3*time.Minute, "maintenance", off, "off", "--yes")
	until(t, "the cluster is healthy", 2*time.Minute, func() bool { return p.status().Healthy })
}
