package transport_test

import (
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"haprov/internal/transport"
	"haprov/internal/transport/sshtest"
)

func TestOutdatedAlgorithmsAreRefused(t *testing.T) {
	for _, line := range []string{"KexAlgorithms diffie-hellman-group14-sha1", "Ciphers aes256-cbc", "Ciphers aes128-ctr\nMACs hmac-sha1"} {
		target, _ := openssh(t, line)
		if _, err := transport.Open(t.Context(), target); !errors.Is(err, transport.ErrUnreachable) && !errors.Is(err, transport.ErrHostKeyChanged) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestAgentKeyLogsIn(t *testing.T) {
	srv, target := inProcess(t)
	text, err := os.ReadFile(srv.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParseRawPrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	sock := filepath.Join(t.TempDir(), "agent")
	ln, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go agent.ServeAgent(ring, c)
		}
	}()
	t.Setenv("SSH_AUTH_SOCK", sock)
	t.Setenv("HOME", t.TempDir())
	target.KeyFiles = nil
	if _, err := transport.Open(t.Context(), target); !errors.Is(err, transport.ErrAuth) {
		t.Error("the agent was used unasked: ", err)
	}
	target.UseAgent = true
	run(t, login(t, target), "true")
}

func TestCertificateLogsIn(t *testing.T) {
	dir := t.TempDir()
	ca, _ := sshtest.NewKey(t, filepath.Join(dir, "ca"))
	target, _ := openssh(t, "TrustedUserCAKeys "+filepath.Join(dir, "ca.pub"))
	file := filepath.Join(dir, "id")
	user, _ := sshtest.NewKey(t, file)
	target.KeyFiles = []string{file}
	if _, err := transport.Open(t.Context(), target); !errors.Is(err, transport.ErrAuth) {
		t.Error("without a certificate: ", err)
	}
	cert := &ssh.Certificate{Key: user.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{target.User},
		ValidBefore: uint64(time.Now().Add(time.Hour).Unix())}
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+"-cert.pub", ssh.MarshalAuthorizedKey(cert), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, login(t, target), "true")
}
