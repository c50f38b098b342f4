package transport

import (
	"bytes"
	"crypto/ed25519"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// What one exchange makes of a host's output must not depend on where the network cuts it.
func FuzzAnswer(f *testing.F) {
	const nonce, host = "session", "0123456789abcdef0123456789abcdef"
	f.Add("noise\n"+nonce+" "+host+"\nout\n"+host+" 0 3\n", 9, false)
	f.Add(host+" 2\nout\n"+host+" 2 0\n", 3, true)
	f.Add(nonce+" "+host+"\n\n"+host+" 0 9999999999999999\n", 60, false)
	f.Fuzz(func(t *testing.T, text string, cut int, later bool) {
		ask := func(seen *bytes.Buffer) *answer {
			a := &answer{nonce: nonce, max: 1 << 16, got: func(p []byte) { seen.Write(p) }}
			if later {
				a.host, a.k = host, 2
			}
			return a
		}
		var all, parts bytes.Buffer
		whole, done, err := ask(&all).feed([]byte(text))
		if done && (!bytes.Equal(all.Bytes(), whole.Out) || !strings.Contains(text, string(whole.Out))) {
			t.Errorf("%q was seen, %q is the answer", all.Bytes(), whole.Out)
		}
		if cut < 0 || cut > len(text) {
			return
		}
		a := ask(&parts)
		r, d, e := a.feed([]byte(text[:cut]))
		if !d && e == nil {
			r, d, e = a.feed([]byte(text[cut:]))
		}
		if err == nil && e == nil && done != d && !(d && !done) {
			t.Errorf("whole: done %v, cut at %d: %v", done, cut, d)
		}
		if done && d && (r.Exit != whole.Exit || !bytes.Equal(r.Out, whole.Out)) {
			t.Errorf("whole %+v, cut %+v", whole, r)
		}
	})
}

func FuzzSSHConfig(f *testing.F) {
	f.Add("Host db1\n  HostName 192.0.2.1\n  Port 22\n  ProxyJump a@b:22,c\n  IdentityFile ~/.ssh/%h\n")
	f.Add("Host *\n\tUser=\"x\"\nMatch all\n Port 99999\n")
	f.Fuzz(func(t *testing.T, text string) {
		if low := strings.ToLower(text); strings.Contains(low, "include") || strings.Contains(low, "proxyjump") && strings.Count(low, ",") > 20 {
			return // would read this machine's files
		}
		c, err := ParseSSHConfig([]byte(text))
		if err != nil {
			return
		}
		c.Hosts()
		got, err := c.fill(Target{Name: "db1"})
		if err == nil && (got.Port < 0 || got.Port > 65535) {
			t.Errorf("port %d", got.Port)
		}
	})
}

// No text of known_hosts makes a key accepted that it does not hold.
func FuzzKnownHosts(f *testing.F) {
	key, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, 32)))
	if err != nil {
		f.Fatal(err)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.PublicKey())))
	blob := strings.Fields(line)[1]
	other := strings.Replace(line, blob[len(blob)-8:], "AAAAAAAA", 1)
	f.Add("192.0.2.1 " + line)
	f.Add("@revoked * " + line)
	f.Add("@cert-authority * " + line)
	f.Add("* " + other + "\n# x\n\n|1|a|b " + line)
	file := filepath.Join(f.TempDir(), "known_hosts")
	at := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 22}
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := Target{Address: "192.0.2.1", Port: 22, KnownHosts: []string{file}, OnlyKnown: true}.hostKeys()
		if err != nil {
			return
		}
		h.known()
		h.algorithms(safeAlgorithms().HostKeys)
		if err := h.check("192.0.2.1:22", at, key.PublicKey()); err == nil && !strings.Contains(text, blob[:40]) {
			t.Errorf("accepted by %q", text)
		}
	})
}
