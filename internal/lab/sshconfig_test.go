package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSSHFindsADeadLinkInSeconds asks ssh itself what it makes of the text.
func TestSSHFindsADeadLinkInSeconds(t *testing.T) {
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		t.Skip("needs ssh")
	}
	c := &Client{spec: Spec{Name: "x", Hosts: []Host{{Name: "db1", NICs: []NIC{{Network: "n", Address: "192.0.2.1"}}}}}}
	conf := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(conf, []byte(c.SSHConfig("/bin/haprov")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(ssh, "-G", "-F", conf, "db1").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"serveraliveinterval 4\n", "serveralivecountmax 3\n", "connecttimeout 15\n", "stricthostkeychecking true\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("ssh does not say %q", want)
		}
	}
}
