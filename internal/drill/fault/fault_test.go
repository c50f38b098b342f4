package fault

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haprov/internal/inventory"
	"haprov/internal/lab"
	"haprov/internal/recipe"
)

// The links of a fault are those that it names, each once.
func TestLinks(t *testing.T) {
	inv := &inventory.Inventory{
		Networks: []inventory.Network{{Name: "service", Carries: []string{"ssh", "service", "ring"}}, {Name: "wire", Carries: []string{"replication"}}},
		Hosts: []inventory.Host{
			{Name: "db1", Addresses: []inventory.Address{{Network: "service"}, {Network: "wire"}}},
			{Name: "db2", Addresses: []inventory.Address{{Network: "service"}, {Network: "wire"}}},
			{Name: "db3", Addresses: []inventory.Address{{Network: "service"}}},
		},
	}
	for _, c := range []struct {
		fault   recipe.LinkFault
		targets []string
		want    string
	}{
		{recipe.LinkFault{Cut: true, To: "peers"}, []string{"db1"}, "[{db1 db2 service} {db1 db3 service} {db1 db2 wire}]"},
		{recipe.LinkFault{Cut: true, To: "peers", Carry: "replication"}, []string{"db1"}, "[{db1 db2 wire}]"},
		{recipe.LinkFault{Cut: true, To: "gateway", Carry: "service"}, []string{"db1"}, "[{db1 gateway service}]"},
		{recipe.LinkFault{Cut: true, To: "all"}, []string{"db3"}, "[{db3 db1 service} {db3 db2 service} {db3 gateway service}]"},
		{recipe.LinkFault{Cut: true, To: "peers"}, []string{"db1", "db2", "db3"}, "[{db1 db2 service} {db1 db3 service} {db2 db3 service} {db1 db2 wire}]"},
	} {
		links, err := World{Inventory: inv}.linksOf(recipe.Fault{Links: &c.fault}, c.targets)
		if got := fmt.Sprint(links); err != nil || got != c.want {
			t.Errorf("%+v on %v: %s %v, expected %s", c.fault, c.targets, got, err, c.want)
		}
	}
	w := World{Inventory: inv, Lab: &lab.Client{}}
	if _, err := w.New(recipe.Fault{Name: "x", Links: &recipe.LinkFault{Cut: true, Carry: "ring", To: "peers"}}, "id", []string{"db9"}); err == nil {
		t.Error("a fault without a link")
	}
	if _, err := (World{Inventory: inv}).New(recipe.Fault{Name: "x", Lab: &recipe.LabFault{Pause: true}}, "id", []string{"db1"}); err == nil {
		t.Error("only a lab can do that")
	}
}

// A fault of a host goes through its states with real commands, and what is left of one that nobody heals
// is found and taken back.
func TestAFaultOfAHost(t *testing.T) {
	dir := t.TempDir()
	// the host: this machine's shell, its systemd-run a file, and the folder another one
	bin := filepath.Join(dir, "bin")
	armed := filepath.Join(dir, "armed")
	for name, text := range map[string]string{"systemd-run": "echo \"$@\" >" + armed, "systemctl": "rm -f " + armed} {
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	shell := func(ctx context.Context, _, script string) (string, int, error) {
		c := exec.CommandContext(ctx, "sh", "-c", strings.ReplaceAll(script, Dir, dir))
		c.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		out, err := c.CombinedOutput()
		if c.ProcessState == nil {
			return "", 0, err
		}
		return string(out), c.ProcessState.ExitCode(), nil
	}
	mark := filepath.Join(dir, "broken")
	what := recipe.Fault{Name: "broken", Shell: &recipe.ShellFault{Inject: "touch " + mark, Seen: "[ -e " + mark + " ]", Heal: "rm -f " + mark, Gone: "! [ -e " + mark + " ]"}}
	ctx := t.Context()
	is := func(ok bool, err error, want bool, what string) {
		t.Helper()
		if err != nil || ok != want {
			t.Errorf("%s: %v %v", what, ok, err)
		}
	}
	f, err := World{Shell: shell}.New(what, "d-1", []string{"db1", "db2"})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Heal(ctx); err != nil { // before it ever was
		t.Fatal(err)
	}
	if err := f.Arm(ctx, 90*time.Second); err != nil {
		t.Fatal(err)
	}
	unit, _ := os.ReadFile(armed)
	heal, _ := os.ReadFile(filepath.Join(dir, "d-1.heal"))
	if !strings.Contains(string(unit), "--on-active=90") || !strings.Contains(string(heal), "rm -f "+mark) {
		t.Errorf("armed by %q, %q", unit, heal)
	}
	seen, err := f.Seen(ctx)
	is(seen, err, false, "seen before it is in force")
	if err := f.Inject(ctx); err != nil {
		t.Fatal(err)
	}
	seen, err = f.Seen(ctx)
	is(seen, err, true, "seen")
	gone, err := f.Gone(ctx)
	is(gone, err, false, "gone")
	for range 2 {
		if err := f.Heal(ctx); err != nil {
			t.Fatal(err)
		}
	}
	gone, err = f.Gone(ctx)
	is(gone, err, true, "gone")
	if left, _ := filepath.Glob(filepath.Join(dir, "*.heal")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	// the host dies of it at once, and is back as another boot before anybody looks
	rebooted := false
	boots := func(ctx context.Context, host, script string) (string, int, error) {
		if rebooted {
			script = strings.ReplaceAll(script, "cat /proc/sys/kernel/random/boot_id", "echo another")
		}
		return shell(ctx, host, script)
	}
	for _, risk := range []string{"host", "stall"} {
		what.Risk, rebooted = risk, false
		f, err := World{Shell: boots}.New(what, "d-2", []string{"db1"})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Arm(ctx, time.Minute); err != nil {
			t.Fatal(err)
		}
		seen, err = f.Seen(ctx)
		is(seen, err, false, "seen before it is in force")
		rebooted = true
		seen, err = f.Seen(ctx)
		is(seen, err, risk == "host", "seen after the host died, risk "+risk)
		if err := f.Heal(ctx); err != nil {
			t.Fatal(err)
		}
	}
	// somebody died in the middle
	if err := f.Arm(ctx, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := f.Inject(ctx); err != nil {
		t.Fatal(err)
	}
	if out, exit, err := shell(ctx, "", HealAll); err != nil || exit != 0 || strings.TrimSpace(out) != "d-1" {
		t.Errorf("%q %d %v", out, exit, err)
	}
	gone, err = f.Gone(ctx)
	is(gone, err, true, "gone after all were healed")
}
