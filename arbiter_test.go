package haprov

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// votes runs two members and an arbiter, the real programs, each in namespaces of its own, with the
// configuration and the unit's script of the recipe. It prints one line for what became of each stage.
const votes = `set -e
top=$1
declare -A at # the process that holds each one's namespaces open
ran=
trap 'kill -9 $ran ${at[@]} 2>/dev/null || :' EXIT
ip link set lo up
ip link add br0 type bridge
ip link set br0 up
n=11
for h in a b arb; do
  mkdir -p $top/$h/etc $top/$h/lib $top/$h/run/corosync-qnetd $top/$h/run/corosync-qdevice $top/$h/shm
  exec {said}< <(top=$top/$h exec unshare --net --mount --uts sh -c 'mount --bind $top/etc /etc/corosync; mount --bind $top/lib /var/lib/corosync; mount --bind $top/run /run; mount --bind $top/shm /dev/shm; echo $$; exec sleep 300')
  read -r at[$h] <&$said
  ip link add to-$h type veth peer name eth0 netns ${at[$h]}
  ip link set to-$h master br0 up
  nsenter -n -t ${at[$h]} ip link set lo up
  nsenter -n -t ${at[$h]} ip addr add 10.77.0.$n/24 dev eth0
  nsenter -n -t ${at[$h]} ip link set eth0 up
  n=$((n+1))
done
on() { local h=$1; shift; nsenter -n -m -r -t ${at[$h]} "$@"; }
begin() { local h=$1; shift; (exec nsenter -n -m -r -t ${at[$h]} "$@") >>$top/$h.log 2>&1 & # $! is the program's
  ran="$ran $!"; disown; }
head -c 256 /dev/urandom >$top/key
for h in a b; do cp $top/key $top/$h/etc/authkey; done
mkdir $top/arb/etc/qnetd
{
  on arb corosync-qnetd-certutil -i -G
  for h in a b; do
    mkdir -p $top/$h/etc/qdevice/net
    cp $top/arb/etc/qnetd/nssdb/qnetd-cacert.crt $top/$h/etc/ca.crt
    on $h corosync-qdevice-net-certutil -i -c /etc/corosync/ca.crt
    on $h corosync-qdevice-net-certutil -r -n x
    cp $top/$h/etc/qdevice/net/nssdb/qdevice-net-node.crq $top/arb/etc/$h.crq
    on arb corosync-qnetd-certutil -s -G -c /etc/corosync/$h.crq -n x-$h
    cp $top/arb/etc/qnetd/nssdb/cluster-x-$h.crt $top/$h/etc/x.crt
    on $h corosync-qdevice-net-certutil -M -c /etc/corosync/x.crt
  done
} >$top/certutil.log 2>&1
configure() { for h in a b; do cp $top/$1.conf $top/$h/etc/corosync.conf; done; }
corosync() { begin $1 corosync -f; echo $! >$top/$1.pid; }
device() { begin $1 env life=$2 PATH=$top/bin:$PATH sh -c "$(cat $top/device)"; }
arbiter() { begin arb corosync-qnetd -f; echo $! >$top/arb.pid; }
now() { on $1 corosync-quorumtool -s 2>/dev/null | awk -F': *' '$1 == "Quorate" { q = $2 } $1 == "Expected votes" { e = $2 } $1 == "Total votes" { v = $2 } END { print q " " v " of " e }' || :; }
till() { # HOST WANT
  for i in $(seq 150); do [ "$(now $1)" = "$2" ] && { echo "$1: $2"; return; }; sleep 0.2; done
  echo "$1: $(now $1), not $2"
}
both() { till a "$1"; till b "$1"; }
watch() { : >$top/lost; while [ -e $top/watching ]; do case $(now a) in "No "*) echo lost >>$top/lost ;; esac; done; }

echo == two nodes
arbiter
configure two
corosync a; corosync b
both "Yes 2 of 2"
echo == to an arbiter
touch $top/watching; watch & watcher=$!
configure third
on a corosync-cfgtool -R >/dev/null
both "Yes 2 of 3"
device a 1; device b 1
both "Yes 3 of 3"
echo == and back
configure two
on a corosync-cfgtool -R >/dev/null
both "Yes 2 of 2"
configure third
on a corosync-cfgtool -R >/dev/null
device a 1; device b 1
both "Yes 3 of 3"
rm $top/watching; wait $watcher; [ ! -s $top/lost ] && echo quorum all the time
echo == without the arbiter
kill -9 $(cat $top/arb.pid)
both "Yes 2 of 3"
echo == without the other member, too
kill -9 $(cat $top/b.pid)
till a "No 1 of 3"
echo == the arbiter is back
arbiter
till a "Yes 2 of 3"
echo == one starts alone
kill -9 $(cat $top/a.pid)
for i in $(seq 50); do [ "$(now a)" = "  of " ] && break; sleep 0.2; done
corosync a
till a "No 1 of 2"
device a 2
for i in $(seq 15); do [ "$(now a)" = "No 1 of 2" ] || now a; sleep 0.2; done
echo == the other one comes
corosync b
device b 2
both "Yes 3 of 3"
`

