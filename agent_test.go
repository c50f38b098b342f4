package haprov

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shellfuncs are the words of resource-agents that the agent uses.
const shellfuncs = `OCF_SUCCESS=0 OCF_ERR_GENERIC=1 OCF_ERR_UNIMPLEMENTED=3 OCF_ERR_INSTALLED=5 OCF_ERR_CONFIGURED=6 OCF_NOT_RUNNING=7
ocf_is_probe() { false; }
ocf_exit_reason() { echo "$*" >&2; }
ocf_log() { :; }
`

// TestTheServersAgentStartsWatchesAndStops runs it with a real MariaDB.
func TestTheServersAgentStartsWatchesAndStops(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/usr/sbin/mariadbd"); err != nil {
		t.Fatalf("%v: make deps installs it", err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "ra") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for name, text := range map[string]string{"ocf-shellfuncs": shellfuncs, "my.cnf": "[mysqld]\nskip_networking\ninnodb_buffer_pool_size = 32M\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// as the package of MySQL leaves it
	if err := os.Mkdir(dir+"/run", 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mariadb-install-db", "--no-defaults", "--user="+me.Username, "--datadir="+dir+"/data", "--skip-test-db", "--auth-root-authentication-method=socket", "--auth-root-socket-user="+me.Username).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	agent := func(action string) int {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, "sh", "templates/ocf-mariadb", action)
		c.Env = append(os.Environ(), "OCF_FUNCTIONS_DIR="+dir, "OCF_CHECK_LEVEL=10", "OCF_RESKEY_CRM_meta_timeout=30000", "OCF_RESKEY_answer_timeout=3", "OCF_RESKEY_config="+dir+"/my.cnf",
			"OCF_RESKEY_datadir="+dir+"/data", "OCF_RESKEY_user="+me.Username, "OCF_RESKEY_group="+group.Name, "OCF_RESKEY_log="+dir+"/log", "OCF_RESKEY_pid="+dir+"/run/pid", "OCF_RESKEY_socket="+dir+"/run/sock")
		out, err := c.CombinedOutput()
		var exit *exec.ExitError
		if ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
			t.Fatalf("%s: %v %s", action, err, out)
		}
		if code := c.ProcessState.ExitCode(); code == 0 || code == 7 || strings.Contains(string(out), "does not answer") {
			return code
		}
		t.Fatalf("%s: %v %s", action, err, out)
		return 0
	}
	t.Cleanup(func() {
		if pid, err := os.ReadFile(dir + "/run/pid"); err == nil {
			_ = exec.Command("kill", "-9", strings.TrimSpace(string(pid))).Run()
		}
	})
	expect := func(action string, want int) {
		t.Helper()
		if got := agent(action); got != want {
			log, _ := os.ReadFile(dir + "/log")
			t.Fatalf("%s: exit %d, want %d\n%s", action, got, want, log)
		}
	}
	expect("monitor", 7)
	expect("stop", 0)
	expect("start", 0)
	expect("start", 0)
	expect("monitor", 0)
	// the host's own clients come by the socket, whoever made its folder
	if i, err := os.Stat(dir + "/run"); err != nil || i.Mode().Perm() != 0o755 {
		t.Errorf("the socket's folder has mode %v %v", i.Mode().Perm(), err)
	}
	expect("stop", 0)
	expect("monitor", 7)
	expect("start", 0)
	pid, err := os.ReadFile(dir + "/run/pid")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("kill", "-STOP", strings.TrimSpace(string(pid))).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	expect("monitor", 1)
	expect("stop", 0)
	expect("monitor", 7)
}
