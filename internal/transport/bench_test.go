package transport_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"haprov/internal/transport"
)

// What a login and one script cost, beside the least that x/crypto/ssh can do. Both talk to a real
// sshd; compare the two in the same run only.
func BenchmarkLoginAndOneScript(b *testing.B) {
	target, dial := openssh(b)
	const script = "echo hello"
	b.Run("haprov", func(b *testing.B) {
		for b.Loop() {
			s, err := transport.Open(context.Background(), target)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Exchange(context.Background(), script, nil); err != nil {
				b.Fatal(err)
			}
			s.Close()
		}
	})
	b.Run("bare", func(b *testing.B) {
		text, _ := os.ReadFile(target.KeyFiles[0])
		key, err := ssh.ParsePrivateKey(text)
		if err != nil {
			b.Fatal(err)
		}
		known, err := knownhosts.New(target.KnownHosts...)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			var nc net.Conn = dial()
			addr := nc.RemoteAddr().String()
			cfg := &ssh.ClientConfig{User: target.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: known, HostKeyAlgorithms: []string{ssh.KeyAlgoED25519}}
			cc, chans, reqs, err := ssh.NewClientConn(transport.Quick(nc), addr, cfg)
			if err != nil {
				b.Fatal(err)
			}
			c := ssh.NewClient(cc, chans, reqs)
			s, err := c.NewSession()
			if err != nil {
				b.Fatal(err)
			}
			var out, errs bytes.Buffer
			s.Stdout, s.Stderr = &out, &errs
			if err := s.Run(script); err != nil {
				b.Fatal(err)
			}
			c.Close()
		}
	})
}