// TestAThirdVote needs root for namespaces.
func TestAThirdVote(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("namespaces need root")
	}
	for _, p := range []string{"corosync", "corosync-qdevice", "corosync-qnetd", "certutil"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Fatalf("%v: make deps installs it", err)
		}
	}
	top := t.TempDir()
	write := func(name, text string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(top, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(top, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	node := func(name string, id int, address string) any {
		return map[string]any{"name": name, "id": id, "links": []any{address}}
	}
	values := map[string]any{"cluster": "x", "token": 1000, "consensus": 200, "nodes": []any{node("a", 1, "10.77.0.11"), node("b", 2, "10.77.0.12")}}
	write("two.conf", rendered(t, "corosync.conf.tmpl", values))
	values["arbiter"] = "10.77.0.13"
	write("third.conf", rendered(t, "corosync.conf.tmpl", values))
	write("bin/systemctl", "#!/bin/sh\necho $life\n")
	write("device", deviceScript(t))
	out, err := exec.Command("unshare", "--net", "--mount", "bash", "-c", votes, "votes", top).CombinedOutput()
	want := `== two nodes
a: Yes 2 of 2
b: Yes 2 of 2
== to an arbiter
a: Yes 2 of 3
b: Yes 2 of 3
a: Yes 3 of 3
b: Yes 3 of 3
== and back
a: Yes 2 of 2
b: Yes 2 of 2
a: Yes 3 of 3
b: Yes 3 of 3
quorum all the time
== without the arbiter
a: Yes 2 of 3
b: Yes 2 of 3
== without the other member, too
a: No 1 of 3
== the arbiter is back
a: Yes 2 of 3
== one starts alone
a: No 1 of 2
== the other one comes
a: Yes 3 of 3
b: Yes 3 of 3
`
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s", err, out)
		for _, n := range []string{"a.log", "certutil.log"} {
			text, _ := os.ReadFile(filepath.Join(top, n))
			l := strings.Split(string(text), "\n")
			t.Logf("%s:\n%s", n, strings.Join(l[max(0, len(l)-15):], "\n"))
		}
	}
}

// deviceScript is what the members' corosync-qdevice.service runs.
func deviceScript(t *testing.T) string {
	t.Helper()
	unit, err := Shipped.ReadFile("templates/corosync-qdevice.service")
	if err != nil {
		t.Fatal(err)
	}
	_, script, ok := strings.Cut(strings.ReplaceAll(string(unit), " \\\n", "\n"), "ExecStart=/bin/sh -c '")
	if !ok {
		t.Fatal("no script in the unit")
	}
	return strings.ReplaceAll(strings.TrimSuffix(strings.TrimSpace(script), "'"), "$$", "$")
}
