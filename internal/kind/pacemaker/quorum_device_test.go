package pacemaker

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haprov/internal/kind"
	"haprov/internal/kind/kindtest"
	"haprov/internal/plan"
	"haprov/internal/probe"
)

// arbitrated is a ring of two with its arbiter, each a folder of this machine instead of /etc/corosync.
type arbitrated struct {
	t     *testing.T
	step  *QuorumDevice
	roots map[string]string
	away  string
}

func newArbitrated(t *testing.T) *arbitrated {
	a := &arbitrated{t: t, roots: map[string]string{}, step: &QuorumDevice{Name: "arbiter", Cluster: "shop", Arbiter: "arb1",
		Where: kind.Where{Nodes: []kind.Node{{Name: "db1"}, {Name: "db2"}, {Name: "arb1"}}}}}
	for _, n := range a.step.Nodes {
		a.roots[n.Name] = t.TempDir()
	}
	a.install()
	return a
}

// install does what the package corosync-qnetd does when it is installed.
func (a *arbitrated) install() {
	if err := os.MkdirAll(a.roots["arb1"]+"/qnetd", 0o755); err != nil {
		a.t.Fatal(err)
	}
	a.shell("arb1", "corosync-qnetd-certutil -i -G")
}

// shell runs a text as that host: the tools' own scripts, with the host's folder in them.
func (a *arbitrated) shell(host, text string) string {
	a.t.Helper()
	bin := a.tools(host)
	sh := exec.Command("sh", "-c", strings.ReplaceAll(text, "/etc/corosync", a.roots[host]))
	sh.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	var out, said strings.Builder
	sh.Stdout, sh.Stderr = &out, &said
	if err := sh.Run(); err != nil {
		a.t.Fatalf("%s: %s: %v\n%s", host, text, err, said.String())
	}
	return out.String()
}

