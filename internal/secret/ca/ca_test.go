package ca

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func made(t *testing.T) (authority, member string) {
	t.Helper()
	authority, err := New("shop", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	member, err = Issue(authority, "db1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return authority, member
}

// believed is what each end of a connection asks of the other's certificate.
func believed(t *testing.T, authority, member string, use x509.ExtKeyUsage) bool {
	t.Helper()
	root, _, err := Split(authority)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := Split(member)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(root))
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: "db1", KeyUsages: []x509.ExtKeyUsage{use}})
	return err == nil
}

func TestMembersTrustEachOtherAndNobodyElse(t *testing.T) {
	authority, member := made(t)
	other, stranger := made(t)
	for _, use := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if !believed(t, authority, member, use) {
			t.Error("a member is not believed")
		}
		if believed(t, authority, stranger, use) {
			t.Error("a stranger is believed")
		}
		if forged, err := Issue(member, "db1", time.Now()); err == nil && believed(t, authority, forged, use) {
			t.Error("a member signed another one")
		}
	}
	for what, x := range map[string]struct {
		authority, text, name string
		want                  bool
	}{
		"its own":           {authority, member, "db1", true},
		"another name":      {authority, member, "db2", false},
		"another authority": {other, member, "db1", false},
		"garbage":           {authority, "garbage", "db1", false},
	} {
		if got := Signed(x.authority, x.text, x.name); got != x.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}

// Clients reach a member at addresses; its certificate is good for these and no others.
func TestACertificateIsGoodForItsAddresses(t *testing.T) {
	authority, member := made(t)
	further, err := Issue(authority, "db1", time.Now(), "192.168.56.100", "db.example.com", "::1", "db1", "192.168.56.100")
	if err != nil {
		t.Fatal(err)
	}
	cert, _, err := parse(further)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]bool{"db1": true, "192.168.56.100": true, "db.example.com": true, "::1": true, "192.168.56.101": false, "db2": false} {
		if got := cert.VerifyHostname(at) == nil; got != want {
			t.Errorf("%s: good %v", at, got)
		}
	}
	for _, c := range []struct {
		text    string
		further []string
		want    bool
	}{
		{member, nil, true},
		{member, []string{"192.168.56.100"}, false},
		{further, nil, false},
		{further, []string{"db.example.com", "::1", "192.168.56.100"}, true},
		{further, []string{"db.example.com", "::1", "192.168.56.101"}, false},
		{"garbage", nil, false},
	} {
		if got := Covers(c.text, "db1", c.further...); got != c.want {
			t.Errorf("%v: covers %v", c.further, got)
		}
	}
}

func TestAMixedUpTextIsRefused(t *testing.T) {
	a, m := made(t)
	cert, _, _ := Split(a)
	_, key, _ := Split(m)
	for _, bad := range []string{"", "garbage", cert, key, cert + key, strings.Repeat(key, 2)} {
		if _, _, err := Split(bad); err == nil {
			t.Errorf("%.30q was taken", bad)
		}
		if _, err := Issue(bad, "db1", time.Now()); err == nil {
			t.Errorf("%.30q signed", bad)
		}
	}
}

// While certificates are renewed on one host after the other, each end may have the older or the newer
// one, of itself and of the authority.
func TestRenewedAndFormerCertificatesTrustEachOther(t *testing.T) {
	now := time.Now()
	begun := now.Add(-Life + 30*24*time.Hour)
	authority, err := New("shop", begun)
	if err != nil {
		t.Fatal(err)
	}
	member, err := Issue(authority, "db1", begun)
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := Renew(authority, now)
	if err != nil {
		t.Fatal(err)
	}
	next, err := Issue(renewed, "db1", now)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []string{authority, renewed} {
		for _, m := range []string{member, next} {
			if !believed(t, a, m, x509.ExtKeyUsageServerAuth) || !believed(t, a, m, x509.ExtKeyUsageClientAuth) || !Signed(a, m, "db1") {
				t.Error("one of the two certificates is not believed by one of the two authorities")
			}
		}
	}
	for text, want := range map[string]bool{authority: true, member: true, renewed: false, next: false, "x": false} {
		if ends, due := Due(text, now); due != want || want && ends.Sub(now).Round(24*time.Hour) != 30*24*time.Hour {
			t.Errorf("due %v at %s, want %v", due, ends, want)
		}
	}
	if _, other := made(t); believed(t, renewed, other, x509.ExtKeyUsageServerAuth) {
		t.Error("a stranger is believed")
	}
	if _, err := Renew("x", now); err == nil {
		t.Error("what is no authority was renewed")
	}
}

// OpenSSL, which the members verify with, takes them too.
func TestOpenSSLTakesRenewedCertificates(t *testing.T) {
	begun := time.Now().Add(-Life + 30*24*time.Hour)
	authority, err := New("shop", begun)
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := Renew(authority, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		cert, _, err := Split(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/"+name, []byte(cert), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir + "/" + name
	}
	for _, signer := range []string{authority, renewed} {
		member, err := Issue(signer, "db1", begun)
		if err != nil {
			t.Fatal(err)
		}
		for _, root := range []string{authority, renewed} {
			if out, err := exec.Command("openssl", "verify", "-x509_strict", "-CAfile", write("ca.pem", root), write("cert.pem", member)).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		}
	}
}
