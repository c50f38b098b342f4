package haprov

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// network makes, in a network namespace of its own, one host with the rules and three that talk to
// it over links of their own. A port where nobody listens answers at once when the rules let the
// question through.
const network = `set -e
declare -A at # the process that holds each one's namespace open
trap 'kill ${at[@]}' EXIT
ip link set lo up
ip addr add 10.9.0.1/32 dev lo
n=1
for h in member friend stranger; do
  exec {said}< <(exec unshare --net sh -c 'echo $$; exec sleep 60')
  read -r at[$h] <&$said
  ip link add to-$h type veth peer name eth0 netns ${at[$h]}
  ip addr add 10.0.$n.1/24 dev to-$h
  ip link set to-$h up
  nsenter -n -t ${at[$h]} ip addr add 10.0.$n.2/24 dev eth0
  nsenter -n -t ${at[$h]} ip link set eth0 up
  nsenter -n -t ${at[$h]} ip route add default via 10.0.$n.1
  ip addr add fd00:$n::1/64 dev to-$h nodad
  nsenter -n -t ${at[$h]} ip addr add fd00:$n::2/64 dev eth0 nodad
  n=$((n+1))
done
for f in "$@"; do nft -f $f; nft -f $f; done # twice: a reload leaves one set of rules
ask() { nsenter -n -t ${at[$1]} timeout 2 bash -c "</dev/tcp/$3/$2" 2>/dev/null && c=0 || c=$?; [ $c = 124 ] && echo "$1 $2 $4 dropped" || echo "$1 $2 $4 passes"; }
for p in 22 4444 4567 4568 5403 10000; do ask member $p fd00:1::1 IPv6 & done
for h in member friend stranger; do for p in 22 3306 4444 4567 4568 5403 9200 10000; do ask $h $p 10.9.0.1 IPv4 & done; done
for j in $(jobs -p); do wait $j; done
nft list ruleset | grep -c '^table' || :
`

// TestTheFirewallsLetTheRightOnesIn needs root for network namespaces.
func TestTheFirewallsLetTheRightOnesIn(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	for _, p := range []string{"nft", "ip", "unshare"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("%v: make deps installs it", err)
		}
	}
	if out, err := exec.Command("unshare", "--net", "nft", "list", "ruleset").CombinedOutput(); err != nil {
		t.Skipf("no packet filter in a network namespace here: %v %s", err, out)
	}
	var files []string
	for name, values := range map[string]map[string]any{
		"galera-firewall.nft.tmpl":  {"address": "10.9.0.1", "members": []any{map[string]any{"address": "10.0.1.2"}}, "friends": []any{"10.0.1.2", "10.0.2.2"}},
		"haproxy-firewall.nft.tmpl": {"proxies": []any{map[string]any{"address": "10.0.2.2"}}},
		// of two clusters, one after the other: below
		"arbiter-firewall.nft.tmpl": {"members": []any{map[string]any{"address": "10.0.1.2"}}},
	} {
		f := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(f, []byte(rendered(t, name, values)), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	other := filepath.Join(t.TempDir(), "other.nft")
	if err := os.WriteFile(other, []byte(rendered(t, "arbiter-firewall.nft.tmpl", map[string]any{"members": []any{map[string]any{"address": "10.0.2.2"}}})), 0o600); err != nil {
		t.Fatal(err)
	}
	files = append(files, other)
	out, err := exec.Command("unshare", append([]string{"--net", "bash", "-c", network, "network"}, files...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lets := map[string]string{"member": "22 3306 4444 4567 4568 5403 9200", "friend": "22 3306 5403 9200 10000", "stranger": "22"}
	for _, h := range []string{"member", "friend", "stranger"} {
		for _, p := range strings.Fields("22 3306 4444 4567 4568 5403 9200 10000") {
			want := fmt.Sprintf("%s %s IPv4 dropped\n", h, p)
			if strings.Contains(" "+lets[h]+" ", " "+p+" ") {
				want = fmt.Sprintf("%s %s IPv4 passes\n", h, p)
			}
			if !strings.Contains(string(out), want) {
				t.Errorf("expected %q", want)
			}
		}
	}
	// The members' addresses are IPv4: nothing of theirs is for IPv6.
	for p, want := range map[string]string{"22": "passes", "4444": "dropped", "4567": "dropped", "4568": "dropped", "5403": "dropped", "10000": "dropped"} {
		if !strings.Contains(string(out), fmt.Sprintf("member %s IPv6 %s\n", p, want)) {
			t.Errorf("port %s over IPv6: expected %s", p, want)
		}
	}
	if !strings.HasSuffix(string(out), "\n3\n") {
		t.Error("there are not three tables")
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
