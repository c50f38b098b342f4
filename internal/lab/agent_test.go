package lab

import (
	"encoding/xml"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"haprov/internal/transport/sshtest"
)

// agent runs templates/fence_haprov as Pacemaker does, against the supervisor on loopback.
func agent(t *testing.T, s *supervisor, token string) func(input ...string) (string, int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go s.serveFence(l)
	conf := filepath.Join(t.TempDir(), "fence.conf")
	// The first address takes no connection: its network is cut.
	text := fmt.Sprintf("node=db1\naddresses=127.0.0.1:1 %s\ntoken=%s\n", l.Addr(), token)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(input ...string) (string, int) {
		cmd := exec.Command("bash", "../../templates/fence_haprov")
		cmd.Env = append(os.Environ(), "FENCE_HAPROV_CONF="+conf)
		cmd.Stdin = strings.NewReader(strings.Join(input, "\n") + "\n")
		out, _ := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), cmd.ProcessState.ExitCode()
	}
}

func TestTheFenceAgentSpeaksForTheSupervisor(t *testing.T) {
	s, d := small(t)
	run := agent(t, s, s.tokenOf("db1"))
	for _, c := range []struct {
		input, out string
		code       int
	}{
		{"action=monitor", "", 0},
		{"action=list", "db1,\ndb2,", 0},
		{"action=status plug=db2", "db2: on", 0},
		{"action=reboot nodename=db2 plug=db2", "db2: off and started again", 0},
		{"action=off port=db2", "db2: off", 0},
		{"action=status plug=db2", "db2: off", 2},
		{"action=on plug=db2", "db2: on", 0},
		{"action=off plug=db1", "fence_haprov: off db1: refused: a machine does not fence itself", 1},
		{"action=off plug=a;b", "fence_haprov: off: plug is missing or no machine's name", 1},
		{"action=validate-all", "", 0},
	} {
		if out, code := run(strings.Fields(c.input)...); out != c.out || code != c.code {
			t.Errorf("%s: %q (%d), want %q (%d)", c.input, out, code, c.out, c.code)
		}
	}
	if len(d.starts) != 4 {
		t.Errorf("starts: %v", d.starts)
	}
	out, code := run("action=metadata")
	var any struct {
		Actions []struct {
			Name string `xml:"name,attr"`
		} `xml:"actions>action"`
	}
	if err := xml.Unmarshal([]byte(out), &any); err != nil || code != 0 || len(any.Actions) != 8 {
		t.Errorf("metadata: %v, %+v", err, any)
	}
}

func TestTheFenceAgentNeverSaysYesByItself(t *testing.T) {
	s, _ := small(t)
	run := agent(t, s, "stale")
	if out, code := run("action=off", "plug=db2"); code != 1 || !strings.Contains(out, "no running machine") {
		t.Errorf("%q (%d)", out, code)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	conf := filepath.Join(t.TempDir(), "conf")
	os.WriteFile(conf, []byte("addresses="+silent.Addr().String()+"\ntoken=x\n"), 0o600)
	cmd := exec.Command("bash", "../../templates/fence_haprov")
	cmd.Env = append(os.Environ(), "FENCE_HAPROV_CONF="+conf)
	cmd.Stdin = strings.NewReader("action=off\nplug=db2\n")
	if cmd.Run() == nil {
		t.Error("yes without an answer")
	}
}

// With the option ip the agent asks a hypervisor over SSH, and accepts its key alone.
func TestTheFenceAgentAsksAHypervisorOverSSH(t *testing.T) {
	var asked []string
	s := sshtest.New(t, func(s *sshtest.Server) {
		s.Exec = func(ch ssh.Channel, r *ssh.Request, command string) bool {
			asked = append(asked, command)
			answer := map[string]string{"off db2": "ok off", "status db2": "ok off", "monitor": "ok ready", "list": "ok db1 db2", "off db3": "no no machine db3"}[command]
			_ = r.Reply(true, nil)
			fmt.Fprintln(ch, answer)
			_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{0}))
			_ = ch.Close()
			return true
		}
	})
	pin, err := os.ReadFile(s.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(pin))
	key := strings.Join(words[len(words)-2:], " ")
	other := filepath.Join(t.TempDir(), "other")
	sshtest.NewKey(t, other)
	strange, err := os.ReadFile(other + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	run := func(hostKey, input string) (string, int) {
		cmd := exec.Command("bash", "../../templates/fence_haprov")
		cmd.Env = append(os.Environ(), "FENCE_HAPROV_CONF=/nonexistent")
		cmd.Stdin = strings.NewReader(fmt.Sprintf("ip=127.0.0.1\nip_port=%d\nusername=me\nidentity_file=%s\nhost_key=%s\n%s\n", s.Port, s.KeyFile, hostKey, strings.ReplaceAll(input, " ", "\n")))
		out, _ := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), cmd.ProcessState.ExitCode()
	}
	for _, c := range []struct {
		input, out string
		code       int
	}{
		{"action=monitor", "", 0},
		{"action=list", "db1,\ndb2,", 0},
		{"action=off plug=db2", "db2: off", 0},
		{"action=status plug=db2", "db2: off", 2},
		{"action=off plug=db3", "fence_haprov: off db3: no machine db3", 1},
		{"action=on plug=db2", fmt.Sprintf("fence_haprov: on db2: no answer from me@127.0.0.1 port %d", s.Port), 1},
	} {
		if out, code := run(key, c.input); out != c.out || code != c.code {
			t.Errorf("%s: %q (%d), want %q (%d)", c.input, out, code, c.out, c.code)
		}
	}
	n := len(asked)
	if out, code := run(strings.TrimSpace(string(strange)), "action=off plug=db2"); code != 1 || len(asked) != n {
		t.Errorf("a hypervisor with another key was asked: %q (%d)", out, code)
	}
}
