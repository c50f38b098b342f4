package config_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"haprov/internal/act"
	"haprov/internal/probe"
	"haprov/internal/recipe"
)

// Values that a shell would make something of, were they not quoted.
var shellSigns = []string{";canary;", "$(canary)", "`canary`", "';canary;'", `";canary;"`, `\`, "a b", "-rf", "*", "\ncanary\n", "|canary", "&canary&"}

// TestEveryTextIsQuotedOrRefused puts shell metacharacters into every place of every kind where a
// text can stand. Either the value is refused with its place, or the texts of probes and actions run
// in a real shell, beside commands that do nothing, and never run the command that the value names.
func TestEveryTextIsQuotedOrRefused(t *testing.T) {
	t.Parallel()
	box := newSandbox(t)
	acted := map[string]bool{}
	for _, s := range slots(t) {
		if s.text == "shell" { // its text is meant to run
			continue
		}
		var steps []*trial
		for i, sign := range shellSigns {
			forms := []string{sign, "/sandbox/x" + sign}
			if i < 2 {
				forms = append(forms, "x"+sign+".service", "x"+sign+".service:restart")
			}
			for _, v := range forms {
				p, problems := stepOf(s.with(v))
				if p == nil {
					if err := placed(problems); err != nil {
						t.Errorf("%s %q: %v", s.name, v, err)
					}
					continue
				}
				for _, it := range p.Clusters[0].Chains[0].Items {
					if it.Kind == s.kind {
						steps = append(steps, &trial{value: v, item: it})
					}
				}
			}
		}
		box.try(t, s, steps)
		for _, x := range steps {
			if len(x.did) > 0 {
				acted[s.kind] = true
			}
		}
	}
	for _, k := range []string{"file", "directory", "symlink", "line", "secret", "command", "service", "mount", "pacemaker", "galera", "mysql_user"} {
		if !acted[k] {
			t.Errorf("no action of a %s was tried", k)
		}
	}
}

// TestWhatIsPaidIsQuoted: a unit's name goes into the path of what is owed to it.
func TestWhatIsPaidIsQuoted(t *testing.T) {
	box := newSandbox(t)
	out := box.run(t, "h1", []string{act.Script([]act.Action{{Shell: "true", Pays: []string{"x; canary; true"}, Owes: []act.Owed{{Unit: "y; canary; true", What: "restart"}}}}, nonce)})
	if box.sang() || !strings.Contains(out, "done 0") {
		t.Errorf("the unit's name was taken for a command:\n%s", out)
	}
}

// A trial is one step with a value in one of its places.
type trial struct {
	value string
	item  *recipe.Item
	seen  map[string]probe.Seen // by host
	did   []act.Action
}

func (x *trial) hosts() probe.Hosts {
	out := probe.Hosts{}
	for h, s := range x.seen {
		out[h] = probe.HostSeen{Seen: s}
	}
	return out
}

func (x *trial) ask(host string) []probe.Query {
	if x.item.Step != nil {
		return x.item.Step.Probe(x.seen[host])
	}
	return x.item.Cluster.Probe(host, x.hosts())
}

func (x *trial) decide() {
	if x.item.Step != nil {
		c, _ := x.item.Step.Decide(x.seen["h1"])
		x.did = c.Actions
		return
	}
	ph, _ := x.item.Cluster.Decide(x.hosts(), x.hosts())
	for _, c := range ph.Changes {
		x.did = append(x.did, c.Actions...)
	}
}

// sandbox is a folder whose commands do nothing but what tests of the shell texts need.
type sandbox struct {
	dir  string
	said map[string]string // by host and text
}

func newSandbox(t *testing.T) *sandbox {
	b := &sandbox{t.TempDir(), map[string]string{}}
	bin := filepath.Join(b.dir, "bin")
	_ = os.Chmod(filepath.Dir(b.dir), 0o755) // another user runs it
	for _, d := range []string{b.dir, bin, filepath.Join(b.dir, "tmp"), filepath.Join(b.dir, "run/haprov")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			t.Fatal(err)
		}
		_ = os.Chmod(d, 0o777)
	}
	stub := func(body string, names ...string) {
		for _, n := range names {
			if err := os.WriteFile(filepath.Join(bin, n), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, n := range []string{"sh", "cat", "mkdir", "head", "tail", "cut", "grep", "sed", "tr", "base64", "stat", "od", "wc", "sort", "sha256sum", "timeout", "setsid", "readlink", "test", "id"} {
		p, err := exec.LookPath(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(p, filepath.Join(bin, n)); err != nil {
			t.Fatal(err)
		}
	}
	stub("echo ran >>"+b.dir+"/song", "canary")
	stub(`case "$*" in *`+b.dir+`/run/haprov/job) /bin/rm -rf `+b.dir+`/run/haprov/job;; esac`, "rm")
	stub("", "mv", "cp", "chmod", "chown", "ln", "sync", "mount", "umount", "mkfs.ext4", "drbdadm", "drbdsetup", "wipefs", "modprobe", "sysctl", "apt-get", "useradd", "usermod", "groupadd", "groupmod",
		"galera_new_cluster", "journalctl", "crm_verify", "crm_diff", "crm_simulate", "crm_resource", "crm_attribute", "stonith_admin", "corosync-cfgtool", "socat", "e2label", "rmdir", "sleep")
	stub("exit 1", "dpkg-query", "getent", "blkid", "findmnt", "mountpoint")
	stub(`while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done; shift; exec "$@"`, "runuser")
	stub("echo 0; exit 1", "pgrep")
	stub(`[ "$HOST" = h1 ]`, "mariadb")
	stub(`echo '<cib epoch="1"><configuration><crm_config/><resources/></configuration></cib>'`, "cibadmin")
	stub(`echo '<pacemaker-result><summary><current_dc with_quorum="true"/></summary><nodes><node name="h1" online="true"/><node name="h2" online="true"/></nodes></pacemaker-result>'`, "crm_mon")
	stub(`case $1 in show) ;; is-active) exit 3;; *) exit 0;; esac
