package haprov

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var responders atomic.Int32

// responder starts the health responder of a Galera member, with a program in the place of the server's
// client, and gives its address.
func responder(t *testing.T, client string, args ...string) string {
	t.Helper()
	script, err := Shipped.ReadFile("templates/galera-health")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"galera-health": string(script), "mariadb": "#!/bin/sh\n" + client} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// An address of its own: a free port of a common one may be the next test's, too.
	host := fmt.Sprintf("127.%d.%d.%d", 1+os.Getpid()>>8&0x7f, os.Getpid()&0xff, responders.Add(1))
	address := net.JoinHostPort(host, "9200")
	c := exec.Command("perl", append([]string{filepath.Join(dir, "galera-health"), host, "9200"}, args...)...)
	c.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	c.Stderr = t.Output()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait() // it was killed
	})
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(20 * time.Millisecond) {
		if k, err := net.Dial("tcp", address); err == nil {
			_ = k.Close()
			return address
		}
	}
	t.Fatal("nobody listens")
	return ""
}

// ask gives the first line of the answer to a request, empty when there is none.
func ask(t *testing.T, address, request string) string {
	t.Helper()
	k, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	_ = k.SetDeadline(time.Now().Add(30 * time.Second)) // of a TCP connection
	_, _ = io.WriteString(k, request)                   // whoever is refused cannot write all of it
	if strings.HasSuffix(request, "unfinished") {
		_ = k.(*net.TCPConn).CloseWrite() // of a connection that is there
	}
	out, _ := io.ReadAll(k) // a reset is no answer
	line, _, _ := strings.Cut(string(out), "\r\n")
	return line
}

const get = "GET / HTTP/1.0\r\n\r\n"

// TestAGaleraMemberIsHealthyOnlyWhenClientsMayBeSentThere answers for the server in its place.
func TestAGaleraMemberIsHealthyOnlyWhenClientsMayBeSentThere(t *testing.T) {
	status := func(component, state, comment, ready, readOnly, reject string) string {
		return "printf '%s\\t%s\\n' wsrep_cluster_status " + component + " wsrep_local_state " + state + " wsrep_local_state_comment " + comment +
			" wsrep_ready " + ready + " read_only " + readOnly + " wsrep_reject_queries " + reject + "; echo haprov-end\n"
	}
	always := func(answer string) string { return "while read -r asked; do " + answer + "\ndone" }
	here := t.TempDir()
	for _, x := range []struct {
		name, server, want string
		more               []string
	}{
		{"synced", always(status("Primary", "4", "Synced", "ON", "OFF", "NONE")), "200 Synced", nil},
		{"a donor", always(status("Primary", "2", "Donor/Desynced", "ON", "OFF", "NONE")), "503 donor: Donor/Desynced", nil},
		{"a donor that may serve", always(status("Primary", "2", "Donor/Desynced", "ON", "OFF", "NONE")), "200 Donor/Desynced", []string{"/none", "donor-serves"}},
		{"a joiner", always(status("Primary", "1", "Joining", "OFF", "OFF", "NONE")), "503 Joining", nil},
		{"a minority", always(status("non-Primary", "0", "Initialized", "OFF", "OFF", "NONE")), "503 component is non-Primary", nil},
		{"Synced, but of a minority", always(status("non-Primary", "4", "Synced", "ON", "OFF", "NONE")), "503 component is non-Primary", nil},
		{"cut off", always(status("Disconnected", "0", "Closed", "OFF", "OFF", "NONE")), "503 component is Disconnected", nil},
		{"not ready", always(status("Primary", "4", "Synced", "OFF", "OFF", "NONE")), "503 not ready: Synced", nil},
		{"read only", always(status("Primary", "4", "Synced", "ON", "ON", "NONE")), "503 read only", nil},
		{"rejecting", always(status("Primary", "4", "Synced", "ON", "OFF", "ALL")), "503 rejects queries", nil},
		{"in maintenance", always(status("Primary", "4", "Synced", "ON", "OFF", "NONE")), "503 maintenance", []string{here}},
		{"stopped", "echo \"ERROR 2002 (HY000): Can't connect\" >&2; exit 1", "503 stopped: ERROR 2002 (HY000): Cant connect", nil},
		{"frozen", "exec sleep 20", "503 hung: no answer within 1 s", nil},
		{"frozen in the middle of its answer", "read -r asked; echo wsrep_ready; exec sleep 20", "503 hung: no answer within 1 s", nil},
		{"no Galera", always("echo haprov-end"), "503 component is unknown", nil},
		{"garbage", always("head -c 3000 /dev/zero | tr '\\0' x; echo; echo haprov-end"), "503 component is unknown", nil},
		{"garbage without an end", "exec tr '\\0' x </dev/zero", "503 the server says more than it was asked", nil},
		{"a server that ends each connection after one answer", "read -r asked; " + status("Primary", "4", "Synced", "ON", "OFF", "NONE"), "200 Synced", nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			more := x.more
			if more == nil {
				more = []string{"/none"}
			}
			patience := "20" // a busy machine is not a frozen server
			if strings.Contains(x.want, "hung") {
				patience = "1"
			}
			address := responder(t, x.server, append([]string{patience}, more...)...)
			for range 3 {
				begin := time.Now()
				if line := ask(t, address, get); line != "HTTP/1.0 "+x.want {
					t.Errorf("%q, want %q", line, x.want)
				}
				if d := time.Since(begin); d > 20*time.Second {
					t.Errorf("took %s", d)
				}
			}
		})
	}
}

