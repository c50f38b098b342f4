package pacemaker

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haprov/internal/kind"
	"haprov/internal/template"
)

// TestTheFenceAgentForServiceProcessorsTakesWhatHaprovWrites: the real fence_ipmilan, given a device's
// parameters as Pacemaker gives them (fencing agent API: NAME=VALUE on stdin, without those of
// Pacemaker's own), against a simulated service processor on loopback, whose power is a file.
func TestTheFenceAgentForServiceProcessorsTakesWhatHaprovWrites(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"ipmi_sim", "/usr/sbin/fence_ipmilan", "ipmitool"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("%v: make deps installs it", err)
		}
	}
	const password = `it's-$ecret&`
	bmc := simulate(t, "haprov", password)
	p := &Pacemaker{Where: kind.Where{Nodes: []kind.Node{{Name: "db1", Fence: []kind.Device{{ID: "fence-db1", Agent: "fence_ipmilan", Secret: true,
		Options: map[string]string{"ip": "127.0.0.1", "ipport": bmc.port, "username": "haprov", "lanplus": "1", "cipher": "3"}}}}}},
		Fence: &Fences{Reboot: 90 * time.Second, Delay: time.Second, Passwords: bmc.dir}}
	passwords(t, filepath.Join(bmc.dir, "fence-db1.password"), password)
	ask := func(action string) int {
		t.Helper()
		code, out := p.ask(t, action, bmc.dir)
		if strings.Contains(out, password) {
			t.Errorf("%s: %s", action, out)
		}
		return code
	}
	for _, x := range []struct {
		action, power string // what is afterwards
		code          int    // 2: it is off (fence agent API)
	}{{"monitor", "1", 0}, {"status", "1", 0}, {"off", "0", 0}, {"status", "0", 2}, {"on", "1", 0}, {"reboot", "1", 0}} {
		if code := ask(x.action); code != x.code || bmc.power(t) != x.power {
			t.Fatalf("%s: exit %d, power %s; want %d, %s", x.action, code, bmc.power(t), x.code, x.power)
		}
	}
	if got := bmc.ordered(t); got != "0 1 0 1" {
		t.Errorf("the power was set to %s; a reboot cuts and restores it", got)
	}
	passwords(t, filepath.Join(bmc.dir, "fence-db1.password"), "another")
	if code := ask("off"); code == 0 || bmc.power(t) != "1" {
		t.Errorf("with another password: exit %d, power %s", code, bmc.power(t))
	}
}

// ask has the agent of the first node's device do something, with the device's parameters as Pacemaker
// gives them, and tells its exit code.
func (p *Pacemaker) ask(t *testing.T, action, home string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	devices, _ := p.devices()
	d := devices[0]
	in := []string{"action=" + action, "nodename=" + p.Nodes[0].Name}
	if d.Params["plug"] == "" {
		in = append(in, "plug="+p.Nodes[0].Name)
	}
	for name, value := range d.Params {
		if !strings.HasPrefix(name, "pcmk_") {
			in = append(in, name+"="+value)
		}
	}
	c := exec.CommandContext(ctx, "/usr/sbin/"+strings.TrimPrefix(d.Agent, "stonith:"))
	c.Env = append(os.Environ(), "HOME="+home)
	c.Stdin = strings.NewReader(strings.Join(in, "\n") + "\n")
	out, err := c.CombinedOutput()
	if strings.Contains(string(out), "Ignoring unknown option") {
		t.Errorf("%s: %s", action, out)
	}
	if ctx.Err() != nil || err != nil && c.ProcessState == nil {
		t.Fatalf("%s: %v %s", action, err, out)
	}
	return c.ProcessState.ExitCode(), string(out)
}

// passwords writes the script that gives a device's password to its agent, as the recipe does.
func passwords(t *testing.T, path, password string) {
	t.Helper()
	text, err := os.ReadFile("../../../templates/fence.password.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	tm, err := template.Parse("fence.password.tmpl", string(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := tm.Render(map[string]any{"password": password}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(s), 0o700); err != nil {
		t.Fatal(err)
	}
}

// processor is a simulated service processor (ipmi_sim of Debian's package openipmi).
type processor struct{ dir, port string }

func simulate(t *testing.T, user, password string) processor {
	t.Helper()
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.LocalAddr().String())
	l.Close()
	b := processor{dir: t.TempDir(), port: port}
	for name, text := range map[string]string{
		"power": "1\n", "ordered": "",
		// ipmi_sim calls it with the processor's address, then get NAME... or set NAME VALUE...
		"chassis": "#!/bin/sh\ncd '" + b.dir + "'\nshift\nop=$1\nshift\ncase $op in\nget) for n; do [ \"$n\" = power ] && echo \"power:$(cat power)\" || echo \"$n:0\"; done ;;\n" +
			"set) while [ $# -gt 1 ]; do [ \"$1\" != power ] || { echo \"$2\" >power; echo \"$2\" >>ordered; }; shift 2; done ;;\nesac\n",
		"lan.conf": fmt.Sprintf("name \"db1\"\nstartlan 1\n addr 127.0.0.1 %s\n priv_limit admin\n allowed_auths_user md5\n allowed_auths_operator md5\n allowed_auths_admin md5\n guid a123456789abcdefa123456789abcdef\nendlan\n"+
			"chassis_control \"%s/chassis 0x20\"\nuser 2 true %q %q admin 10\n", port, b.dir, user, password),
		"commands": "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n",
	} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("ipmi_sim", "-n", "-c", filepath.Join(b.dir, "lan.conf"), "-f", filepath.Join(b.dir, "commands"), "-s", b.dir)
	var out strings.Builder
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if t.Failed() {
			t.Logf("ipmi_sim: %s", out.String())
		}
	})
	b.answers(t)
	return b
}

// answers waits until the processor answers a presence ping (DMTF, ASF 2.0).
func (b processor) answers(t *testing.T) {
	t.Helper()
	c, err := net.Dial("udp", "127.0.0.1:"+b.port)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); time.Since(begin) < 20*time.Second; <-tick.C {
		_, _ = c.Write([]byte{6, 0, 0xff, 6, 0, 0, 0x11, 0xbe, 0x80, 1, 0, 0}) // refused until it listens
		if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 100)); err == nil {
			return
		}
	}
	t.Fatal("the simulated service processor does not answer")
}

func (b processor) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

func (b processor) power(t *testing.T) string   { t.Helper(); return b.read(t, "power") }
func (b processor) ordered(t *testing.T) string { t.Helper(); return b.read(t, "ordered") }
