package pacemaker

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"haprov/internal/act"
	"haprov/internal/kind"
	"haprov/internal/plan"
	"haprov/internal/probe"
	"haprov/internal/secret"
	"haprov/internal/shell"
)

var QuorumDeviceSpec = kind.Spec{
	Name: "quorum_device",
	Summary: "The members of a Corosync ring have certificates with which they may ask an arbiter, the host of corosync-qnetd, for its vote. Every key is made on the host that uses it, and stays there. " +
		"It stands among the steps of the role all.",
	Example: `quorum_device "arbiter" {
  cluster = "shop"
  arbiter = "arb1"
}`,
	New: func() any { return &QuorumDevice{} },
}

// QuorumDevice brings the members' NSS databases in order (corosync-qdevice-net-certutil(8)):
//
//	no database, or another arbiter's --keys--> asks to be signed --sign--> signed --import--> certified
//
// The arbiter has an authority of its own since the installation of corosync-qnetd, and signs for all
// clusters that it serves. What goes from host to host is public. Configuration and services are steps
// of their own.
type QuorumDevice struct {
	kind.Where `hcl:"-"`
	Name       string `hcl:"name,label" about:"A name for the step"`
	Cluster    string `hcl:"cluster" about:"The ring's cluster_name in corosync.conf: the certificates are made out to it"`
	Arbiter    string `hcl:"arbiter" about:"Host with corosync-qnetd; all others of the step are members"`
}

const (
	memberDB  = "/etc/corosync/qdevice/net/nssdb"
	arbiterDB = "/etc/corosync/qnetd/nssdb"
	arbiterCA = "/etc/corosync/qdevice/net/qnetd-cacert.crt"
)

var clusterName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)

// Check finds an arbiter that is not among the hosts, and names that cannot be one of a file.
func (d *QuorumDevice) Check() []kind.Problem {
	var p kind.Problems
	p.Name("cluster", d.Cluster, clusterName, "cluster name")
	isHost := func(n kind.Node) bool { return n.Name == d.Arbiter }
	if len(d.Nodes) > 0 && !slices.ContainsFunc(d.Nodes, isHost) {
		p.Add("arbiter", "No such host", "Found "+kind.Quoted(d.Arbiter)+"; expected one of the step's hosts.")
	}
	return p
}

// Owns are the members' databases.
func (d *QuorumDevice) Owns(host string) []kind.Thing {
	if host == d.Arbiter {
		return nil
	}
	return kind.Paths(memberDB)
}

// Intend gives the step that upgrades the arbiter.
func (d *QuorumDevice) Intend(in plan.Intent) (kind.Cluster, error) {
	if in.Verb != plan.Upgrade {
		return nil, kind.ErrNoIntent
	}
	return arbiterUpgrade{d, in}, nil
}

// Probe asks the members what they have, and the arbiter what it has signed.
func (d *QuorumDevice) Probe(host string, seen probe.Hosts) []probe.Query {
	if host == d.Arbiter {
		return kind.Unread(seen[host].Seen, d.signed())
	}
	return kind.Unread(seen[host].Seen, d.held())
}

func (d *QuorumDevice) held() probe.Query {
	q := probe.Cmd("quorum device certificate", fmt.Sprintf(`db=%s
[ -e $db/cert9.db ] || exit 0
echo "ca $(certutil -L -d $db -n 'QNet CA' -a 2>/dev/null | base64 -w0)"
echo "request $(base64 -w0 $db/qdevice-net-node.crq 2>/dev/null)"
echo "certificate $(certutil -L -d $db -n 'Cluster Cert' -a 2>/dev/null | base64 -w0)"`, memberDB), probe.Of(probe.Package, "corosync-qdevice"), qdevice)
	q.Max = 64 << 10
	return q
}