func (a *arbitrated) tools(host string) string {
	bin := a.roots[host] + "/bin"
	if err := os.MkdirAll(bin, 0o755); err != nil {
		a.t.Fatal(err)
	}
	for _, n := range []string{"corosync-qdevice-net-certutil", "corosync-qnetd-certutil"} {
		text, err := os.ReadFile("/usr/sbin/" + n)
		if err != nil {
			text, err = os.ReadFile("/usr/bin/" + n)
		}
		if err != nil {
			a.t.Fatalf("%v: make deps installs it", err)
		}
		if err := os.WriteFile(filepath.Join(bin, n), []byte(strings.ReplaceAll(string(text), "/etc/corosync", a.roots[host])), 0o755); err != nil {
			a.t.Fatal(err)
		}
	}
	return bin
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func (a *arbitrated) seen() probe.Hosts {
	out := probe.Hosts{}
	for _, n := range a.step.Nodes {
		if n.Name == a.away {
			out[n.Name] = probe.HostSeen{Lost: "no route"}
			continue
		}
		s := probe.HostSeen{Seen: probe.NewSeen(nil)}
		for _, q := range a.step.Probe(n.Name, probe.Hosts{n.Name: s}) {
			s.Seen = s.Seen.With(kindtest.Answer(q, 0, a.shell(n.Name, q.Shell)))
		}
		out[n.Name] = s
	}
	return out
}

// phase decides, holds what it is called, and does it.
func (a *arbitrated) phase(name, refused string) plan.Phase {
	a.t.Helper()
	ph, err := kindtest.Decide(a.t, a.step, a.seen())
	kindtest.Expect(a.t, name, ph, err, name, "", refused)
	for host, c := range ph.Changes {
		a.t.Setenv("PATH", a.tools(host)+":"+os.Getenv("PATH"))
		for _, x := range c.Actions {
			if x.Stdin.IsSensitive() {
				a.t.Errorf("%s: a secret goes from host to host", x.Title)
			}
			x.Shell = strings.ReplaceAll(x.Shell, "/etc/corosync", a.roots[host])
			if x.Write != nil {
				w := *x.Write
				w.Path, w.Owner, w.Group = strings.ReplaceAll(w.Path, "/etc/corosync", a.roots[host]), "", ""
				x.Write = &w
			}
			kindtest.Run(a.t, x)
		}
	}
	return ph
}

func (a *arbitrated) certify() {
	a.t.Helper()
	a.phase("make keys for the arbiter's vote", "")
	a.phase("sign the members' certificates", "")
	a.phase("import them", "")
	a.phase("", "")
}

func TestMembersAreCertifiedAndNoKeyLeavesItsHost(t *testing.T) {
	a := newArbitrated(t)
	a.certify()
	keys := map[string]bool{}
	for _, m := range []string{"db1", "db2"} {
		db := a.roots[m] + "/qdevice/net/nssdb"
		if exists(db + "/qdevice-net-node.p12") {
			t.Errorf("%s keeps an export of its key, without a password", m)
		}
		if i, err := os.Stat(db + "/key4.db"); err != nil || i.Mode().Perm()&0o007 != 0 {
			t.Errorf("%s: %v %v", m, i.Mode(), err)
		}
		// as the arbiter looks at it: signed by its authority, and made out to the cluster
		pem := a.shell(m, "certutil -L -d /etc/corosync/qdevice/net/nssdb -n 'Cluster Cert' -a")
		if err := os.WriteFile(a.roots["arb1"]+"/one.pem", []byte(pem), 0o600); err != nil {
			t.Fatal(err)
		}
		said := a.shell("arb1", "certutil -A -d /etc/corosync/qnetd/nssdb -n one -t ,, -a -i /etc/corosync/one.pem; certutil -V -d /etc/corosync/qnetd/nssdb -n one -u C; certutil -L -d /etc/corosync/qnetd/nssdb -n one; certutil -D -d /etc/corosync/qnetd/nssdb -n one")
		if !strings.Contains(said, "certificate is valid") || !strings.Contains(said, `Subject: "CN=shop"`) {
			t.Errorf("%s: %s", m, said)
		}
		keys[pem] = true
	}
	if len(keys) != 2 {
		t.Error("two members share a key")
	}
}

func TestACertificateLastsAndIsMadeAnew(t *testing.T) {
	a := newArbitrated(t)
	a.phase("make keys for the arbiter's vote", "")
	// cut short: the next run goes on where this one ended
	a.phase("sign the members' certificates", "")
	a.phase("import them", "")
	a.away = "arb1"
	a.phase("", "")
	if err := os.RemoveAll(a.roots["db2"] + "/qdevice"); err != nil {
		t.Fatal(err)
	}
	a.phase("", "db2 has no certificate, and the arbiter arb1, which would sign one, is not reachable")
	a.away = "db1"
	a.certify() // of a machine that is new; the signed request of the old one is not taken for its own
	a.away = ""
	a.phase("", "")
	if err := os.RemoveAll(a.roots["arb1"] + "/qnetd"); err != nil {
		t.Fatal(err)
	}
	a.phase("", "the arbiter arb1 has no authority")
	a.install() // another arbiter
	a.certify()
}

// TestAMemberAsksForItsOwnClusterAlone: one arbiter has the votes of many clusters, and a member of one might
// ask for a certificate of another, or for an authority that makes them.
func TestAMemberAsksForItsOwnClusterAlone(t *testing.T) {
	a := newArbitrated(t)
	a.phase("make keys for the arbiter's vote", "")
	ask := func(more string) {
		a.shell("db2", "head -c 64 /dev/urandom >/etc/corosync/noise; cd /etc/corosync/qdevice/net/nssdb; printf 'y\\n\\ny\\n' | certutil -R -d . -f pwdfile.txt -z /etc/corosync/noise -o qdevice-net-node.crq "+more)
	}
	for more, refused := range map[string]string{
		"-s CN=bank":         `is made out to "CN=bank"; expected "CN=shop"`,
		"-s CN=bank,CN=shop": "expected \"CN=shop\"",
		"-s CN=shop -2":      "asks for extensions (2.5.29.19)",
		"-s CN=shop -8 bank": "asks for extensions (2.5.29.17)",
		"-s CN=shop -a":      "is no request",
	} {
		ask(more)
		a.phase("", refused)
	}
	ask("-s CN=shop")
	a.phase("sign the members' certificates", "")
}

func TestAnArbiterIsOneOfTheHosts(t *testing.T) {
	d := newArbitrated(t).step
	if p := d.Check(); len(p) != 0 {
		t.Errorf("%v", p)
	}
	d.Arbiter, d.Cluster = "arb9", "shop;reboot"
	if p := d.Check(); len(p) != 2 {
		t.Errorf("%v", p)
	}
}

func TestAnAuthorityThatIsNoneIsRefused(t *testing.T) {
	d := &QuorumDevice{Cluster: "shop", Arbiter: "arb1", Where: kind.Where{Nodes: []kind.Node{{Name: "db1"}, {Name: "arb1"}}}}
	for said, refused := range map[string]string{
		"ca aGVsbG8K\n":        "expected one certificate in PEM",
		"ca $(reboot)\n":       "has no authority",
		"ca \n":                "has no authority",
		"unreadable\n\x00\n\n": "has no authority",
	} {
		seen := probe.Hosts{"db1": {Seen: probe.NewSeen(kindtest.Answer(d.held(), 0, ""))}, "arb1": {Seen: probe.NewSeen(kindtest.Answer(d.signed(), 0, said))}}
		ph, err := kindtest.Decide(t, d, seen)
		kindtest.Expect(t, said, ph, err, "", "", refused)
	}
}