while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
[ $# = 0 ] || shift
for u; do printf 'Id=%s\nLoadState=loaded\nActiveState=inactive\nSubState=dead\nUnitFileState=disabled\nNeedDaemonReload=no\nJob=\n\n' "$u"; done`, "systemctl")
	stub("echo "+b.dir+"/tmp", "mktemp")
	return b
}

var rooted = regexp.MustCompile(`/(run|etc|var|usr|lib|srv|boot|proc|sys|sandbox)\b`)

// run gives the texts to one shell, none of whose paths lead out of the sandbox.
func (b *sandbox) run(t *testing.T, host string, texts []string) string {
	t.Helper()
	var all strings.Builder
	for _, x := range texts {
		x = rooted.ReplaceAllStringFunc(x, func(s string) string { return b.dir + s })
		all.WriteString("(\n" + x + "\n)\nprintf '\\n%s\\n' '" + next + "'\n")
	}
	check := exec.Command("sh", "-n")
	check.Stdin = strings.NewReader(all.String())
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("no shell text: %v %s\n%s", err, out, all.String())
		return ""
	}
	sh := exec.Command("/bin/sh")
	sh.Dir, sh.Env, sh.Stdin = b.dir, []string{"PATH=" + b.dir + "/bin", "HOST=" + host}, strings.NewReader(all.String())
	if os.Geteuid() == 0 {
		sh.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	sh.WaitDelay = time.Second
	var out bytes.Buffer
	sh.Stdout, sh.Stderr = &out, &out
	_ = sh.Run() // its texts may fail
	return out.String()
}

// sang tells that the canary ran, once.
func (b *sandbox) sang() bool {
	err := os.Remove(filepath.Join(b.dir, "song"))
	return err == nil
}

func (b *sandbox) try(t *testing.T, s slot, steps []*trial) {
	if len(steps) == 0 {
		return
	}
	hosts := []string{"h1", "h2"}
	if steps[0].item.Step != nil {
		hosts = hosts[:1]
	}
	for _, x := range steps {
		x.seen = map[string]probe.Seen{}
		for _, h := range hosts {
			x.seen[h] = probe.NewSeen(nil)
		}
	}
	for range 3 {
		for _, h := range hosts {
			asked := map[*trial][]probe.Query{}
			var texts []string
			for _, x := range steps {
				if asked[x] = x.ask(h); len(asked[x]) > 0 {
					texts = append(texts, probe.Script(asked[x], nonce))
				}
			}
			if b.runAll(t, h, texts) {
				t.Errorf("%s: a probe runs what it holds; values %q", s.name, values(steps))
			}
			for x, qs := range asked {
				a, _ := probe.Parse(qs, nonce, []byte(b.said[h+probe.Script(qs, nonce)]))
				x.seen[h] = x.seen[h].With(a)
			}
		}
	}
	var texts []string
	for _, x := range steps {
		if x.decide(); len(x.did) > 0 {
			texts = append(texts, act.Script(x.did, nonce))
		}
	}
	if b.runAll(t, "h1", texts) {
		t.Errorf("%s: an action runs what it holds; values %q", s.name, values(steps))
	}
	for _, x := range texts {
		if !strings.Contains(b.said["h1"+x], "begin 0") {
			t.Errorf("%s: no action began:\n%.2000s\n%.1000s", s.name, b.said["h1"+x], x)
		}
	}
}

const nonce = "fedcba9876543210"

// runAll runs the texts that were not run yet, and tells whether the canary ran.
func (b *sandbox) runAll(t *testing.T, host string, texts []string) bool {
	t.Helper()
	var fresh []string
	for _, x := range texts {
		if _, had := b.said[host+x]; !had {
			b.said[host+x] = ""
			fresh = append(fresh, x)
		}
	}
	if len(fresh) == 0 {
		return false
	}
	for i, out := range strings.Split(b.run(t, host, fresh), "\n"+next+"\n") {
		if i < len(fresh) {
			b.said[host+fresh[i]] = out
		}
	}
	return b.sang()
}

const next = "-- the next text --"

func values(steps []*trial) (out []string) {
	for _, x := range steps {
		out = append(out, x.value)
	}
	return out
}