func (d *QuorumDevice) signed() probe.Query {
	var names []string
	for _, m := range d.members() {
		names = append(names, shell.Quote(m))
	}
	q := probe.Cmd("quorum device authority", fmt.Sprintf(`db=%s
[ -e $db/cert9.db ] || exit 0
echo "ca $(certutil -L -d $db -n 'QNet CA' -a 2>/dev/null | base64 -w0)"
for m in %s; do
  f=$db/cluster-%s-$m
  [ -s "$f.crt" ] || continue
  echo "signed-$m $(base64 -w0 "$f.crq") $(base64 -w0 "$f.crt")"
done`, arbiterDB, strings.Join(names, " "), d.Cluster), probe.Of(probe.Package, "corosync-qnetd"), qdevice)
	q.Max = 256 << 10
	return q
}

// qdevice is what the questions of this kind read besides.
var qdevice = probe.Topic("qdevice")

func (d *QuorumDevice) members() (out []string) {
	for _, n := range d.Nodes {
		if n.Name != d.Arbiter {
			out = append(out, n.Name)
		}
	}
	return out
}

// words is an answer by its lines' first words. What is not base64 is no answer.
func words(a probe.Answer) map[string][]string {
	out := map[string][]string{}
	for l := range strings.Lines(a.Out) {
		f := strings.Fields(l)
		if len(f) < 2 || slices.ContainsFunc(f[1:], func(s string) bool { _, err := base64.StdEncoding.DecodeString(s); return err != nil }) {
			continue
		}
		out[f[0]] = f[1:]
	}
	return out
}

func first(f []string) string {
	if len(f) == 0 {
		return ""
	}
	return f[0]
}

// Decide gives the next phase. A member that has its certificate is left alone while the arbiter is away.
func (d *QuorumDevice) Decide(_, seen probe.Hosts) (plan.Phase, error) {
	arb := seen[d.Arbiter]
	said := words(arb.Get(d.signed()))
	ca := first(said["ca"])
	keys, sign, take := map[string]plan.Change{}, plan.Change{}, map[string]plan.Change{}
	for _, m := range d.members() {
		s := seen[m]
		if s.Lost != "" {
			continue
		}
		a := s.Get(d.held())
		if a.State != probe.Answered {
			return plan.Phase{}, fmt.Errorf("%s does not tell its certificates", m)
		}
		have := words(a)
		own, request := first(have["certificate"]), first(have["request"])
		switch {
		case arb.Lost != "" && own != "":
			continue
		case arb.Lost != "":
			return plan.Phase{}, fmt.Errorf("%s has no certificate, and the arbiter %s, which would sign one, is not reachable (%s)", m, d.Arbiter, arb.Lost)
		case ca == "":
			return plan.Phase{}, fmt.Errorf("the arbiter %s has no authority in %s: apt-get install --reinstall corosync-qnetd makes one when that folder is empty", d.Arbiter, arbiterDB)
		}
		signed := said["signed-"+m]
		switch {
		case first(have["ca"]) != ca || own == "" && request == "":
			c, err := d.key(ca, own != "")
			if err != nil {
				return plan.Phase{}, err
			}
			keys[m] = c
		case own != "":
		case len(signed) == 2 && signed[0] == request:
			take[m] = d.take(signed[1])
		default:
			if err := d.asks(request); err != nil {
				return plan.Phase{}, fmt.Errorf("what %s asks the arbiter %s to sign (%s/qdevice-net-node.crq) %w; if nobody tampered with it, take %s away there, and the next run makes another", m, d.Arbiter, memberDB, err, memberDB)
			}
			x := d.sign(m, request)
			sign.Diffs, sign.Actions = append(sign.Diffs, x.Diffs...), append(sign.Actions, x.Actions...)
		}
	}
	then := []string{"sign the members' certificates", "import them"}
	switch {
	case len(keys) > 0:
		return plan.Phase{Name: "make keys for the arbiter's vote", Changes: keys, Then: then}, nil
	case len(sign.Actions) > 0:
		return plan.Phase{Name: then[0], Changes: map[string]plan.Change{d.Arbiter: sign}, Then: then[1:]}, nil
	case len(take) > 0:
		return plan.Phase{Name: then[1], Changes: take}, nil
	}
	return plan.Phase{}, nil
}

