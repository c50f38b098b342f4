package host

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

// namespace is a network with its own packet filter, and /etc and /run of its own, with a systemd that
// only notes in dir what it is to run later.
type namespace struct {
	t        *testing.T
	dir, pid string
}

func newNamespace(t *testing.T) *namespace {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	n := &namespace{t: t, dir: t.TempDir()}
	t.Setenv("PATH", n.dir+":/usr/sbin:/usr/bin:/sbin:/bin")
	if out, err := exec.Command("unshare", "--net", "nft", "add", "table", "inet", "x").CombinedOutput(); err != nil {
		t.Skipf("no packet filter in a network namespace here: %v %s", err, out)
	}
	for name, text := range map[string]string{
		"systemd-run": `for last; do :; done; echo "$last" >` + n.dir + "/later",
		"systemctl":   `case $1 in show) printf 'LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n' ;; stop) rm -f ` + n.dir + "/later ;; esac",
	} {
		if err := os.WriteFile(filepath.Join(n.dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	holder := exec.Command("unshare", "--net", "--mount", "sh", "-ec", "cp /etc/passwd /etc/group "+n.dir+`
mount -t tmpfs none /etc
mount -t tmpfs none /run
mkdir -p /etc/systemd/system
cp `+n.dir+"/passwd "+n.dir+"/group /etc\necho\nexec sleep 600")
	ready, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Process.Kill(); _ = holder.Wait() }) // it was killed
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	n.pid = strconv.Itoa(holder.Process.Pid)
	return n
}

func (n *namespace) sh(text string) []byte {
	n.t.Helper()
	c := exec.Command("nsenter", "-n", "-m", "-t", n.pid, "sh")
	c.Stdin = strings.NewReader(text)
	out, err := c.CombinedOutput()
	if err != nil {
		out = append(out, "\n"+err.Error()...)
	}
	return out
}

func (n *namespace) decide(s kind.Step) (plan.Change, error) {
	n.t.Helper()
	seen := probe.NewSeen(nil)
	for range 3 {
		if qs := s.Probe(seen); len(qs) > 0 {
			got, _ := probe.Parse(qs, nonce, n.sh(probe.Script(qs, nonce)))
			seen = seen.With(got)
		}
	}
	return s.Decide(seen)
}

func (n *namespace) do(as ...act.Action) []act.Result {
	n.t.Helper()
	r := act.NewReader(len(as), nonce)
	r.Feed(n.sh(act.Script(as, nonce)))
	return r.Results()
}

// on puts rules on trial, and confirms them.
func (n *namespace) on(f *PacketFilter, confirm bool) []act.Result {
	n.t.Helper()
	c, err := n.decide(f)
	if err != nil || c.Later != "" || len(c.Actions) < 2 {
		n.t.Fatalf("%+v %v", c, err)
	}
	if !confirm {
		c.Actions = c.Actions[:len(c.Actions)-1]
	}
	rs := n.do(c.Actions...)
	for i, r := range rs {
		if r.State != act.Done && r.State != act.Same {
			n.t.Errorf("%s: %+v", c.Actions[i].Title, r)
		}
	}
	return rs
}

func (n *namespace) settled(f *PacketFilter) {
	n.t.Helper()
	if c, err := n.decide(f); err != nil || !c.Empty() {
		n.t.Errorf("differs: %+v %v", c, err)
	}
}

const openRules = `chain input {
  type filter hook input priority 0; policy drop;
  ct state established,related accept
  iif "lo" accept
  iifname "eth0" tcp dport { 22, 3306 } counter accept
}
set blocked {
  type ipv4_addr; flags interval
  elements = { 10.0.0.0/8, 192.0.2.1 }
}
`

func TestRulesAreKeptOrTakenBackOnARealHost(t *testing.T) {
	n := newNamespace(t)
	has := func(text string) bool {
		return bytes.Contains(n.sh("nft list ruleset"), []byte(text))
	}
	takeBack := func() { // what the timer would do
		t.Helper()
		later, err := os.ReadFile(n.dir + "/later")
		if err != nil {
			t.Fatal(err)
		}
		n.sh("sh " + string(later))
	}
	n.sh("nft add table ip others")
	f := &PacketFilter{Name: "site", Rules: openRules, Trial: time.Minute}

	// The first rules lock everybody out: nothing is there afterwards.
	n.on(f, false)
	if !has("3306") {
		t.Error("the rules are not on trial")
	}
	takeBack()
	if has("haprov_site") {
		t.Error("the table is still there")
	}

	n.on(f, true)
	n.settled(f)
	if _, err := os.Stat(n.dir + "/later"); err == nil {
		t.Error("rules that were kept would be taken back")
	}

	// Others lock everybody out: these are there afterwards.
	shut := &PacketFilter{Name: "site", Rules: "chain input {\n type filter hook input priority 0; policy drop;\n}", Trial: time.Minute}
	n.on(shut, false)
	if has("3306") {
		t.Error("the new rules are not on trial")
	}
	c, err := n.decide(shut)
	if err != nil || c.Empty() {
		t.Errorf("rules on trial are taken for kept ones: %v", err)
	}
	takeBack()
	n.settled(f)
	if rs := n.do(shut.keep()); rs[0].State != act.Failed || !strings.Contains(rs[0].Output, "taken back") {
		t.Errorf("rules that were taken back are kept: %+v", rs)
	}

	// A trial that was cut short and its timer with it: its rules are not the ones to go back to.
	n.on(shut, false)
	other := &PacketFilter{Name: "site", Rules: strings.ReplaceAll(openRules, "3306", "3307"), Trial: time.Minute}
	n.on(other, false)
	takeBack()
	n.settled(f)

	// Drift of any sort is seen, and mended.
	for _, do := range []string{"nft flush ruleset", "nft insert rule inet haprov_site input tcp dport 23 accept", "nft add element inet haprov_site blocked '{ 203.0.113.7 }'", "nft delete table inet haprov_site", "rm /etc/haprov/packet-filter/site.nft"} {
		n.sh(do)
		if c, err := n.decide(f); err != nil || c.Empty() {
			t.Errorf("%s: not seen: %v", do, err)
			continue
		}
		n.on(f, true)
		n.settled(f)
	}
}

func TestOnlyRulesOfOneTableThatLoadAtBootAreTaken(t *testing.T) {
	n := newNamespace(t)
	for name, rules := range map[string]string{
		"a mistake":               "chain input {\n acept\n}",
		"an end before the end":   "}\ntable ip more {\n",
		"an interface by number":  "chain input {\n type filter hook input priority 0; iif eth9 accept\n}",
		"a command behind it all": "}\nadd table inet x\ntable inet haprov_site {\n",
	} {
		f := &PacketFilter{Name: "site", Rules: rules, Trial: time.Minute}
		if c, err := n.decide(f); err == nil {
			t.Errorf("%s: not refused: %+v", name, c)
		} else {
			t.Log(err)
		}
	}
	if out := n.sh("nft list ruleset"); len(out) > 0 {
		t.Errorf("a question left rules: %s", out)
	}
	// What the kernel adds to a set is not drift.
	f := &PacketFilter{Name: "site", Trial: time.Minute, Rules: "set seen {\n type ipv4_addr; flags dynamic,timeout; timeout 1h\n}\nchain input {\n type filter hook input priority 0; update @seen { ip saddr }\n}"}
	n.on(f, true)
	n.sh("nft add element inet haprov_site seen '{ 192.0.2.1 }'")
	n.settled(f)
}