// TestTheHealthOfAServerThatChanges: what was true at one request is asked again at the next.
func TestTheHealthOfAServerThatChanges(t *testing.T) {
	here := filepath.Join(t.TempDir(), "state")
	set := func(state string) {
		if err := os.WriteFile(here, []byte(state), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set("4")
	socket := filepath.Join(t.TempDir(), "mysqld.sock")
	t.Setenv("MYSQL_UNIX_PORT", socket)
	listens := func() io.Closer {
		l, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	server := listens()
	address := responder(t, `while read -r asked; do
	[ "$(cat `+here+`)" != frozen ] || exec sleep 20
	[ "$(cat `+here+`)" != stopped ] || { echo 'ERROR 2002' >&2; exit 1; }
	printf '%s\t%s\n' wsrep_cluster_status Primary wsrep_local_state "$(cat `+here+`)" wsrep_local_state_comment Word wsrep_ready ON read_only OFF wsrep_reject_queries NONE
	echo haprov-end
done`, "5", "/none")
	for _, x := range [][2]string{{"4", "200 Word"}, {"2", "503 donor: Word"}, {"4", "200 Word"}, {"frozen", "503 hung: no answer within 5 s"}, {"4", "200 Word"}, {"stopped", "503 stopped: ERROR 2002"}, {"4", "200 Word"}} {
		set(x[0])
		if line := ask(t, address, get); line != "HTTP/1.0 "+x[1] {
			t.Errorf("%s: %q, want %q", x[0], line, x[1])
		}
	}
	set("stopped")
	_ = server.Close() // it listens
	stopped := "HTTP/1.0 503 stopped: ERROR 2002"
	for range 3 {
		if line := ask(t, address, get); line != stopped {
			t.Errorf("nobody listens: %q, want %q", line, stopped)
		}
	}
	set("4")
	defer listens().Close()
	if line := ask(t, address, get); line != "HTTP/1.0 200 Word" {
		t.Errorf("it listens again: %q", line)
	}
}

// TestTheHealthResponderReadsLittle: whoever the packet filter lets in may send anything.
func TestTheHealthResponderReadsLittle(t *testing.T) {
	address := responder(t, "exit 1", "1", "/")
	for _, x := range []struct{ name, request, want string }{
		{"a request", "GET / HTTP/1.0\r\nHost: db1\r\n\r\n", "HTTP/1.0 503 maintenance"},
		{"a request with bare newlines", "GET / HTTP/1.0\n\n", "HTTP/1.0 503 maintenance"},
		{"a request of three pieces", strings.Repeat("x", 3000) + "\r\n\r\n", "HTTP/1.0 503 maintenance"},
		{"nothing", "unfinished", ""},
		{"half a request", "GET / HT unfinished", ""},
		{"a long line", strings.Repeat("x", 60<<20), ""},
		{"many lines", strings.Repeat("Header: x\r\n", 5<<20), ""},
		{"zeros", strings.Repeat("\x00", 60<<20), ""},
		{"quotes and dollars", strings.Repeat("'$(reboot)\"`*\\\n", 4<<20), ""},
	} {
		if line := ask(t, address, x.request); line != x.want {
			t.Errorf("%s: %q, want %q", x.name, line, x.want)
		}
	}
	// Whoever asks nothing takes no places of others: 16 connections of one peer, the next is refused.
	var idle []net.Conn
	for range 16 {
		k, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		idle = append(idle, k)
	}
	if line := ask(t, address, get); line != "" {
		t.Errorf("the 17th connection: %q", line)
	}
	_ = idle[0].Close() // its place is free
	for began := time.Now(); ask(t, address, get) != "HTTP/1.0 503 maintenance"; time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > 30*time.Second {
			t.Fatal("no place became free")
		}
	}
}