// key makes a database with a key of the member's own, and a request to be signed.
func (d *QuorumDevice) key(ca string, other bool) (plan.Change, error) {
	text, err := base64.StdEncoding.DecodeString(ca)
	block, rest := pem.Decode(text)
	if err != nil || block == nil || block.Type != "CERTIFICATE" || strings.TrimSpace(string(rest)) != "" {
		return plan.Change{}, fmt.Errorf("the authority's certificate of the arbiter %s is none: expected one certificate in PEM", d.Arbiter)
	}
	have := ""
	if other {
		have = "signed by another arbiter"
	}
	return plan.Change{
		Diffs: []plan.Diff{{Attribute: "key and request", Have: have, Want: "for the arbiter " + d.Arbiter}},
		Actions: []act.Action{
			{Title: "create " + memberDB[:strings.LastIndex(memberDB, "/")], Shell: "mkdir -p " + memberDB[:strings.LastIndex(memberDB, "/")]},
			{Title: "write the arbiter's authority", Write: &act.File{Path: arbiterCA, Owner: "root", Group: "root", Mode: "0644", Content: secret.Plain(string(pem.EncodeToMemory(block)))}},
			{Title: "make a key and a request", Touches: []probe.Subject{qdevice}, Shell: fmt.Sprintf(
				"umask 077\nrm -rf %[1]s\ncorosync-qdevice-net-certutil -i -c %[2]s\ncorosync-qdevice-net-certutil -r -n %[3]s\ntest -s %[1]s/qdevice-net-node.crq", memberDB, arbiterCA, shell.Quote(d.Cluster))},
		}}, nil
}

// asks judges a request: the arbiter knows a cluster by the name in the certificate alone, and its tool signs
// whatever it is asked for, a name of another of its clusters or an authority too.
func (d *QuorumDevice) asks(request string) error {
	text, err := base64.StdEncoding.DecodeString(request)
	if err != nil {
		return err
	}
	r, err := x509.ParseCertificateRequest(text)
	switch {
	case err != nil:
		return fmt.Errorf("is no request: %w", err)
	case len(r.Subject.Names) != 1 || r.Subject.CommonName != d.Cluster:
		return fmt.Errorf("is made out to %q; expected %q", r.Subject.String(), "CN="+d.Cluster)
	case len(r.Extensions) > 0:
		return fmt.Errorf("asks for extensions (%s); expected none", r.Extensions[0].Id)
	}
	return nil
}

// sign makes a certificate of a member's request, and keeps the request beside it.
func (d *QuorumDevice) sign(m, request string) plan.Change {
	name := d.Cluster + "-" + m
	file := shell.Quote(arbiterDB + "/cluster-" + name)
	return plan.Change{
		Diffs: []plan.Diff{{Attribute: "certificate of " + m, Want: "signed for cluster " + d.Cluster}},
		Actions: []act.Action{{Title: "sign the certificate of " + m, Stdin: secret.Plain(request), Touches: []probe.Subject{qdevice},
			Shell: fmt.Sprintf("base64 -d >%[1]s.crq\nrm -f %[1]s.crt\ncorosync-qnetd-certutil -s -G -c %[1]s.crq -n %[2]s\ntest -s %[1]s.crt", file, shell.Quote(name))}}}
}

// take imports what was signed. The tool also exports key and certificate for other members, which have
// keys of their own.
func (d *QuorumDevice) take(signed string) plan.Change {
	return plan.Change{
		Diffs: []plan.Diff{{Attribute: "certificate", Want: "of the arbiter " + d.Arbiter}},
		Actions: []act.Action{{Title: "import the certificate", Stdin: secret.Plain(signed), Touches: []probe.Subject{qdevice}, Owes: []act.Owed{{Unit: "corosync-qdevice.service", What: "restart"}},
			Shell: fmt.Sprintf("umask 077\nbase64 -d >%[1]s/signed.crt\ncorosync-qdevice-net-certutil -M -c %[1]s/signed.crt\nrm -f %[1]s/qdevice-net-node.p12\ncertutil -L -d %[1]s -n 'Cluster Cert' >/dev/null", memberDB)}}}
}
