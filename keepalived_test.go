package haprov

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestKeepalivedTakesItsFile asks the program itself, on an interface of a namespace of its own: also
// where there is one proxy alone, as when the other one has left.
func TestKeepalivedTakesItsFile(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	for _, p := range []string{"keepalived", "ip", "unshare"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("%v: make deps installs it", err)
		}
	}
	peer := map[string]any{"address": "192.0.2.12"}
	for name, peers := range map[string][]any{"two proxies": {peer}, "one proxy": {}} {
		for _, version := range []int{2, 3} {
			advert := map[int]string{2: "1", 3: "0.3"}[version]
			text := rendered(t, "keepalived.conf.tmpl", map[string]any{"name": "proxy1", "interface": "eth9", "address": "192.0.2.11", "priority": 200, "router": 51,
				"vip": "192.0.2.100/24", "advert": advert, "version": version, "peers": peers})
			text = strings.Replace(text, "/usr/local/lib/haprov/proxy-check", "/bin/true", 1) // the recipe's step before has made it
			path := filepath.Join(t.TempDir(), "keepalived.conf")
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			const look = "ip link add eth9 type veth peer name eth8 && ip addr add 192.0.2.11/24 dev eth9 && ip link set eth9 up && ip link set eth8 up && exec keepalived -t -f "
			out, err := exec.Command("unshare", "--net", "sh", "-c", look+path).CombinedOutput()
			if err != nil {
				t.Errorf("%s, VRRP %d: %v\n%s\n%s", name, version, err, out, text)
			}
		}
	}
}
