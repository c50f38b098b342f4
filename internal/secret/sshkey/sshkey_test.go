package sshkey

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ssh-keygen reads the key and finds the same public half.
func TestAKeyIsReadByOpenSSH(t *testing.T) {
	private, err := New("cluster")
	if err != nil {
		t.Fatal(err)
	}
	public, err := Public(private)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(private), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ssh-keygen", "-y", "-P", "", "-f", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if got := strings.TrimSpace(string(out)); got != public+" cluster" {
		t.Errorf("ssh-keygen says %q, Public %q", got, public)
	}
}

func TestWhatIsNoKeyIsNotShown(t *testing.T) {
	_, err := Public("canary")
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("the error is %v", err)
	}
}
